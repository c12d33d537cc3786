"""Peers at the same privacy and over the same cells, each in an environment of its own: python -m bench.peers.run.

Set the environments up with bench/peers/setup.sh. Runs that bench/peers/results.json lacks are made and added one at a
time; only figures of error and time leave a run. `seconds` is processor time of the whole process, which a busy machine
stretches less than `wall_seconds`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from bench.contestants import DELTA, Truth
from bench.peers.exchange import Task, write_task
from bench.peers.venvs import VENVS
from bench.surveys import Workload, coded
from privacy.accountant import epsilon_of, rho_of

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
EPSILONS = (1.0, 3.0, 8.0)
SMALL = (
    Workload("Bloomington", "bloomington-2017", 8, 3),
    Workload("Somerville", "somerville-2011", 8, 3),
    Workload("Tampa Bay", "tampa-bay-2024", 8, 3),
)
FORTY = Workload("Bloomington", "bloomington-2017", 40, 5)
PATIENCE = 4
"""Times the limit that a run may take by the clock of a busy machine."""
SCORES = ("topline", "crosstab", "difference", "spread")


@dataclass(frozen=True)
class Peer:
    """One way to run a peer; `environment` names both its script and its virtual environment."""

    name: str
    environment: str
    package: str
    setting: str
    runs: int
    workloads: tuple[Workload, ...]

    @property
    def python(self) -> Path:
        return VENVS / self.environment / "bin" / "python"

    def version(self) -> str:
        code = f"from importlib.metadata import version; print('{self.package}', version('{self.package}'))"
        return subprocess.run([self.python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


PEERS = (
    Peer("AIM, half to one-ways", "aim", "opendp", "0.5", 5, SMALL),
    Peer("AIM, a fifth to one-ways", "aim", "opendp", "0.2", 5, SMALL),
    Peer("PipelineDP, Gaussian", "pipelinedp", "pipeline-dp", "gaussian", 3, (*SMALL, FORTY)),
    Peer("PipelineDP, Laplace", "pipelinedp", "pipeline-dp", "laplace", 3, (*SMALL, FORTY)),
    Peer("SmartNoise, Gaussian", "smartnoise", "smartnoise-sql", "gaussian", 1, (*SMALL, FORTY)),
    Peer("SmartNoise, Laplace", "smartnoise", "smartnoise-sql", "laplace", 1, (*SMALL, FORTY)),
    Peer("Tumult, Gaussian", "tumult", "tmlt-analytics", "gaussian", 1, (*SMALL, FORTY)),
    Peer("Tumult, Laplace", "tumult", "tmlt-analytics", "laplace", 1, (*SMALL, FORTY)),
)


@dataclass(frozen=True)
class Case:
    """A peer on one workload and ε: what has one entry in results.json."""

    peer: Peer
    workload: Workload
    epsilon: float

    def __str__(self) -> str:
        return f"{self.peer.name}, {self.workload.label}, ε = {self.epsilon:g}"

    def is_of(self, entry: dict[str, Any]) -> bool:
        key = (self.peer.name, self.workload.label, self.epsilon)
        return (entry["peer"], entry["workload"], entry["epsilon"]) == key

    def head(self, version: str) -> dict[str, Any]:
        return {
            "peer": self.peer.name,
            "version": version,
            "workload": self.workload.label,
            "epsilon": self.epsilon,
            "measured": datetime.now(UTC).date().isoformat(),
        }


class PeerFailed(Exception):
    """A peer stopped, or did not finish in time; the message is fit for results.json."""


def task_of(truth: Truth, epsilon: float) -> Task:
    """The cell set of `truth` at the ρ that ε is worth."""
    data, rho = truth.data, rho_of(epsilon, DELTA)
    part = epsilon_of(rho / len(truth.tables), DELTA) or 0.0
    attributes = [*data.demographics, *data.questions]
    return Task(
        [a.id for a in data.demographics], [a.id for a in data.questions], {a.id: a.size for a in attributes},
        {a.id: data.codes[a.id].astype(np.int64) for a in attributes}, epsilon, DELTA, rho, part,
    )  # fmt: skip


def run_once(peer: Peer, truth: Truth, epsilon: float, limit: int) -> dict[str, float]:
    """Scores and seconds of one run in a new process.

    Raises: PeerFailed: it stopped, or took longer than `limit` processor seconds, or PATIENCE times that by the clock.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "task.npz"), Path(folder, "tables.npz")
        write_task(given, task_of(truth, epsilon))
        command = [str(peer.python), str(HERE / f"{peer.environment}.py"), str(given), str(made), peer.setting]
        before, started = os.times(), time.perf_counter()
        with Path(folder, "log").open("w+") as log:
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (limit, limit + 5))
            try:
                code = process.wait(limit * PATIENCE)
            except subprocess.TimeoutExpired:
                raise PeerFailed(f"not finished within {limit * PATIENCE} s of the clock") from None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            log.seek(0)
            last = (log.read().strip().splitlines() or ["no message"])[-1]
        if code == -signal.SIGXCPU:
            raise PeerFailed(f"not finished within {limit} processor seconds")
        if code != 0:
            print(last, file=sys.stderr)
            raise PeerFailed(f"stopped with code {code}: {last.split(':')[0][:80]}")
        wall, after = time.perf_counter() - started, os.times()
        used = after.children_user - before.children_user + after.children_system - before.children_system
        with np.load(made) as file:
            scores = truth.score({name: file[name] for name in truth.tables})
        return scores | {"seconds": used, "wall_seconds": wall}


def entry_of(case: Case, version: str, each: list[dict[str, float]]) -> dict[str, Any]:
    """What results.json keeps: means of the scores and medians of the seconds, and each run."""
    scores = {key: fmean(run[key] for run in each) for key in SCORES}
    times = {key: round(median(run[key] for run in each), 1) for key in ("seconds", "wall_seconds")}
    return case.head(version) | {"runs": len(each)} | scores | times | {"each": each}


def measure(case: Case, truth: Truth, runs: int, limit: int, fresh: bool) -> None:
    """Make the runs that are missing, and write results.json after each."""
    version = case.peer.version()
    old = next((e for e in read_results() if case.is_of(e)), {})
    each = list(old.get("each", [])) if old.get("version") == version and not fresh else []
    while len(each) < runs:
        try:
            each.append(run_once(case.peer, truth, case.epsilon, limit))
        except PeerFailed as failed:
            print(f"{case}, run {len(each) + 1}: {failed}", file=sys.stderr, flush=True)
            if not each:
                write_result(case, case.head(version) | {"runs": 0, "failed": str(failed)})
            return
        entry = entry_of(case, version, each)
        write_result(case, entry)
        shown = f"{entry['topline'] ** 0.5:.2f} a cell of a topline, {entry['crosstab'] ** 0.5:.2f} of a crosstab"
        print(f"{case}, run {len(each)}: {shown}, {entry['seconds']} s", flush=True)


def read_results() -> list[dict[str, Any]]:
    """Entries of results.json; none where there is no such file."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else []


def write_result(case: Case, entry: dict[str, Any]) -> None:
    """Put the entry in the place of the case's earlier one."""
    entries = [e for e in read_results() if not case.is_of(e)] + [entry]
    entries.sort(key=lambda e: (e["peer"], e["workload"], e["epsilon"]))
    RESULTS.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    """Peers in turn, one process at a time."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers.run", description=__doc__)
    parser.add_argument("--peer", action="append", help="part of a peer's name; may be repeated (default: all)")
    parser.add_argument("--workload", default="", help="part of a workload's label, such as '8 × 3'")
    parser.add_argument("--epsilon", type=float, action="append", help="default: 1, 3 and 8")
    parser.add_argument("--runs", type=int, help="instead of the number each peer has")
    parser.add_argument("--limit", type=int, default=600, help="processor seconds a run may take")
    parser.add_argument("--fresh", action="store_true", help="make the chosen runs again")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the folder with rows goes, and the peer stops
    for peer in PEERS:
        if chosen.peer and not any(part.lower() in peer.name.lower() for part in chosen.peer):
            continue
        if not peer.python.exists():
            print(f"{peer.name}: no environment; run bench/peers/setup.sh {peer.environment}", file=sys.stderr)
            continue
        for workload in peer.workloads:
            if chosen.workload not in workload.label:
                continue
            truth = Truth.of(coded(workload))
            for epsilon in chosen.epsilon or EPSILONS:
                case = Case(peer, workload, epsilon)
                measure(case, truth, chosen.runs or peer.runs, chosen.limit, chosen.fresh)


if __name__ == "__main__":
    main()

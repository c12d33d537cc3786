"""Hostile exports: ten thousand generated, four hundred written, and fuzzing that follows what the code does."""

import multiprocessing
import random
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.faults import intake_child
from tests.faults.hostile import PLANTED
from tests.faults.intake_child import LONGEST_SECONDS
from tests.prove.frame import Effort, Figure, Suite
from tests.prove.state import ROOT
from tests.system.sweep import sweep


class _Findings:
    """What became of all files."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.hangs: list[str] = []
        self.crashes: list[str] = []
        self.wrong: list[str] = []

    @property
    def files(self) -> int:
        return sum(self.outcomes.values())


def _watched(target: Callable[..., None], arguments: tuple[Any, ...], found: _Findings) -> None:
    """Run a child over its files; when it hangs or crashes on one, note that and go on with the next."""
    forks, skip, over = multiprocessing.get_context("forkserver"), 0, False
    forks.set_forkserver_preload(["tests.faults.intake_child"])
    while not over:
        ours, theirs = forks.Pipe(duplex=False)
        child = forks.Process(target=target, args=(*arguments, skip, theirs))
        child.start()
        theirs.close()
        begun, ended, over = _listened(ours, found)
        child.join(LONGEST_SECONDS)
        if child.exitcode is None:
            child.kill()
            child.join()
        skip += ended
        if not over:
            (found.hangs if child.exitcode == -14 else found.crashes).append(f"{begun} ({child.exitcode})")
            found.outcomes["ended the child"] += 1
            skip += 1


def _listened(ours: Connection, found: _Findings) -> tuple[str, int, bool]:
    begun, ended = "", 0
    while True:
        try:
            if not ours.poll(4 * LONGEST_SECONDS):
                return begun, ended, False
            kind, what = ours.recv()
        except (EOFError, OSError):
            return begun, ended, False
        if kind == "done":
            return begun, ended, True
        if kind == "begins":
            begun = what
            continue
        name, said, wrong = what
        ended += 1
        found.outcomes[said] += 1
        if wrong:
            found.wrong.append(f"{name}: {wrong}")


def _figures(what: str, found: _Findings, least: int, folder: Path) -> Iterator[Figure]:
    for line in (*found.hangs, *found.crashes, *found.wrong)[:20]:
        print(f"      {line}")
    says = [line for line in found.wrong if "said" in line]
    yield Figure(f"{what}: files", found.files, ">=", least)
    yield Figure(f"{what}: taken", found.outcomes["taken"], ">=", least // 10)
    yield Figure(f"{what}: hangs over {LONGEST_SECONDS} s", len(found.hangs), "=", 0)
    yield Figure(f"{what}: crashes of the process", len(found.crashes), "=", 0)
    yield Figure(f"{what}: uncaught exceptions", sum("uncaught" in line for line in found.wrong), "=", 0)
    yield Figure(f"{what}: rows neither accepted nor set aside", sum("miscounted" in x for x in found.wrong), "=", 0)
    yield Figure(f"{what}: messages with a respondent's bytes", len(says), "=", 0)
    for path in folder.rglob("export.data"):
        path.unlink()
    hits = sweep([folder], [PLANTED])
    yield Figure(f"{what}: planted strings left on disk", len(hits), "=", 0, headline="canaries", trials=found.files)


def generated(effort: Effort) -> Iterator[Figure]:
    """Files generated from mixtures of everything that goes wrong; another mixture in every run."""
    files, found = effort.count(short=40, extended=600, long=10_000), _Findings()
    at_once, done = 250, 0
    while done < files:
        many = min(at_once, files - done)
        folder = effort.folder / str(done)
        _watched(intake_child.take_generated, (str(folder), secrets.randbits(63), many), found)
        done += many
    yield from _figures("generated", found, files, effort.folder)


def written(effort: Effort) -> Iterator[Figure]:
    """Files written on purpose, into an encrypted zone."""
    found = _Findings()
    parts = effort.count(short=40, extended=16, long=1)
    _watched(intake_child.take_written, (str(effort.folder / "w"), random.randrange(parts), parts), found)
    yield from _figures("written", found, 300 // parts, effort.folder)


def fuzzed(effort: Effort) -> Iterator[Figure]:
    """Inputs grown from those that reached new code of the intake."""
    runs = effort.count(short=200, extended=1_000, long=40_000)
    command = [sys.executable, "-m", "tests.faults.fuzz_intake", str(effort.folder), str(runs)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr[-3000:])
    reached = [line for line in done.stderr.splitlines() if line.startswith("#") and "cov:" in line]
    coverage = int(reached[-1].split("cov:")[1].split()[0]) if reached else 0
    yield Figure("fuzzing that ended with a crash, a hang or a leak", int(done.returncode != 0), "=", 0)
    yield Figure("inputs tried by the fuzzer", int(reached[-1].split()[0][1:]) if reached else 0, ">=", runs)
    yield Figure("places of the intake reached by the fuzzer", coverage, ">=", 100)


SUITES = (
    Suite(
        name="hostile-generated",
        purpose="10,000 generated files: no hang, no uncaught exception, no input in a message, every row accounted for",
        run=generated,
        minutes=6,
        levels=("short", "extended", "long"),
    ),
    Suite(
        name="hostile-written",
        purpose="400 files written on purpose, all the way into a zone",
        run=written,
        minutes=3,
        levels=("extended", "long"),
    ),
    Suite(
        name="hostile-fuzzed",
        purpose="coverage-guided fuzzing of the intake",
        run=fuzzed,
        minutes=7,
        levels=("extended", "long"),
    ),
)

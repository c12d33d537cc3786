"""Precision at equal privacy, side by side on the real surveys of ../shared/data; the table goes to bench/README.md.

Every contestant has the same ρ(ε, δ = 1e-6), by the tight conversion, and is judged on the same cells: all one-way
tables and every demographic × question. Peers that run in environments of their own are read from
bench/peers/results.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np

from bench.contestants import (
    LEAST_GROUP,
    Hearsafe,
    Tables,
    Truth,
    clipped,
    differences,
    equal_noise,
    equal_sigma,
    null_release,
    policy_of,
    residual_planner,
)
from bench.readme import write_part
from bench.surveys import Workload, coded, favourable, substantive
from privacy.summary import summarise
from schemas.plan import table_id

PEERS = Path(__file__).parent / "peers" / "results.json"
WORKLOADS = (
    Workload("Bloomington", "bloomington-2017", 8, 3),
    Workload("Bloomington", "bloomington-2017", 40, 5),
    Workload("Bloomington", "bloomington-2017", None, 5),
    Workload("Somerville", "somerville-2011", 8, 3),
    Workload("Somerville", "somerville-2011", 9, 6),
    Workload("Tampa Bay", "tampa-bay-2024", 8, 3),
    Workload("Tampa Bay", "tampa-bay-2024", None, 5),
)
EPSILONS = (1.0, 3.0, 8.0)
POLICIES: dict[str, dict[str, object]] = {
    "hearsafe": {},
    "hearsafe, balanced": {"emphasis": {"toplines": 60, "demographics": 15}},
    "hearsafe, toplines ahead": {"indices": "none", "emphasis": {"toplines": 200, "demographics": 50}},
    "hearsafe, toplines first": {"indices": "none", "emphasis": {"toplines": 1e6, "demographics": 1e5}},
}
LARGE = 0.1
"""A difference of ten points."""


@dataclass(frozen=True)
class Line:
    """One contestant on one workload. Squared errors are means over runs; `skills` one a run."""

    name: str
    topline: float
    crosstab: float
    difference: float
    skills: tuple[float, ...]
    seconds: float
    found: str = ""
    false: str = ""

    def cells(self, equal: float) -> list[str]:
        """Columns of the table: errors in people, ratio to equal noise, points, skill, discoveries, seconds."""
        error = np.std(self.skills) / sqrt(len(self.skills))
        return [
            self.name,
            f"{sqrt(self.topline):.1f} ({sqrt(self.topline) / equal:.2f})",
            f"{sqrt(self.crosstab):.2f}",
            f"{100 * sqrt(self.difference):.1f}",
            f"{np.mean(self.skills):.2f} ± {error:.2f}",
            self.found,
            self.false,
            f"{self.seconds:.2g}",
        ]


def judged(name: str, truth: Truth, runs: int, release: Callable[[], Tables]) -> Line:
    """Score a contestant over some runs."""
    started = time.perf_counter()
    scores = [truth.score(release()) for _ in range(runs)]
    seconds = (time.perf_counter() - started) / runs
    mean = {key: float(np.mean([score[key] for score in scores])) for key in scores[0]}
    skills = tuple(1 - score["difference"] / score["spread"] for score in scores)
    return Line(name, mean["topline"], mean["crosstab"], mean["difference"], skills, seconds)


def of_hearsafe(name: str, truth: Truth, runs: int, epsilon: float) -> tuple[Line, str]:
    """Score hearsafe, and what its releases mark as significant."""
    contestant = Hearsafe(truth, policy_of(epsilon, **POLICIES[name]))
    signs: list[bool] = []
    large: list[bool] = []

    def release() -> Tables:
        estimates = contestant.release()
        rows = summarise(truth.data.survey, contestant.policy, contestant.plan, truth.data.attributes, estimates)
        marked = {(r.subject, r.group_attribute, r.group): r.value for r in rows if r.significant}
        for d in truth.data.demographics:
            for q in truth.data.questions:
                table = truth.tables[table_id((d.id, q.id))]
                answers = substantive(q)
                true = differences(table, answers, favourable(q))
                shown = substantive(d) & (table[:, answers].sum(axis=1) >= LEAST_GROUP)
                for i in np.flatnonzero(shown):
                    said = marked.get((q.id, d.id, d.cells[i].code))
                    if said is not None:
                        signs.append(bool(np.sign(said) == np.sign(true[i])))
                    if abs(true[i]) >= LARGE:
                        large.append(said is not None)
        return contestant.tables(estimates)

    line = judged(name, truth, runs, release)
    found = f"{np.mean(large):.0%} of {len(large) // runs}" if large else ""
    false = f"{1 - np.mean(signs):.1%} of {len(signs) / runs:.0f}" if signs else "none found"
    return Line(**{**line.__dict__, "found": found, "false": false}), contestant.shares()


def of_peers(workload: Workload, epsilon: float) -> list[Line]:
    """What was measured of peers in environments of their own."""
    if not PEERS.exists():
        return []
    found = [e for e in json.loads(PEERS.read_text()) if e["workload"] == workload.label and e["epsilon"] == epsilon]
    return [
        Line(
            f"{e['peer']} ({e['runs']} runs)", e["topline"], e["crosstab"], e["difference"],
            (1 - e["difference"] / e["spread"],), e["seconds"],
        )
        for e in found
        if "topline" in e
    ]  # fmt: skip


def table_of(workload: Workload, epsilon: float, runs: int) -> list[str]:
    """The Markdown table of one workload and ε."""
    truth = Truth.of(coded(workload))
    rng = np.random.default_rng(int(epsilon))
    equal = equal_sigma(truth, epsilon)
    lines = [
        judged("equal noise per table", truth, runs, lambda: equal_noise(truth, epsilon)),
        judged("equal noise, clipped at 0", truth, runs, lambda: clipped(equal_noise(truth, epsilon))),
        judged("ResidualPlanner optimum", truth, runs, lambda: residual_planner(truth, epsilon, rng)),
        judged("its optimum, clipped at 0", truth, runs, lambda: clipped(residual_planner(truth, epsilon, rng))),
        judged("null release", truth, runs, lambda: null_release(truth, epsilon)),
        *of_peers(workload, epsilon),
    ]
    splits: list[str] = []
    for name in POLICIES:
        line, shares = of_hearsafe(name, truth, runs, epsilon)
        lines.append(line)
        splits.append(f"{name}: {shares}")
    head = ["", "toplines", "crosstabs", "differences", "skill", "≥ 10 points found", "wrong signs", "s a run"]
    people = len(next(iter(truth.data.codes.values())))
    return [
        f"#### {workload.label}, ε = {epsilon:g} ({people} answers, {len(truth.tables)} tables)",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(line.cells(equal))} |" for line in lines),
        "",
        f"Split of the loss. {'; '.join(splits)}.",
        "",
    ]


def main() -> None:
    """Measure, print, and write the part of bench/README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--workloads", default="", help="numbers, separated by commas; all without")
    parser.add_argument("--print-only", action="store_true")
    given = parser.parse_args()
    chosen = [int(i) for i in given.workloads.split(",")] if given.workloads else range(len(WORKLOADS))
    text: list[str] = []
    for index in chosen:
        for epsilon in EPSILONS:
            found = table_of(WORKLOADS[index], epsilon, given.runs)
            print("\n".join(found), flush=True)
            text += found
    if not given.print_only:
        write_part("precision", "\n".join(text))


if __name__ == "__main__":
    main()

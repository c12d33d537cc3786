"""How often released 95 % intervals hold the figure of a known population: bootstrap samples of the real surveys."""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.contestants import Hearsafe, Truth, policy_of
from bench.precision import EPSILONS, WORKLOADS
from bench.readme import write_part
from bench.surveys import Coded, Workload, coded
from privacy.statistics import figures_of
from privacy.summary import summarise
from schemas.released import SummaryRow
from schemas.survey import Demographic

_DIFFERENCE = "_difference"
LEAST_FIGURES = 100
"""Published figures over all runs that a group needs to be judged by itself."""


class Population:
    """Exact figures of everybody in the file, by subject, statistic, option, group attribute and group."""

    def __init__(self, data: Coded) -> None:
        self.figures: dict[tuple[str | None, ...], float] = {}
        for name, figures in figures_of(data.survey, data.attributes).items():
            attribute = data.attributes[name]
            if attribute.is_group or attribute.kind == "net":
                continue
            whole = self._values(figures, data.table(name)[:, None].astype(float))[:, 0]
            for group in (None, *data.demographics):
                counts = data.table(*((name,) if group is None else (group.id, name))).astype(float)
                values = self._values(figures, counts[:, None] if group is None else counts.T)
                for row, figure in enumerate(figures.figures):
                    for column, value in enumerate(values[row]):
                        place = (None, None) if group is None else (group.id, group.cells[column].code)
                        key = (figure.subject, figure.statistic, figure.option, *place)
                        self.figures[key] = float(value)
                        if group is not None:
                            about = f"{figure.statistic}{_DIFFERENCE}"
                            self.figures[figure.subject, about, figure.option, *place] = float(value - whole[row])

    @staticmethod
    def _values(figures, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        base = figures.base @ counts
        return np.where(base > 0, figures.values @ counts / np.where(base > 0, base, 1.0), np.nan)

    def of(self, row: SummaryRow) -> float | None:
        """The population's value of a released figure, where it has one."""
        found = self.figures.get((row.subject, row.statistic, row.option, row.group_attribute, row.group))
        return None if found is None or np.isnan(found) else found


def _kind(row: SummaryRow) -> str:
    if row.statistic.endswith(_DIFFERENCE):
        return "differences"
    return "crosstabs" if row.group is not None else "toplines"


def _declared(demographic: Demographic, data: Coded) -> Demographic:
    if demographic.id not in data.attributes:
        return demographic
    counts = data.table(demographic.id)
    codes = [cell.code for cell in data.attributes[demographic.id].cells]
    shares = {c: float(max(n, 0.5) / counts.sum()) for c, n in zip(codes, counts, strict=True) if c[0] != "_"}
    return demographic.model_copy(update={"expected_shares": shares})


def with_declared_shares(data: Coded) -> Coded:
    """The same survey with the shares of its groups declared, as a city knows them from a census."""
    demographics = tuple(_declared(demographic, data) for demographic in data.survey.demographics)
    return replace(data, survey=data.survey.model_copy(update={"demographics": demographics}))


def coverage(workload: Workload, epsilon: float, runs: int, seed: int) -> dict[str, list[float]]:
    """By kind and by demographic group: how many publishable figures held the population's value, and how many there
    were; of differences marked significant, how many have the population's sign; and of all percentages favourable, how
    many have a margin within the plan's forecast of their table.
    """
    everybody = with_declared_shares(coded(workload))
    population = Population(everybody)
    people = len(next(iter(everybody.codes.values())))
    rng = np.random.default_rng(seed)
    held: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for _ in range(runs):
        chosen = rng.integers(0, people, people)
        sample = replace(everybody, codes={name: codes[chosen] for name, codes in everybody.codes.items()})
        run = Hearsafe(Truth.of(sample), policy_of(epsilon))
        estimates = run.release()
        rows = summarise(sample.survey, run.policy, run.plan, sample.attributes, estimates)
        forecasts = {table.attributes: table.forecast for table in run.plan.published}
        for row in rows:
            if row.statistic == "pct_positive" and row.moe is not None and not row.weighted:
                foreseen = forecasts[
                    (row.subject,) if row.group_attribute is None else (row.group_attribute, row.subject)
                ]
                held["foreseen"][0] += foreseen.low_points <= row.moe <= foreseen.high_points
                held["foreseen"][1] += 1
            true = population.of(row)
            if true is None or row.value is None or row.low is None or row.high is None:
                continue
            if row.significant:
                right = held["found"]
                right[0] += np.sign(true) == np.sign(row.value)
                right[1] += 1
            if not row.publishable:
                continue
            inside = row.low - 1e-9 <= true <= row.high + 1e-9
            names = [_kind(row)]
            if row.group is not None and not row.statistic.endswith(_DIFFERENCE):
                names.append(f"{row.group_attribute}={row.group}")
            for name in names:
                held[name][0] += inside
                held[name][1] += 1
    return held


def main() -> None:
    """Measure, print, and write the part of bench/README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--workloads", default="", help="numbers, separated by commas; all without")
    parser.add_argument("--print-only", action="store_true")
    given = parser.parse_args()
    head = [
        "",
        "toplines",
        "crosstabs",
        "differences",
        "lowest group",
        "signs right",
        "margins foreseen",
        "figures a run",
    ]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for index, workload in enumerate(WORKLOADS):
        if given.workloads and str(index) not in given.workloads.split(","):
            continue
        for epsilon in EPSILONS:
            lines.append(_line(workload, epsilon, coverage(workload, epsilon, given.runs, 7), given.runs))
            print(lines[-1], flush=True)
    if not given.print_only:
        write_part("coverage", "\n".join(lines))


def _line(workload: Workload, epsilon: float, held: dict[str, list[float]], runs: int) -> str:
    def share(name: str) -> str:
        inside, number = held.get(name, [0.0, 0.0])
        return f"{inside / number:.1%}" if number else "none published"

    groups = {name: found for name, found in held.items() if "=" in name and found[1] >= LEAST_FIGURES}
    worst = min(groups.items(), key=lambda pair: pair[1][0] / pair[1][1], default=None)
    lowest = "" if worst is None else f"{worst[1][0] / worst[1][1]:.1%} ({worst[0]})"
    number = sum(held[name][1] for name in ("toplines", "crosstabs", "differences") if name in held) / runs
    cells = [f"{workload.label}, ε = {epsilon:g}", *(share(n) for n in ("toplines", "crosstabs", "differences"))]
    return f"| {' | '.join([*cells, lowest, share('found'), share('foreseen'), f'{number:.0f}'])} |"


if __name__ == "__main__":
    main()

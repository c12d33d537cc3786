"""How often released 95 % intervals hold the figure of a known population: bootstrap samples of the real surveys."""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.contestants import Hearsafe, Truth, policy_of
from bench.precision import WORKLOADS
from bench.surveys import Coded, Workload, coded
from privacy.statistics import figures_of
from privacy.summary import summarise
from schemas.released import SummaryRow

_DIFFERENCE = "_difference"


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


def coverage(workload: Workload, epsilon: float, runs: int, seed: int) -> dict[str, list[float]]:
    """By kind and by demographic group: how many publishable figures held the population's value, and how many there
    were; and of differences marked significant, how many have the population's sign.
    """
    everybody = coded(workload)
    population = Population(everybody)
    people = len(next(iter(everybody.codes.values())))
    rng = np.random.default_rng(seed)
    held: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for _ in range(runs):
        chosen = rng.integers(0, people, people)
        sample = replace(everybody, codes={name: codes[chosen] for name, codes in everybody.codes.items()})
        run = Hearsafe(Truth.of(sample), policy_of(epsilon))
        estimates = run.run(rng)
        rows = summarise(sample.survey, run.policy, run.plan, sample.attributes, estimates)
        for row in rows:
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--workloads", default="")
    given = parser.parse_args()
    for index, workload in enumerate(WORKLOADS):
        if given.workloads and str(index) not in given.workloads.split(","):
            continue
        for epsilon in (1.0, 3.0, 8.0):
            held = coverage(workload, epsilon, given.runs, 7)
            kinds = {k: held[k] for k in ("toplines", "crosstabs", "differences", "found") if k in held}
            groups = {k: v[0] / v[1] for k, v in held.items() if "=" in k and v[1] >= 30}
            worst = min(groups.items(), key=lambda kv: kv[1]) if groups else None
            print(
                workload.label,
                epsilon,
                {k: (round(v[0] / max(v[1], 1), 3), int(v[1])) for k, v in kinds.items()},
                worst,
                flush=True,
            )

"""How far a figure is from an outside one. The benchmark is taken as exact, so the margins are the figure's own.

Claim: docs/claims/comparisons.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from privacy.headline import headlines
from schemas.base import text_in
from schemas.released import SummaryRow
from schemas.survey import Survey

GAP = "_benchmark_gap"
"""Ending of the statistic: the figure less its benchmark, in points where the figure is a percentage."""


def benchmark_rows(survey: Survey, rows: Iterable[SummaryRow]) -> Iterator[SummaryRow]:
    """One row for each figure for everybody, weighted and not, that survey.yaml has a benchmark for."""
    known = headlines(survey)
    for row in rows:
        benchmark = survey.benchmarks.get(row.subject)
        if (
            benchmark is None
            or row.subject not in known
            or row.group is not None
            or row.statistic != known[row.subject].statistic
        ):
            continue
        level = benchmark.value * known[row.subject].declared
        value, low, high = (None if x is None else x - level for x in (row.value, row.low, row.high))
        apart = None if low is None or high is None else low > 0 or high < 0
        yield replace(
            row,
            statistic=f"{row.statistic}{GAP}",
            unit="points" if row.unit == "percent" else row.unit,
            value=value,
            low=low,
            high=high,
            compared_with=text_in(benchmark.source),
            significant=row.publishable and bool(apart),
        )

"""Importance and satisfaction: two questions on one subject, compared for everybody.

Claim: docs/claims/comparisons.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from privacy.compared import Kind, Part, combined
from privacy.headline import headlines
from schemas.released import SummaryRow
from schemas.survey import Survey

GAP = Kind("importance_gap", "points", -100.0, 100.0, same_people=True)
"""Importance less satisfaction."""
RATING = Kind("importance_satisfaction", "percent", 0.0, 100.0, same_people=True, is_difference=False)
"""Importance × (1 − satisfaction): high where much is asked and little is found."""
SATISFACTION_LEAD = Kind("satisfaction_above_average", "points", -100.0, 100.0, same_people=True)
IMPORTANCE_LEAD = Kind("importance_above_average", "points", -100.0, 100.0, same_people=True)
"""Less the average over all pairs: the two signs are the pair's quadrant, where both are significant."""


def importance_rows(survey: Survey, rows: Sequence[SummaryRow], margin_points: float) -> Iterator[SummaryRow]:
    """Four rows for each declared pair whose toplines are there, weighted and not. `rows`: figures for everybody."""
    for weighted in (False, True):
        figures = _headline_figures(survey, rows, weighted=weighted)
        pairs = {a: b for a, b in survey.importance.items() if a in figures and b in figures}
        for satisfaction, importance in pairs.items():
            satisfied, important = figures[satisfaction], figures[importance]
            a, b = satisfied.value, important.value
            gap = None if a is None or b is None else b - a
            parts = [Part(satisfied, -1.0), Part(important, 1.0)]
            yield combined(GAP, gap, parts, margin_points, importance)
            rating = None if a is None or b is None else b * (100.0 - a) / 100.0
            parts = [Part(satisfied, -(b or 0.0) / 100.0), Part(important, (100.0 - (a or 0.0)) / 100.0)]
            yield combined(RATING, rating, parts, margin_points, importance)
            yield _lead(SATISFACTION_LEAD, satisfied, list(pairs), figures, margin_points, importance)
            lead = _lead(IMPORTANCE_LEAD, important, list(pairs.values()), figures, margin_points, importance)
            yield replace(lead, subject=satisfaction)


def _headline_figures(survey: Survey, rows: Sequence[SummaryRow], *, weighted: bool) -> dict[str, SummaryRow]:
    known = headlines(survey)
    return {
        row.subject: row
        for row in rows
        if row.weighted is weighted and row.subject in known and row.statistic == known[row.subject].statistic
    }


def _lead(
    kind: Kind,
    own: SummaryRow,
    every: list[str],
    figures: Mapping[str, SummaryRow],
    margin_points: float,
    compared_with: str,
) -> SummaryRow:
    """A figure less the average of `every` one of its kind."""
    others = [figures[name] for name in every if name != own.subject]
    repeated = len(every) - len(others)
    parts = [Part(own, 1 - repeated / len(every)), *(Part(row, -1 / len(every)) for row in others)]
    values = [part.slope * part.row.value for part in parts if part.row.value is not None]
    value = sum(values) if len(values) == len(parts) else None
    return combined(kind, value, parts, margin_points, compared_with)

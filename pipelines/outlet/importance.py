"""Importance against satisfaction in the report: one row a declared pair, and the quadrant it surely lies in."""

from dataclasses import dataclass

import pyarrow as pa

from pipelines.outlet.charts import margin_words, value_words
from pipelines.outlet.language import MINUS, N_, gettext
from pipelines.outlet.parquet import summary_rows
from schemas.card import Card
from schemas.released import SummaryRow

_STATISTICS = ("importance_gap", "importance_satisfaction", "satisfaction_above_average", "importance_above_average")
_QUADRANTS = {
    (True, False): N_("matters more than most and satisfies less: first to improve"),
    (True, True): N_("matters more than most and satisfies more: keep it up"),
    (False, False): N_("matters less than most and satisfies less: less urgent"),
    (False, True): N_("matters less than most and satisfies more"),
}


@dataclass(frozen=True)
class ImportancePair:
    """A pair as printed; texts are empty where a figure may not be quoted. Sorted by the rating, highest first."""

    label: str
    satisfaction: str
    importance: str
    gap: str
    rating: str
    quadrant: str


def importance_pairs(card: Card, summary: pa.Table) -> tuple[ImportancePair, ...]:
    """Every declared pair; the weighted figures where there are any."""
    rows = [row for row in summary_rows(summary) if row.group is None]
    rows.sort(key=lambda row: row.weighted)
    figures = {(row.subject, row.statistic): row for row in rows if row.statistic in (*_STATISTICS, "pct_positive")}
    labels = {attribute.id: attribute.label for attribute in card.instrument.attributes}
    subjects = dict.fromkeys(subject for subject, statistic in figures if statistic == _STATISTICS[0])
    ordered = sorted(subjects, key=lambda s: -(figures[s, "importance_satisfaction"].value or 0.0))
    return tuple(_pair(subject, figures, labels) for subject in ordered)


def _pair(subject: str, figures: dict[tuple[str, str], SummaryRow], labels: dict[str, str]) -> ImportancePair:
    gap = figures[subject, "importance_gap"]
    return ImportancePair(
        label=labels[subject],
        satisfaction=_words(figures.get((subject, "pct_positive"))),
        importance=_words(figures.get((gap.compared_with or "", "pct_positive"))),
        gap=_words(gap),
        rating=_words(figures[subject, "importance_satisfaction"]),
        quadrant=_quadrant(*(figures[subject, s] for s in ("importance_above_average", "satisfaction_above_average"))),
    )


def _words(row: SummaryRow | None) -> str:
    if row is None or row.value is None or row.moe is None or not row.publishable:
        return MINUS
    return f"{value_words(row.value, row.unit)} {margin_words(row.moe, row.unit)}"


def _quadrant(importance: SummaryRow, satisfaction: SummaryRow) -> str:
    """Named only where both are surely above or below the average of the pairs."""
    if not (importance.significant and satisfaction.significant):
        return gettext("too close to the average to say")
    return gettext(_QUADRANTS[(importance.value or 0.0) > 0, (satisfaction.value or 0.0) > 0])

"""Figures that have no chart of their own: changes, gaps to a benchmark, ranks, quantiles, and those of later versions.

Whatever summary.parquet holds of a question for everybody is shown, under a name made of the statistic's.
"""

from collections.abc import Mapping

from pipelines.outlet.charts import Bar, signed_words
from pipelines.outlet.figures import STATISTIC_NAMES, Figures, bar, scale_of
from pipelines.outlet.wording import phrase
from schemas.card import CardAttribute
from schemas.released import SummaryRow

_WORDS = {"pct": "per cent", "nps": "net promoter score"}
_COMPARING = ("difference", "change", "trend", "gap", "benchmark")
_NAMED = {
    "pct_first": "Ranked first",
    "rank_points": "Mean points of the ranking",
    "p10": "10 % are at or below",
    "p25": "25 % are at or below",
    "p75": "75 % are at or below",
    "p90": "90 % are at or below",
}
_ELSEWHERE = ("pct_ranked", "importance_", "satisfaction_above")
"""Beginnings of statistics that the page shows in a chart or a table of their own."""
_CHANGE, _GAP = "_change", "_benchmark_gap"


def further_rows(
    attribute: CardAttribute, attributes: Mapping[str, CardAttribute], figures: Figures
) -> tuple[Bar, ...]:
    """Rows of a question's further figures, in the order of the file; weighted ones first where both are given."""
    rows = [row for row in figures.further(attribute.id) if not row.statistic.startswith(_ELSEWHERE)]
    if any(row.option is None and row.statistic.endswith(_CHANGE) for row in rows):
        rows = [row for row in rows if row.statistic != f"pct{_CHANGE}"]  # the headline's change says enough
    weighted = {_about(row) for row in rows if row.weighted}
    labels = attribute.options or {cell.code: cell.label for cell in attribute.cells}
    return tuple(_row(row, labels, attributes) for row in rows if row.weighted or _about(row) not in weighted)


def _about(row: SummaryRow) -> tuple[str, str | None, str | None]:
    return row.statistic, row.option, row.compared_with


def _row(row: SummaryRow, labels: Mapping[str, str], attributes: Mapping[str, CardAttribute]) -> Bar:
    name = _name(row)
    about = "" if row.option is None else labels.get(row.option, row.option)
    scale = scale_of(row, attributes)
    label = phrase(lambda option: f"{option}: {name}", about) if about else name
    shown = bar(label, row, scale, _direction(row))
    if not shown.value or row.value is None or not _compares(row.statistic):
        return shown
    return shown._replace(value=signed_words(row.value, row.unit, scale), at="", low="", high="")


def _name(row: SummaryRow) -> str:
    """The statistic's name, and what a comparison is with."""
    for ending, words in ((_CHANGE, "change since"), (_GAP, "against")):
        if row.statistic.endswith(ending) and row.compared_with is not None:
            own = row.statistic.removesuffix(ending)
            name = STATISTIC_NAMES.get(own, own)
            return f"{name[:1].upper()}{name[1:]}: {words} {row.compared_with}"
    return _NAMED.get(row.statistic) or statistic_words(row.statistic)


def _compares(statistic: str) -> bool:
    return any(word in statistic for word in _COMPARING)


def _direction(row: SummaryRow) -> str:
    """Whether a comparison is significant; where that is not said, whether its interval leaves zero out."""
    if not _compares(row.statistic) or row.low is None or row.high is None or not row.publishable:
        return ""
    if row.significant is not None:
        direction = "higher" if (row.value or 0.0) > 0 else "lower"
        return f"{direction}, beyond chance" if row.significant else "no more than chance"
    if row.low > 0:
        return "higher, beyond its margin"
    return "lower, beyond its margin" if row.high < 0 else "no more than chance"


def statistic_words(statistic: str) -> str:
    """A statistic's name for a reader.

    >>> statistic_words("pct_positive_trend"), statistic_words("mean_rank")
    ('Per cent positive trend', 'Mean rank')
    """
    words = " ".join(_WORDS.get(part, part) for part in statistic.replace(":", "_").split("_") if part)
    return words[:1].upper() + words[1:]

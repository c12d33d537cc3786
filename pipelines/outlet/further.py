"""Figures that have no chart of their own: trends, gaps to a benchmark, ranks, and statistics of later versions.

Whatever summary.parquet holds of a question for everybody is shown, under a name made of the statistic's.
"""

from collections.abc import Mapping

from pipelines.outlet.charts import Bar, signed_words
from pipelines.outlet.figures import Figures, bar, scale_of
from pipelines.outlet.wording import phrase
from schemas.card import CardAttribute
from schemas.released import SummaryRow

_WORDS = {"pct": "per cent", "nps": "net promoter score"}
_COMPARING = ("difference", "change", "trend", "gap", "benchmark")


def further_rows(
    attribute: CardAttribute, attributes: Mapping[str, CardAttribute], figures: Figures
) -> tuple[Bar, ...]:
    """Rows of a question's further figures, in the order of the file; weighted ones first where both are given."""
    rows = figures.further(attribute.id)
    weighted = {_about(row) for row in rows if row.weighted}
    labels = {cell.code: cell.label for cell in attribute.cells}
    return tuple(_row(row, labels, attributes) for row in rows if row.weighted or _about(row) not in weighted)


def _about(row: SummaryRow) -> tuple[str, str | None, str | None]:
    return row.statistic, row.option, row.compared_with


def _row(row: SummaryRow, labels: Mapping[str, str], attributes: Mapping[str, CardAttribute]) -> Bar:
    name = statistic_words(row.statistic)
    if row.compared_with is not None:
        name += f" ({row.compared_with})"
    about = "" if row.option is None else labels.get(row.option, row.option)
    scale = scale_of(row, attributes)
    label = phrase(lambda option: f"{option}: {name}", about) if about else name
    shown = bar(label, row, scale, _direction(row))
    if not shown.value or row.value is None or not _compares(row.statistic):
        return shown
    return shown._replace(value=signed_words(row.value, row.unit, scale), at="", low="", high="")


def _compares(statistic: str) -> bool:
    return any(word in statistic for word in _COMPARING)


def _direction(row: SummaryRow) -> str:
    """Whether a comparison's interval leaves zero out."""
    if not _compares(row.statistic) or row.low is None or row.high is None or not row.publishable:
        return ""
    beyond = row.significant if row.significant is not None else row.low > 0 or row.high < 0
    if not beyond:
        return "no more than chance"
    return "higher, beyond its margin" if (row.value or 0.0) > 0 else "lower, beyond its margin"


def statistic_words(statistic: str) -> str:
    """A statistic's name for a reader.

    >>> statistic_words("pct_positive_trend"), statistic_words("mean_rank")
    ('Per cent positive trend', 'Mean rank')
    """
    words = " ".join(_WORDS.get(part, part) for part in statistic.replace(":", "_").split("_") if part)
    return words[:1].upper() + words[1:]

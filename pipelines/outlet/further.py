"""Figures that have no chart of their own: changes, gaps to a benchmark, ranks, quantiles, and those of later versions.

Whatever summary.parquet holds of a question for everybody is shown, under a name made of the statistic's.
"""

from collections.abc import Mapping

from pipelines.outlet.charts import DOWN, UP, Bar, signed_words
from pipelines.outlet.figures import Figures, bar, scale_of, statistic_name
from pipelines.outlet.language import N_, gettext
from pipelines.outlet.wording import phrase
from schemas.card import CardAttribute
from schemas.released import SummaryRow

_WORDS = {"pct": "per cent", "nps": "net promoter score"}
_COMPARING = ("difference", "change", "trend", "gap", "benchmark")
_NAMED = {
    "pct_first": N_("Ranked first"),
    "rank_points": N_("Mean points of the ranking"),
    "p10": N_("10 % are at or below"),
    "p25": N_("25 % are at or below"),
    "p75": N_("75 % are at or below"),
    "p90": N_("90 % are at or below"),
}
_ELSEWHERE = ("pct_ranked", "importance_", "satisfaction_above")
"""Beginnings of statistics that the page shows in a chart or a table of their own."""
_BEYOND = {
    (True, True): N_("higher, beyond chance"),
    (True, False): N_("lower, beyond chance"),
    (False, True): N_("higher, beyond its margin"),
    (False, False): N_("lower, beyond its margin"),
}
"""(whether the release itself marks it, whether it is above zero) → words."""
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


def beyond_chance(
    subjects: list[CardAttribute], attributes: Mapping[str, CardAttribute], figures: Figures
) -> tuple[Bar, ...]:
    """Headline changes and gaps that the release marks as significant, the largest of their scale first."""
    found: list[tuple[float, str, Bar]] = []
    for subject in subjects:
        rows = [r for r in figures.further(subject.id) if r.option is None and r.significant and r.publishable]
        weighted = {_about(row) for row in rows if row.weighted}
        for row in rows:
            if _name_of_comparison(row) is None or (not row.weighted and _about(row) in weighted):
                continue
            scale = scale_of(row, attributes)
            shown = _row(row, {}, attributes)
            label = phrase("{} · {}", subject.label, shown.label)
            size = abs(row.value or 0.0) / max(scale.high - scale.low, 1e-9)
            found.append((-size, subject.id, shown._replace(label=label, anchor=f"q-{subject.id}")))
    return tuple(bar for _, _, bar in sorted(found, key=lambda item: item[:2]))


def _about(row: SummaryRow) -> tuple[str, str | None, str | None]:
    return row.statistic, row.option, row.compared_with


def _row(row: SummaryRow, labels: Mapping[str, str], attributes: Mapping[str, CardAttribute]) -> Bar:
    name = _name(row)
    about = "" if row.option is None else labels.get(row.option, row.option)
    scale = scale_of(row, attributes)
    label = phrase("{}: {}", about, name) if about else name
    shown = bar(label, row, scale, _direction(row))
    if not shown.value or row.value is None or not _compares(row.statistic):
        return shown
    return shown._replace(value=signed_words(row.value, row.unit, scale), at="", low="", high="")


def _name(row: SummaryRow) -> str:
    """The statistic's name, and what a comparison is with."""
    compared = _name_of_comparison(row)
    if compared is not None:
        return compared
    return gettext(_NAMED[row.statistic]) if row.statistic in _NAMED else statistic_words(row.statistic)


def _name_of_comparison(row: SummaryRow) -> str | None:
    for ending, words in ((_CHANGE, N_("{figure}: change since {wave}")), (_GAP, N_("{figure}: against {wave}"))):
        if row.statistic.endswith(ending) and row.compared_with is not None:
            name = statistic_name(row.statistic.removesuffix(ending))
            return gettext(words).format(figure=f"{name[:1].upper()}{name[1:]}", wave=row.compared_with)
    return None


def _compares(statistic: str) -> bool:
    return any(word in statistic for word in _COMPARING)


def _direction(row: SummaryRow) -> str:
    """Whether a comparison is significant; where that is not said, whether its interval leaves zero out."""
    if not _compares(row.statistic) or row.low is None or row.high is None or not row.publishable:
        return ""
    above = (row.value or 0.0) > 0 if row.significant else row.low > 0
    if row.significant or (row.significant is None and (row.low > 0 or row.high < 0)):
        return f"{UP if above else DOWN}{gettext(_BEYOND[row.significant is not None, above])}"
    return gettext("no more than chance")


def statistic_words(statistic: str) -> str:
    """A statistic's name for a reader.

    >>> statistic_words("pct_positive_trend"), statistic_words("mean_rank")
    ('Per cent positive trend', 'Mean rank')
    """
    words = " ".join(_WORDS.get(part, part) for part in statistic.replace(":", "_").split("_") if part)
    return words[:1].upper() + words[1:]

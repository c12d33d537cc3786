"""The rows of summary.parquet, found by what they are about, and turned into bars."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import fields
from itertools import starmap

import pyarrow as pa

from pipelines.outlet.charts import (
    PERCENT,
    POINTS,
    Bar,
    Scale,
    about,
    margin_words,
    position,
    reason_words,
    value_words,
)
from pipelines.outlet.language import N_, gettext
from schemas.card import CardAttribute
from schemas.released import SummaryRow

HEADLINES = ("pct_positive", "nps", "mean", "median", "index")
"""Statistics that sum a question up in one number, the first one there is wins."""

STATISTIC_NAMES = {
    "pct_positive": N_("positive"),
    "mean": N_("mean"),
    "median": N_("median"),
    "nps": N_("net promoter score"),
    "index": N_("index"),
    "pct": N_("share"),
    "pct_ranked": N_("ranked at all"),
}

DIFFERENCE = "_difference"
"""Ending of a statistic that is a group's figure less everybody's."""

_SHOWN = frozenset((*HEADLINES, "pct", "pct_no_opinion", "population"))

MEAN_SUFFIX = "__mean"
"""Ending of the score attribute of a numeric question."""

_COLUMNS = tuple(field.name for field in fields(SummaryRow))
_SCALES = {"percent": PERCENT, "points": POINTS}


class Figures:
    """All figures of a release. Where a figure is given weighted and unweighted, the weighted one leads."""

    def __init__(self, summary: pa.Table) -> None:
        columns = [summary.column(name).to_pylist() for name in _COLUMNS]
        self._overall: dict[tuple[str, str, str | None, bool], SummaryRow] = {}
        self._grouped: dict[tuple[str, str, str, bool], list[SummaryRow]] = defaultdict(list)
        self._group_attributes: dict[str, dict[str, None]] = defaultdict(dict)
        self._further: dict[str, list[SummaryRow]] = defaultdict(list)
        for figure in starmap(SummaryRow, zip(*columns, strict=True)):
            if figure.group_attribute is None:
                self._overall[figure.subject, figure.statistic, figure.option, figure.weighted] = figure
                if figure.statistic not in _SHOWN:
                    self._further[figure.subject].append(figure)
            else:
                key = (figure.subject, figure.statistic, figure.group_attribute, figure.weighted)
                self._grouped[key].append(figure)
                self._group_attributes[figure.subject][figure.group_attribute] = None

    def overall(
        self, subject: str, statistic: str, option: str | None = None, weighted: bool | None = None
    ) -> SummaryRow | None:
        """The figure for everybody."""
        if weighted is not None:
            return self._overall.get((subject, statistic, option, weighted))
        lead = self._overall.get((subject, statistic, option, True))
        return lead or self._overall.get((subject, statistic, option, False))

    def headline(self, subject: str) -> SummaryRow | None:
        """The one number that sums a question up, if it has one."""
        found = (self.overall(subject, statistic) for statistic in HEADLINES)
        return next((figure for figure in found if figure is not None), None)

    def headline_of(self, attribute: str) -> SummaryRow | None:
        """The headline of an attribute, or of the score attribute behind it (numeric questions)."""
        return self.headline(attribute) or self.headline(attribute + MEAN_SUFFIX)

    def further(self, attribute: str) -> list[SummaryRow]:
        """Figures for everybody that no chart of the report is made for, such as trends and gaps to a benchmark."""
        return [*self._further.get(attribute, ()), *self._further.get(attribute + MEAN_SUFFIX, ())]

    def differences(self, subject: str, statistic: str, group_attribute: str) -> dict[str, SummaryRow]:
        """Released differences between a group and everybody, by group."""
        rows = self.grouped(subject, statistic + DIFFERENCE, group_attribute)
        return {row.group: row for row in rows if row.group is not None}

    def grouped(self, subject: str, statistic: str, group_attribute: str) -> list[SummaryRow]:
        """The figures of the groups of a demographic, in the order of the file."""
        lead = self._grouped.get((subject, statistic, group_attribute, True))
        return lead or self._grouped.get((subject, statistic, group_attribute, False), [])

    def group_attributes(self, subject: str) -> tuple[str, ...]:
        """The demographics that a question is broken down by."""
        return tuple(self._group_attributes.get(subject, ()))


def scale_of(figure: SummaryRow, attributes: Mapping[str, CardAttribute]) -> Scale:
    """The axis a figure is drawn on. The mean of a numeric question runs between the bounds of its score attribute."""
    if figure.unit in _SCALES:
        return _SCALES[figure.unit]
    attribute = attributes.get(figure.subject + MEAN_SUFFIX) or attributes.get(figure.subject)
    if attribute is None:
        return Scale(0.0, 1.0)
    if attribute.kind == "score":
        return Scale(attribute.low, attribute.high)
    if attribute.options:
        return Scale(0.0, float(attribute.at_most))
    scores = [cell.score for cell in attribute.cells if cell.score is not None]
    return Scale(min(scores), max(scores)) if scores else Scale(0.0, 1.0)


def headline_name(lead: SummaryRow, attribute: CardAttribute) -> str:
    """What a headline figure is, in words, with the unit of a mean."""
    unit = f" {attribute.measure_unit}" if lead.statistic == "mean" and attribute.measure_unit else ""
    return f"{statistic_name(lead.statistic)}{unit}"


def statistic_name(statistic: str) -> str:
    """What a statistic is called in the language spoken; one of a later version by its code."""
    return gettext(STATISTIC_NAMES[statistic]) if statistic in STATISTIC_NAMES else statistic


def bar(label: str, figure: SummaryRow, scale: Scale, note: str = "", anchor: str = "", target: str = "") -> Bar:
    """A figure as a row. What is not publishable is grey and says why; what knows nothing shows no number."""
    hidden = figure.value is None or figure.reason in ("no_information", "undefined")
    base = "" if figure.base is None or hidden else about(figure.base)
    why = reason_words(figure.reason)
    if hidden or figure.value is None:
        return Bar(label, "", "", "", "", "", why, True, base, anchor, target)
    low, high = figure.low, figure.high
    ends = ("", "") if low is None or high is None else (position(low, scale), position(high, scale))
    return Bar(
        label,
        value_words(figure.value, figure.unit, scale),
        "" if figure.moe is None else margin_words(figure.moe, figure.unit, scale),
        position(figure.value, scale),
        *ends,
        note if figure.publishable else why,
        not figure.publishable,
        base,
        anchor,
        target,
    )


def ranked(figures: Iterable[tuple[str, str, SummaryRow]]) -> list[tuple[str, str, SummaryRow]]:
    """(id, label, figure), from the highest value to the lowest, ties by label; without a value last."""
    return sorted(figures, key=lambda item: (item[2].value is None, -(item[2].value or 0.0), item[1], item[0]))

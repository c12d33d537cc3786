"""Which groups differ from everybody by more than chance: the released differences, else intervals that do not meet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from pipelines.outlet.charts import DOWN, UP, Bar, Scale, margin_words, position, signed_words, value_words
from pipelines.outlet.figures import HEADLINES, MEAN_SUFFIX, Figures, headline_name, scale_of
from pipelines.outlet.language import general, gettext
from schemas.card import CardAttribute
from schemas.released import SummaryRow

MOST_SHOWN = 12
"""Differences named on the first page; the rest are in the group tables."""

_LEAST_AXIS = 10.0


@dataclass(frozen=True)
class Difference:
    """One group that differs. `row` is drawn on an axis with everybody in its middle; values in points of the scale."""

    subject: str
    group_attribute: str
    group: str
    statistic: str
    row: Bar
    own: str
    everybody: str


@dataclass(frozen=True)
class Standing:
    """The differences that stand out, largest first, and how many figures of groups were looked at."""

    shown: tuple[Difference, ...]
    found: int
    compared: int
    axis: str
    """The end of the axis in words."""
    unweighted: bool
    """Whether everybody's figure elsewhere on the page is weighted, and here it is not."""
    counted: bool
    """Whether the release marks what is beyond chance among all its comparisons together."""


@dataclass(frozen=True)
class _Gap:
    """A group's figure less everybody's, in its unit and in points of the scale (`points` per unit)."""

    group: SummaryRow
    everybody: SummaryRow | None
    value: float
    moe: float
    points: float
    scale: Scale
    marked: bool | None = None
    """Whether the release itself marks it as beyond chance, counting every comparison it makes."""

    @property
    def clear(self) -> bool:
        """What the release says; where it says nothing, whether zero lies outside the 95 % interval."""
        return abs(self.value) > self.moe if self.marked is None else self.marked


def verdict(group: SummaryRow, everybody: SummaryRow | None, difference: SummaryRow | None) -> str:
    """'▲ higher' or '▼ lower' than everybody, where that may be published; empty where it could be chance.

    A released difference decides, where there is one. Else intervals that do not meet: a cautious test at any
    correlation of the two errors.
    """
    if not group.publishable:
        return ""
    gap = _gap(group, everybody, difference, Scale(0.0, 100.0))
    if gap is None or not gap.clear:
        return ""
    if gap.value > 0:
        return UP + gettext("higher than everybody")
    return DOWN + gettext("lower than everybody")


def _gap(group: SummaryRow, everybody: SummaryRow | None, difference: SummaryRow | None, scale: Scale) -> _Gap | None:
    points = 1.0 if group.unit != "score" else 100 / max(scale.high - scale.low, 1e-9)
    if difference is not None:
        if not difference.publishable or difference.value is None:
            return None
        low, high = difference.low, difference.high
        if low is None or high is None:
            return None
        moe = max(difference.value - low, high - difference.value)
        return _Gap(group, everybody, difference.value, moe, points, scale, difference.significant)
    if everybody is None or not everybody.publishable or group.value is None or everybody.value is None:
        return None
    if None in (group.low, group.high, everybody.low, everybody.high):
        return None
    above = group.value >= everybody.value
    reach = (group.value - (group.low or 0.0)) if above else ((group.high or 0.0) - group.value)
    reach += ((everybody.high or 0.0) - everybody.value) if above else (everybody.value - (everybody.low or 0.0))
    return _Gap(group, everybody, group.value - everybody.value, reach, points, scale)


def standing_out(subjects: list[CardAttribute], attributes: Mapping[str, CardAttribute], figures: Figures) -> Standing:
    """The publishable differences of questions and indices that are larger than their margin."""
    gaps = [gap for subject in subjects for gap in _gaps(subject, attributes, figures)]
    clear = sorted((g for g in gaps if g.clear), key=lambda g: (-abs(g.value * g.points), g.group.subject))
    shown = clear[:MOST_SHOWN]
    reach = max((abs(g.value) + g.moe) * g.points for g in shown) if shown else 0.0
    end = min(max(_LEAST_AXIS, ceil(reach / 10) * 10.0), 100.0)
    rows = tuple(_difference(gap, attributes, Scale(-end, end)) for gap in shown)
    weighted = any(attribute.targets for attribute in attributes.values())
    plain = weighted and any(not gap.group.weighted for gap in shown)
    return Standing(rows, len(clear), len(gaps), general(end), plain, any(gap.marked is not None for gap in gaps))


def _gaps(subject: CardAttribute, attributes: Mapping[str, CardAttribute], figures: Figures) -> Iterator[_Gap]:
    lead = figures.headline_of(subject.id)
    if lead is None or lead.statistic not in HEADLINES:
        return
    scale = scale_of(lead, attributes)
    for group_attribute in figures.group_attributes(lead.subject):
        rows = figures.grouped(lead.subject, lead.statistic, group_attribute)
        known = figures.differences(lead.subject, lead.statistic, group_attribute)
        for row in rows:
            if not row.publishable or row.group is None or row.group_attribute not in attributes:
                continue
            everybody = figures.overall(lead.subject, lead.statistic, weighted=row.weighted)
            gap = _gap(row, everybody, known.get(row.group), scale)
            if gap is not None:
                yield gap


def _difference(gap: _Gap, attributes: Mapping[str, CardAttribute], axis: Scale) -> Difference:
    row, points = gap.group, gap.points
    subject = row.subject.removesuffix(MEAN_SUFFIX)
    kind = "i" if attributes[subject].origin == "index" else "q"
    middle, reach = gap.value * points, gap.moe * points
    cells = {cell.code: cell.label for cell in attributes[row.group_attribute or ""].cells}
    bar = Bar(
        attributes[subject].label,
        signed_words(gap.value, row.unit, gap.scale),
        margin_words(gap.moe, row.unit, gap.scale),
        position(middle, axis),
        position(middle - reach, axis),
        position(middle + reach, axis),
        "",
        False,
        "",
        f"{kind}-{subject}",
    )
    own = "" if row.value is None else value_words(row.value, row.unit, gap.scale)
    if own and row.unit != "percent":
        own = f"{headline_name(row, attributes[subject])} {own}"
    whole = gap.everybody
    everybody = "" if whole is None or whole.value is None else value_words(whole.value, whole.unit, gap.scale)
    group_label = attributes[row.group_attribute or ""].label
    return Difference(
        subject, group_label, cells.get(row.group or "", row.group or ""), row.statistic, bar, own, everybody
    )

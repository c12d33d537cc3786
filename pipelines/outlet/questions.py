"""One question of the report as plain data: its headline, its distribution and its group tables."""

from collections import defaultdict
from dataclasses import dataclass

from pipelines.outlet.charts import PERCENT, Bar, about, reason_words
from pipelines.outlet.differences import verdict
from pipelines.outlet.figures import HEADLINES, MEAN_SUFFIX, Figures, bar, headline_name, scale_of, statistic_name
from pipelines.outlet.further import further_rows
from pipelines.outlet.language import gettext
from schemas.attributes import CellRole
from schemas.card import CardAttribute
from schemas.released import SummaryRow


@dataclass(frozen=True)
class GroupTable:
    """A question by one demographic: one figure a group (`bars`), or one row a group over options (`matrix`)."""

    label: str
    statistic: str
    bars: tuple[Bar, ...]
    options: tuple[str, ...]
    matrix: tuple[tuple[str, tuple[Bar, ...]], ...]

    @property
    def some(self) -> bool:
        """Whether any figure of it is publishable: what is printed."""
        return any(not b.grey for b in (*self.bars, *(cell for _, row in self.matrix for cell in row)))


@dataclass(frozen=True)
class QuestionView:
    """One question. `silent`: demographics of which nothing is known, by the reason."""

    id: str
    label: str
    base: str | None
    headline: str
    headline_margin: str
    headline_name: str
    headline_note: str
    grey: bool
    also: tuple[str, ...]
    chart: tuple[Bar, ...]
    aside: tuple[Bar, ...]
    dot: bool
    """Whether its headline is a mean or a net score, drawn as a dot rather than a bar from zero."""
    weighted: bool
    groups: tuple[GroupTable, ...]
    silent: tuple[tuple[str, tuple[str, ...]], ...]
    noted: bool
    """Whether any group row has a note; all group tables of a question share one layout."""
    publishable: int
    figures: int
    further: tuple[Bar, ...]
    """Figures beyond the answers themselves: trends, gaps to a benchmark, ranks."""


def question_view(attribute: CardAttribute, attributes: dict[str, CardAttribute], figures: Figures) -> QuestionView:
    """Arrange the figures of a question or an index."""
    lead = figures.headline_of(attribute.id)
    headline = None if lead is None else bar("", lead, scale_of(lead, attributes))
    chart, aside = _distribution(attribute, figures)
    groups, silent = _groups(attribute, attributes, figures, lead)
    counted = [b for g in groups for b in (*g.bars, *(x for _, row in g.matrix for x in row))]
    silent_figures = sum(
        len(figures.grouped(attribute.id, s, g)) for _, ids in silent for g in ids for s in (*HEADLINES, "pct")
    )
    return QuestionView(
        id=attribute.id,
        label=attribute.label,
        base=attribute.base,
        headline="" if headline is None else headline.value,
        headline_margin="" if headline is None else headline.margin,
        headline_name="" if lead is None else headline_name(lead, attribute),
        headline_note="" if headline is None else headline.note,
        grey=headline is not None and headline.grey,
        also=_also(attribute, attributes, figures, lead),
        chart=chart,
        aside=aside,
        dot=lead is not None and lead.unit != "percent",
        weighted=bool(chart) and all(_is_weighted(attribute, figures)),
        groups=groups,
        silent=tuple((why, tuple(attributes[g].label for g in ids)) for why, ids in silent),
        noted=any(b.note for g in groups for b in g.bars),
        publishable=sum(not b.grey for b in counted),
        figures=len(counted) + silent_figures,
        further=further_rows(attribute, attributes, figures),
    )


def _is_weighted(attribute: CardAttribute, figures: Figures) -> list[bool]:
    options = attribute.options or [cell.code for cell in attribute.cells]
    found = (figures.overall(attribute.id, _share_of(attribute), option) for option in options)
    return [figure.weighted for figure in found if figure is not None]


def _also(
    attribute: CardAttribute, attributes: dict[str, CardAttribute], figures: Figures, lead: SummaryRow | None
) -> tuple[str, ...]:
    """The other numbers of a question, in words: mean beside % positive, the unweighted figure, the noisy base."""
    said: list[str] = []
    for statistic in HEADLINES:
        subject = attribute.id if figures.overall(attribute.id, statistic) else attribute.id + MEAN_SUFFIX
        other = figures.overall(subject, statistic)
        if other is None or lead is None or other.statistic == lead.statistic or not other.publishable:
            continue
        row = bar("", other, scale_of(other, attributes))
        said.append(f"{statistic_name(statistic)} {row.value} ({row.margin})")
    if lead is not None and lead.weighted:
        plain = figures.overall(lead.subject, lead.statistic, weighted=False)
        known = plain is not None and plain.value is not None and plain.publishable
        beside = bar("", plain, scale_of(plain, attributes)).value if plain is not None and known else ""
        said.append(
            gettext("weighted to the population") + (gettext(" (unweighted {})").format(beside) if beside else "")
        )
    if lead is not None and lead.base is not None:
        said.append(gettext("base about {}").format(about(lead.base)))
    return tuple(said)


def _distribution(attribute: CardAttribute, figures: Figures) -> tuple[tuple[Bar, ...], tuple[Bar, ...]]:
    """Bars of the answer options, and aside those that stand outside the base (don't know and the like)."""
    chart: list[Bar] = []
    aside: list[Bar] = []
    for code, label in attribute.options.items():
        figure = figures.overall(attribute.id, _share_of(attribute), code)
        chart += [] if figure is None else [bar(label, figure, PERCENT)]
    for cell in attribute.cells:
        figure = figures.overall(attribute.id, "pct", cell.code)
        if figure is not None:
            inside = cell.role in (CellRole.SUBSTANTIVE, CellRole.NONE)
            (chart if inside else aside).append(bar(cell.label, figure, PERCENT))
    no_opinion = figures.overall(attribute.id, "pct_no_opinion")
    if no_opinion is not None and not aside:
        labels = [cell.label for cell in attribute.cells if cell.role is CellRole.NO_OPINION]
        aside.append(
            bar(labels[0] if len(labels) == 1 else " / ".join(labels) or gettext("No opinion"), no_opinion, PERCENT)
        )
    if attribute.kind == "multi":
        chart.sort(key=lambda row: -float(row.at or 0))
    return tuple(chart), tuple(aside)


def _share_of(attribute: CardAttribute) -> str:
    """The statistic that says how many chose an option: of a ranking, at any place."""
    return "pct_ranked" if attribute.options else "pct"


def _groups(
    attribute: CardAttribute, attributes: dict[str, CardAttribute], figures: Figures, lead: SummaryRow | None
) -> tuple[tuple[GroupTable, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    tables: list[GroupTable] = []
    silent: dict[str, list[str]] = defaultdict(list)
    subject = attribute.id if lead is None else lead.subject
    for group_attribute in dict.fromkeys((*figures.group_attributes(subject), *figures.group_attributes(attribute.id))):
        if group_attribute not in attributes:
            continue
        labels = {cell.code: cell.label for cell in attributes[group_attribute].cells}
        single = figures.grouped(subject, lead.statistic, group_attribute) if lead is not None else []
        found = single or figures.grouped(attribute.id, _share_of(attribute), group_attribute)
        reasons = {figure.reason for figure in found}
        if found and len(reasons) == 1 and reasons & {"no_information", "undefined"}:
            silent[reason_words(reasons.pop())].append(group_attribute)
        elif single and lead is not None:
            everybody = figures.overall(subject, lead.statistic, weighted=single[0].weighted)
            apart = figures.differences(subject, lead.statistic, group_attribute)
            scale = scale_of(single[0], attributes)
            bars = tuple(
                bar(labels.get(f.group or "", ""), f, scale, verdict(f, everybody, apart.get(f.group or "")))
                for f in single
            )
            name = headline_name(single[0], attribute)
            tables.append(GroupTable(attributes[group_attribute].label, name, bars, (), ()))
        elif found:
            tables.append(_matrix(attribute, attributes[group_attribute].label, labels, found))
    return tuple(tables), tuple((why, tuple(ids)) for why, ids in silent.items())


def _matrix(attribute: CardAttribute, label: str, labels: dict[str, str], found: list[SummaryRow]) -> GroupTable:
    known = attribute.options or {cell.code: cell.label for cell in attribute.cells}
    options = [code for code in known if any(figure.option == code for figure in found)]
    cells = {(figure.group, figure.option): figure for figure in found}
    empty = Bar("", "", "", "", "", "", "", True, "")
    rows: list[tuple[str, tuple[Bar, ...]]] = []
    for group in dict.fromkeys(figure.group for figure in found):
        row = tuple(
            empty if (figure := cells.get((group, o))) is None else bar(known[o], figure, PERCENT) for o in options
        )
        rows.append((labels.get(group or "", ""), row))
    return GroupTable(label, statistic_name(_share_of(attribute)), (), tuple(known[o] for o in options), tuple(rows))

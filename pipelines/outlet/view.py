"""The report as plain data: blocks of questions, their bars, group tables and participation. No markup here."""

from dataclasses import dataclass
from itertools import groupby

import pyarrow as pa

from pipelines.outlet.charts import Bar, about
from pipelines.outlet.differences import Standing, standing_out
from pipelines.outlet.figures import Figures, bar, ranked, scale_of
from pipelines.outlet.further import beyond_chance
from pipelines.outlet.language import N_, gettext, number
from pipelines.outlet.participation import Participation, participation_of
from pipelines.outlet.questions import QuestionView, question_view
from pipelines.outlet.wording import phrase
from schemas.attributes import CellRole
from schemas.card import Card, CardAttribute
from schemas.released import SummaryRow

_FROM_TO = N_("From “{}” to “{}”")

HEADLINE_COUNT = 5
"""Questions named as most and least positive."""


@dataclass(frozen=True)
class Block:
    """Questions that belong together: the items of an index, or neighbours with the same answer scale."""

    id: str
    title: str
    index: Bar | None
    overview: tuple[Bar, ...]
    questions: tuple[QuestionView, ...]


@dataclass(frozen=True)
class ReportView:
    """Everything the report shows but the card's own texts."""

    title: str
    respondents: str
    respondents_margin: str
    highest: tuple[Bar, ...]
    lowest: tuple[Bar, ...]
    by_means: bool
    """Whether highest and lowest are means on their scales, for want of questions with favourable answers."""
    differences: Standing
    compared: tuple[Bar, ...]
    """Changes since earlier waves and gaps to benchmarks that are beyond chance."""
    indices: tuple[Bar, ...]
    index_groups: tuple[QuestionView, ...]
    quiet_indices: tuple[QuestionView, ...]
    """Indices of which no figure by group may be quoted."""
    silent_indices: tuple[str, ...]
    blocks: tuple[Block, ...]
    participation: tuple[Participation, ...]
    publishable: int
    figures: int


def view_of(card: Card, estimates: pa.Table, summary: pa.Table) -> ReportView:
    """Arrange the released figures for reading, from the card as an edition words it and the released tables only."""
    figures = Figures(summary)
    attributes = {a.id: a for a in card.instrument.attributes}
    asked = [a for a in card.instrument.attributes if a.kind != "net"]
    questions = [a for a in asked if a.origin == "question"]
    views = {a.id: question_view(a, attributes, figures) for a in questions}
    order = ranked(_quotable(questions, figures, "pct_positive"))
    by_means = not order
    if by_means:
        order = _by_place(_quotable(questions, figures, "mean"), attributes)
    shown = min(HEADLINE_COUNT, len(order) // 2)
    flags = summary.column("publishable").to_pylist()
    indices = [a for a in asked if a.origin == "index"]
    indexed = [(a.id, a.label, f) for a in indices if (f := figures.headline(a.id)) is not None]
    index_views = [question_view(a, attributes, figures) for a in indices]
    index_groups = tuple(view for view in index_views if view.groups)
    people = card.expert.participation
    return ReportView(
        title=card.title,
        respondents=about(people.estimated_respondents),
        respondents_margin=f"± {number(max(1, round(1.96 * people.noise_sd)))}",
        highest=tuple(_overview(item, attributes) for item in order[:shown]),
        lowest=tuple(_overview(item, attributes) for item in reversed(order[len(order) - shown :])),
        by_means=by_means,
        compared=beyond_chance(questions, attributes, figures),
        differences=standing_out([*indices, *questions], attributes, figures),
        indices=tuple(
            row if row.anchor.removeprefix("i-") in {view.id for view in index_groups} else row._replace(anchor="")
            for row in (_overview(item, attributes, "i") for item in ranked(indexed))
        ),
        index_groups=tuple(view for view in index_groups if view.publishable),
        quiet_indices=tuple(view for view in index_groups if not view.publishable),
        silent_indices=tuple(view.label for view in index_views if view.silent and not view.groups),
        blocks=_blocks(card, questions, views, figures, attributes),
        participation=participation_of(card, figures, estimates),
        publishable=sum(flags),
        figures=len(flags),
    )


def _quotable(questions: list[CardAttribute], figures: Figures, statistic: str) -> list[tuple[str, str, SummaryRow]]:
    found = ((a.id, a.label, figures.overall(a.id, statistic)) for a in questions)
    return [(name, label, figure) for name, label, figure in found if figure is not None and figure.publishable]


def _by_place(
    items: list[tuple[str, str, SummaryRow]], attributes: dict[str, CardAttribute]
) -> list[tuple[str, str, SummaryRow]]:
    """From the highest place on its own scale to the lowest."""

    def place(item: tuple[str, str, SummaryRow]) -> float:
        scale = scale_of(item[2], attributes)
        return ((item[2].value or 0.0) - scale.low) / max(scale.high - scale.low, 1e-9)

    return sorted(items, key=lambda item: (-place(item), item[1], item[0]))


def _overview(item: tuple[str, str, SummaryRow], attributes: dict[str, CardAttribute], prefix: str = "q") -> Bar:
    identifier, label, figure = item
    return bar(label, figure, scale_of(figure, attributes), anchor=f"{prefix}-{identifier}")


def _scale_title(attribute: CardAttribute) -> tuple[str, ...]:
    """The answers a run of positive-rated questions shares; none where nothing counts as positive."""
    return tuple(cell.label for cell in attribute.cells if attribute.positive and cell.role is CellRole.SUBSTANTIVE)


def _blocks(
    card: Card,
    questions: list[CardAttribute],
    views: dict[str, QuestionView],
    figures: Figures,
    attributes: dict[str, CardAttribute],
) -> tuple[Block, ...]:
    """Items of each index in the order of the indices; the rest in runs of neighbours with one answer scale."""
    blocks: list[tuple[str, Bar | None, list[CardAttribute]]] = []
    taken: set[str] = set()
    for index in card.instrument.indices:
        items = [a for a in questions if a.id in index.items and a.id not in taken]
        taken.update(a.id for a in items)
        figure = figures.headline(index.id)
        lead = None if figure is None else bar(index.label, figure, scale_of(figure, attributes))
        if items:
            blocks.append((index.label, lead, items))
    rest = [a for a in questions if a.id not in taken]
    for labels, run in groupby(rest, key=_scale_title):
        title = gettext("Other questions") if len(labels) < 2 else phrase(gettext(_FROM_TO), labels[0], labels[-1])
        blocks.append((title, None, list(run)))
    return tuple(
        Block(
            f"b-{number}", title, lead, _block_overview(items, figures, attributes), tuple(views[a.id] for a in items)
        )
        for number, (title, lead, items) in enumerate(blocks, 1)
    )


def _block_overview(
    items: list[CardAttribute], figures: Figures, attributes: dict[str, CardAttribute]
) -> tuple[Bar, ...]:
    found = [(a.id, a.label, f) for a in items if (f := figures.overall(a.id, "pct_positive")) is not None]
    return tuple(_overview(item, attributes) for item in ranked(found)) if len(found) > 1 else ()

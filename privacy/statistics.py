"""The figures of a question, index or demographic: each a ratio of two weighted sums of one attribute's cells.

A figure is (Σ a_k x_k) / (Σ b_k x_k [+ people]) over the cells x of one table column; `values` a is in the figure's
unit, `base` b picks the cells that answered. Which figures there are depends on the declaration only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from privacy.project_multi import multi_cells
from schemas.attributes import Attribute, CellRole, ranked
from schemas.questions import RankingQuestion
from schemas.survey import Survey

Unit = Literal["percent", "score", "points"]
_PROMOTERS, _DETRACTORS = range(9, 11), range(7)
_WITH_MEAN = ("rating", "nps")


@dataclass(frozen=True)
class Figure:
    """One statistic of an attribute.

    `values`, `base`: weights of the attribute's cells. `people`: the base is all people plus Σ b x (multis, whose cells
    are ticks). `least`, `most`: legal range. `histogram`: the attribute whose cells tell how scores spread, and
    `moments`: per cell of it, centre and within-cell variance.
    """

    attribute: str
    subject: str
    statistic: str
    option: str | None
    unit: Unit
    values: tuple[float, ...]
    base: tuple[float, ...]
    least: float
    most: float
    people: bool = False
    histogram: str | None = None
    moments: tuple[tuple[float, float], ...] = ()


class FigureSet:
    """All figures of one attribute, and their weights as arrays: `values` and `base` (figures × cells), the legal range
    and whether the base is people (figures × 1).
    """

    def __init__(self, figures: list[Figure], cells: int) -> None:
        self.figures = tuple(figures)
        self.values = np.array([figure.values for figure in figures]).reshape(-1, cells)
        self.base = np.array([figure.base for figure in figures]).reshape(-1, cells)
        self.least = np.array([figure.least for figure in figures])[:, None]
        self.most = np.array([figure.most for figure in figures])[:, None]
        self.people = np.array([float(figure.people) for figure in figures])[:, None]
        self.points = np.array([_points(figure) for figure in figures])[:, None]
        """What one unit of the figure is worth in points of its range."""

    @property
    def histogram(self) -> str | None:
        """The attribute whose cells tell how the scores spread."""
        return next((figure.histogram for figure in self.figures if figure.histogram is not None), None)


def _points(figure: Figure) -> float:
    return 100 / (figure.most - figure.least) if figure.unit == "score" and figure.most > figure.least else 1.0


def _weights(size: int, cells: tuple[int, ...], weight: float = 1.0) -> tuple[float, ...]:
    return tuple(weight if i in cells else 0.0 for i in range(size))


def _share(
    attribute: Attribute, statistic: str, option: str | None, cells: tuple[int, ...], base: tuple[int, ...]
) -> Figure:
    values, whole = _weights(attribute.size, cells, 100.0), _weights(attribute.size, base)
    return Figure(attribute.id, attribute.id, statistic, option, "percent", values, whole, 0.0, 100.0)


def _shares(attribute: Attribute) -> list[Figure]:
    substantive = attribute.roles(CellRole.SUBSTANTIVE)
    figures = [_share(attribute, "pct", attribute.cells[i].code, (i,), substantive) for i in substantive]
    no_opinion = attribute.roles(CellRole.NO_OPINION)
    if no_opinion:
        everybody = tuple(sorted((*substantive, *no_opinion)))
        figures.append(_share(attribute, "pct_no_opinion", None, no_opinion, everybody))
    if attribute.positive:
        positive = tuple(attribute.index_of(code) for code in attribute.positive)
        favourable = tuple(i for i in positive if i in substantive)
        figures.append(_share(attribute, "pct_positive", None, favourable, substantive))
    return figures


def _mean(attribute: Attribute) -> list[Figure]:
    substantive = attribute.roles(CellRole.SUBSTANTIVE)
    scores = [attribute.cells[i].score for i in substantive]
    known = [score for score in scores if score is not None]
    if not known or len(known) < len(scores):
        return []
    values = tuple((attribute.cells[i].score or 0.0) if i in substantive else 0.0 for i in range(attribute.size))
    base = _weights(attribute.size, substantive)
    return [Figure(attribute.id, attribute.id, "mean", None, "score", values, base, min(known), max(known))]


def _net_promoters(attribute: Attribute) -> Figure:
    values = [0.0] * attribute.size
    for point in (*_PROMOTERS, *_DETRACTORS):
        values[attribute.index_of(str(point))] = 100.0 if point in _PROMOTERS else -100.0
    base = _weights(attribute.size, attribute.roles(CellRole.SUBSTANTIVE))
    return Figure(attribute.id, attribute.id, "nps", None, "points", tuple(values), base, -100.0, 100.0)


def _multi(attribute: Attribute) -> list[Figure]:
    """Per option: % of the people who were asked and gave a readable answer."""
    outside = attribute.roles(CellRole.NOT_ANSWERED, CellRole.NOT_ASKED, CellRole.INVALID)
    base = _weights(attribute.size, outside, -1.0)
    return [
        Figure(attribute.id, attribute.id, "pct", attribute.cells[i].code, "percent",
               _weights(attribute.size, (i,), 100.0), base, 0.0, 100.0, people=True)
        for i in multi_cells(attribute).options
    ]  # fmt: skip


def _ranking(attribute: Attribute, question: RankingQuestion) -> list[Figure]:
    """Per option, of the people who ranked anything: % who put it first, % who ranked it at all, and its mean points,
    one for the last place up to their number for the first (Borda), none where it was not ranked.
    """
    outside = attribute.roles(CellRole.NOT_ANSWERED, CellRole.NOT_ASKED, CellRole.INVALID)
    base = _weights(attribute.size, outside, -1.0)
    places = len(question.columns)

    def figure(statistic: str, code: str, unit: Unit, points: list[float], most: float) -> Figure:
        """`points`: what the option is worth at each place."""
        values = [0.0] * attribute.size
        for place, worth in enumerate(points, start=1):
            values[attribute.index_of(ranked(code, place))] = worth
        return Figure(
            attribute.id, attribute.id, statistic, code, unit, tuple(values), base, 0.0, most, people=True
        )  # fmt: skip

    found: list[Figure] = []
    for code in question.options:
        found.append(figure("pct_first", code, "percent", [100.0], 100.0))
        found.append(figure("pct_ranked", code, "percent", [100.0] * places, 100.0))
        borda = [float(points) for points in range(places, 0, -1)]
        found.append(figure("rank_points", code, "score", borda, float(places)))
    return found


def _index(attribute: Attribute) -> Figure:
    base = _weights(attribute.size, (0, 1))
    return Figure(
        attribute.id, attribute.id, "index", None, "percent", _weights(attribute.size, (0,), 100.0), base, 0.0, 100.0
    )


def _numeric_mean(attribute: Attribute, histogram: Attribute | None) -> Figure:
    values = (attribute.high, attribute.low, *(0.0,) * (attribute.size - 2))
    base = _weights(attribute.size, (0, 1))
    subject = attribute.id.removesuffix("__mean")
    moments: tuple[tuple[float, float], ...] = ()
    if histogram is not None:
        moments = tuple(
            (cell.score, (cell.score - float(cell.code)) ** 2)
            for cell in histogram.cells
            if cell.role is CellRole.SUBSTANTIVE and cell.score is not None
        )
    return Figure(
        attribute.id, subject, "mean", None, "score", values, base, attribute.low, attribute.high,
        histogram=histogram.id if histogram is not None else None, moments=moments,
    )  # fmt: skip


def figures_of(survey: Survey, attributes: Mapping[str, Attribute]) -> dict[str, FigureSet]:
    """Figures by attribute id, in the survey's order: shares of options, then % no opinion, % positive, mean, NPS.

    A mean is given for ratings, NPS and numeric questions: the options of a choice have no order.
    """
    types = {question.id: question.type for question in survey.questions}
    rankings = {question.id: question for question in survey.questions if isinstance(question, RankingQuestion)}
    found: dict[str, list[Figure]] = {}
    for name, attribute in attributes.items():
        if attribute.origin == "index":
            found[name] = [_index(attribute)]
        elif attribute.origin == "numeric_mean":
            found[name] = [_numeric_mean(attribute, attributes.get(name.removesuffix("__mean")))]
        elif name in rankings:
            found[name] = _ranking(attribute, rankings[name])
        elif attribute.kind == "multi":
            found[name] = _multi(attribute)
        else:
            found[name] = _shares(attribute)
            if types.get(name) in _WITH_MEAN:
                found[name] += _mean(attribute)
            if types.get(name) == "nps":
                found[name].append(_net_promoters(attribute))
    return {name: FigureSet(figures, attributes[name].size) for name, figures in found.items()}

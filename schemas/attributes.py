"""Attributes: what a declaration turns into for counting, each with a public finite list of cells.

One attribute per question, demographic and index, plus `<id>__mean` for a numeric question and `verified` where a
contact list is declared. Domains come from the declaration, never from the data (DESIGN §3). The order of attributes
and of cells is the order of every table, file and zone column.
"""

from enum import StrEnum
from itertools import pairwise
from typing import Literal

from schemas.base import Declared, Text, text_in
from schemas.questions import (
    ChoiceQuestion,
    MultiQuestion,
    NpsQuestion,
    NumericQuestion,
    Option,
    OptionRole,
    RankingQuestion,
    RatingQuestion,
    ThemesQuestion,
)
from schemas.survey import Demographic, Survey

MICRO = 1_000_000
"""Fixed-point scale of a score attribute: one respondent contributes MICRO units, split over its two score cells."""


class CellRole(StrEnum):
    """What a cell holds. Substantive cells form the base; `none` is 'asked, nothing ticked' of a multi."""

    SUBSTANTIVE = "substantive"
    NO_OPINION = "no_opinion"
    NOT_APPLICABLE = "not_applicable"
    REFUSED = "refused"
    NONE = "none"
    NOT_ANSWERED = "not_answered"
    NOT_ASKED = "not_asked"
    INVALID = "invalid"


class Cell(Declared):
    """One cell of an attribute's domain. `score`: its value in a mean, where it has one."""

    code: str
    label: Text
    role: CellRole
    score: float | None = None


class Attribute(Declared):
    """A counted variable.

    `kind`: `single` puts each respondent into one cell; `multi` into at most `at_most` cells (option cells; the other
    cells are exclusive); `score` splits a respondent's one unit over the first two cells, `high` and `low`; `net` has
    one cell, to which a respondent adds between −unit and +unit by the cell of another attribute (`schemas.nets`).
    `unit`: integer units one respondent contributes to a cell at most (1, or MICRO for `score`).
    """

    id: str
    kind: Literal["single", "multi", "score", "net"]
    origin: Literal["question", "numeric_mean", "demographic", "index", "verified"]
    label: Text
    cells: tuple[Cell, ...]
    at_most: int = 1
    unit: int = 1
    positive: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    """For a score: the value that the `low` and the `high` cell stand for."""
    of: str | None = None
    weights: tuple[int, ...] = ()
    """For a net: the attribute it is a sum over, and the integer weight of each unit in each of its cells."""

    @property
    def size(self) -> int:
        return len(self.cells)

    @property
    def is_group(self) -> bool:
        """Whether its categories form the groups of crosstabs."""
        return self.origin in ("demographic", "verified")

    def index_of(self, code: str) -> int:
        """Position of the cell with this code. Raises: KeyError."""
        for position, cell in enumerate(self.cells):
            if cell.code == code:
                return position
        raise KeyError(code)

    def roles(self, *wanted: CellRole) -> tuple[int, ...]:
        """Positions of the cells with one of the roles."""
        return tuple(i for i, cell in enumerate(self.cells) if cell.role in wanted)

    def title(self, language: str = "en") -> str:
        return text_in(self.label, language)


def zone_columns(position: int, attribute: Attribute) -> tuple[str, ...]:
    """Names of the zone's columns for the attribute at a position of `attributes_of(survey)`.

    `single`: one column of cell positions (uint8). `multi`: a 0/1 column per cell (uint8). `score`: one int32 column:
    0…MICRO is what goes to `high` (the rest to `low`), −k means the cell at position k. A net has none: it is a sum
    of counts of the attribute it is of.
    """
    if attribute.kind == "net":
        return ()
    if attribute.kind == "multi":
        return tuple(f"a{position}_{cell}" for cell in range(attribute.size))
    return (f"a{position}",)


_SPECIAL_LABELS: dict[CellRole, Text] = {
    CellRole.NONE: {"en": "None of these", "es": "Ninguna", "fr": "Aucune"},
    CellRole.NOT_ANSWERED: {"en": "Not answered", "es": "Sin respuesta", "fr": "Sans réponse"},
    CellRole.NOT_ASKED: {"en": "Not asked", "es": "No preguntado", "fr": "Non demandé"},
    CellRole.INVALID: {"en": "Not readable", "es": "No legible", "fr": "Illisible"},
}


_BIN = {"en": "{low} to under {high}", "es": "de {low} a menos de {high}", "fr": "de {low} à moins de {high}"}
_LAST_BIN = {"en": "{low} to {high}", "es": "de {low} a {high}", "fr": "de {low} à {high}"}


def _specials(*roles: CellRole) -> tuple[Cell, ...]:
    return tuple(Cell(code=f"_{role.value}", label=_SPECIAL_LABELS[role], role=role) for role in roles)


def _not_asked_possible(survey: Survey) -> bool:
    return "not_asked" in survey.missing.values() or any(source.absent for source in survey.sources)


def _option_score(code: str, option: Option, position: int) -> float | None:
    if option.role is not OptionRole.SUBSTANTIVE:
        return None
    if option.score is not None:
        return option.score
    try:
        return float(code)
    except ValueError:
        return float(position)


def _option_cells(options: dict[str, Option], *, half_steps: bool = False) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    position = 0
    for code, option in options.items():
        position += option.role is OptionRole.SUBSTANTIVE
        score = _option_score(code, option, position)
        cells.append(Cell(code=code, label=option.label, role=CellRole(option.role.value), score=score))
    if not half_steps:
        return tuple(cells)
    numeric = sorted((c for c in cells if c.role is CellRole.SUBSTANTIVE), key=lambda c: int(c.code))
    others = [c for c in cells if c.role is not CellRole.SUBSTANTIVE]
    stepped: list[Cell] = []
    for lower, upper in zip(numeric, [*numeric[1:], None], strict=True):
        stepped.append(lower)
        if upper is not None and int(upper.code) == int(lower.code) + 1:
            half = f"{lower.code}.5"
            middle = None if lower.score is None or upper.score is None else (lower.score + upper.score) / 2
            stepped.append(Cell(code=half, label=half, role=CellRole.SUBSTANTIVE, score=middle))
    return (*stepped, *others)


def _positive(question: RatingQuestion | ChoiceQuestion, cells: tuple[Cell, ...]) -> tuple[str, ...]:
    """The favourable cells: those declared, and the half steps between two of them."""
    codes = [cell.code for cell in cells]
    declared = set(question.positive)
    between = {
        half for low, half, high in zip(codes, codes[1:], codes[2:], strict=False)
        if half not in question.options and {low, high} <= declared
    }  # fmt: skip
    return tuple(code for code in codes if code in declared | between)


def _bin_label(low: float, high: float, last: bool) -> dict[str, str]:
    words = _LAST_BIN if last else _BIN
    return {language: text.format(low=f"{low:g}", high=f"{high:g}") for language, text in words.items()}


def _numeric_attributes(question: NumericQuestion, trailing: tuple[Cell, ...]) -> tuple[Attribute, Attribute]:
    edges = question.bins
    bins = tuple(
        Cell(
            code=f"{low:g}",
            label=_bin_label(low, high, i == len(edges) - 2),
            role=CellRole.SUBSTANTIVE,
            score=(low + high) / 2,
        )
        for i, (low, high) in enumerate(pairwise(edges))
    )
    label = question.text or question.id
    histogram = Attribute(id=question.id, kind="single", origin="question", label=label, cells=(*bins, *trailing))
    mean = score_attribute(f"{question.id}__mean", "numeric_mean", label, trailing, *question.bounds)
    return histogram, mean


def score_attribute(
    identifier: str,
    origin: Literal["numeric_mean", "index"],
    label: Text,
    trailing: tuple[Cell, ...],
    low: float = 0.0,
    high: float = 1.0,
) -> Attribute:
    """A respondent's bounded score as two cells that share one unit: `high` gets the score, `low` the remainder.

    The mean is `low + (high − low) · high_cell / (high_cell + low_cell)`. Adding or removing a respondent moves the
    two cells by s and 1 − s, so Δ₁ = 1 and Δ₂² ≤ 1 respondent, as for any single choice.
    """
    cells = (
        Cell(code="high", label={"en": "Score"}, role=CellRole.SUBSTANTIVE, score=high),
        Cell(code="low", label={"en": "Remainder"}, role=CellRole.SUBSTANTIVE, score=low),
        *trailing,
    )
    return Attribute(
        id=identifier, kind="score", origin=origin, label=label, cells=cells, unit=MICRO, low=low, high=high
    )


def ranked(code: str, place: int) -> str:
    """The code of a ranking's cell: an option at a place, from 1."""
    return f"{code}@{place}"


def _ranking_attribute(question: RankingQuestion, trailing: tuple[Cell, ...]) -> Attribute:
    """For each place its options. A respondent has at most one cell a place, so Δ₁ = Δ₂² = the number of places."""
    places = len(question.columns)
    cells = tuple(
        Cell(
            code=ranked(code, place),
            label=_at_place(option.label, place),
            role=CellRole(option.role.value),
            score=float(places + 1 - place),
        )
        for place in range(1, places + 1)
        for code, option in question.options.items()
    )
    return Attribute(
        id=question.id,
        kind="multi",
        origin="question",
        label=question.text or question.id,
        cells=(*cells, *trailing),
        at_most=places,
    )


def _at_place(label: Text, place: int) -> Text:
    return f"{label} ({place})" if isinstance(label, str) else {tag: f"{text} ({place})" for tag, text in label.items()}


def _themes_attribute(question: ThemesQuestion, trailing: tuple[Cell, ...]) -> Attribute:
    themes = question.themes
    cells = (
        *(Cell(code=code, label=theme.label, role=CellRole.SUBSTANTIVE) for code, theme in themes.items()),
        Cell(
            code="_none", label={"en": "Another subject", "es": "Otro asunto", "fr": "Autre sujet"}, role=CellRole.NONE
        ),
    )
    return Attribute(
        id=question.id,
        kind="multi",
        origin="question",
        label=question.text or question.id,
        cells=(*cells, *trailing),
        at_most=min(question.at_most, len(themes)),
    )


def _demographic_attribute(demographic: Demographic) -> Attribute:
    cells = (
        *(
            Cell(code=code, label=option.label, role=CellRole(option.role.value))
            for code, option in demographic.categories.items()
        ),
        *_specials(CellRole.NOT_ANSWERED, CellRole.INVALID),
    )
    label = demographic.label or demographic.id
    return Attribute(id=demographic.id, kind="single", origin="demographic", label=label, cells=cells)


def attributes_of(survey: Survey) -> tuple[Attribute, ...]:
    """Every attribute of a survey: demographics, `verified`, questions, indices, in declared order."""
    missing = (CellRole.NOT_ANSWERED, CellRole.NOT_ASKED) if _not_asked_possible(survey) else (CellRole.NOT_ANSWERED,)
    trailing = _specials(*missing, CellRole.INVALID)
    found: list[Attribute] = [_demographic_attribute(d) for d in survey.demographics]
    if survey.residents.verified_by is not None and not survey.residents.issued:
        found.append(_verified_attribute())
    for question in survey.questions:
        label = question.text or question.id
        if isinstance(question, NumericQuestion):
            found.extend(_numeric_attributes(question, trailing))
        elif isinstance(question, MultiQuestion):
            cells = (*_option_cells(question.options), *_specials(CellRole.NONE), *trailing)
            found.append(
                Attribute(
                    id=question.id, kind="multi", origin="question", label=label, cells=cells, at_most=question.at_most
                )
            )
        elif isinstance(question, RankingQuestion):
            found.append(_ranking_attribute(question, trailing))
        elif isinstance(question, ThemesQuestion):
            found.append(_themes_attribute(question, trailing))
        elif isinstance(question, NpsQuestion):
            points = tuple(
                Cell(code=str(i), label=str(i), role=CellRole.SUBSTANTIVE, score=float(i)) for i in range(11)
            )
            found.append(
                Attribute(id=question.id, kind="single", origin="question", label=label, cells=(*points, *trailing))
            )
        else:
            half = isinstance(question, RatingQuestion) and question.half_steps
            cells = (*_option_cells(question.options, half_steps=half), *trailing)
            found.append(
                Attribute(
                    id=question.id,
                    kind="single",
                    origin="question",
                    label=label,
                    cells=cells,
                    positive=_positive(question, cells),
                )
            )
    unanswered = _specials(CellRole.NOT_ANSWERED)
    found.extend(score_attribute(i.id, "index", i.label or i.id, unanswered) for i in survey.indices)
    return tuple(found)


def _verified_attribute() -> Attribute:
    yes = {"en": "Verified resident", "es": "Residente verificado", "fr": "Habitant vérifié"}
    no = {"en": "Open participation", "es": "Participación abierta", "fr": "Participation ouverte"}
    label = {"en": "Verified", "es": "Verificado", "fr": "Vérifié"}
    cells = (
        Cell(code="yes", label=yes, role=CellRole.SUBSTANTIVE),
        Cell(code="no", label=no, role=CellRole.SUBSTANTIVE),
    )
    return Attribute(id="verified", kind="single", origin="verified", label=label, cells=cells)

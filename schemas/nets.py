"""Net scores: what a question says in one signed number a respondent, +1 the most favourable, −1 the least.

A net table has one cell a group. It answers how groups differ with a quarter of the noise variance that a whole
crosstab needs for it: the range −1 … +1 is used in full, and its sensitivity is that of a count
(docs/decisions/0011-group-differences-by-net-scores.md).
"""

from schemas.attributes import Attribute, Cell, CellRole
from schemas.questions import ChoiceQuestion, NpsQuestion, RatingQuestion
from schemas.survey import Survey

NET = "__net"
STEPS = 10
"""Integer units of a net score of 1: weights are tenths."""
_ABSTAINED = 3
"""A respondent without an opinion counts as an average answer does where 65 % are favourable: the figure wanted is a
ratio to those who answered, and moves less with who abstains the nearer this is to the average."""
_PROMOTERS, _DETRACTORS = ("9", "10"), tuple(str(point) for point in range(7))


def _favourable(attribute: Attribute) -> tuple[int, ...]:
    substantive = set(attribute.roles(CellRole.SUBSTANTIVE))
    return tuple(
        (STEPS if cell.code in attribute.positive else -STEPS) if i in substantive else _ABSTAINED
        for i, cell in enumerate(attribute.cells)
    )


def _scored(attribute: Attribute) -> tuple[int, ...] | None:
    """Scores brought to −STEPS … STEPS; None where the substantive cells do not all have one, or have all the same."""
    substantive = set(attribute.roles(CellRole.SUBSTANTIVE))
    scores = [attribute.cells[i].score for i in sorted(substantive)]
    known = [score for score in scores if score is not None]
    if len(known) < len(scores) or len(set(known)) < 2:
        return None
    low, high = min(known), max(known)
    return tuple(
        round(STEPS * (2 * ((cell.score or 0.0) - low) / (high - low) - 1)) if i in substantive else _ABSTAINED
        for i, cell in enumerate(attribute.cells)
    )


def _promoting(attribute: Attribute) -> tuple[int, ...]:
    return tuple(
        STEPS if cell.code in _PROMOTERS else -STEPS if cell.code in _DETRACTORS else 0 for cell in attribute.cells
    )


def _of_score(attribute: Attribute) -> tuple[int, ...]:
    return tuple({"high": STEPS, "low": -STEPS}.get(cell.code, _ABSTAINED) for cell in attribute.cells)


def _weights(attribute: Attribute, question: object) -> tuple[int, ...] | None:
    if attribute.kind == "score":
        return _of_score(attribute)
    if isinstance(question, NpsQuestion):
        return _promoting(attribute)
    if attribute.kind != "single" or not isinstance(question, RatingQuestion | ChoiceQuestion):
        return None
    if attribute.positive:
        return _favourable(attribute)
    return _scored(attribute) if isinstance(question, RatingQuestion) else None


def net_attributes(survey: Survey, attributes: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
    """The net score of every question and index that has a better and a worse end, in the survey's order.

    Favourable less other substantive answers where `positive` is declared; promoters less detractors; else the scores
    of a rating, or a score attribute, brought to −1 … +1.
    """
    questions = {question.id: question for question in survey.questions}
    found: list[Attribute] = []
    for attribute in attributes:
        if attribute.is_group:
            continue
        weights = _weights(attribute, questions.get(attribute.id))
        if weights is None or max(weights) <= 0 or min(weights) >= 0:
            continue
        found.append(
            Attribute(
                id=f"{attribute.id}{NET}",
                kind="net",
                origin=attribute.origin,
                label=attribute.label,
                cells=(Cell(code="net", label={"en": "Net score"}, role=CellRole.SUBSTANTIVE),),
                unit=STEPS * attribute.unit,
                of=attribute.id,
                weights=weights,
            )
        )
    return tuple(found)


def with_nets(survey: Survey, attributes: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
    """Every attribute that a plan may measure: those of the zone, then their net scores."""
    return (*attributes, *net_attributes(survey, attributes))

"""The one statistic that sums a question or an index up, and that comparisons with other figures are made of."""

from dataclasses import dataclass

from schemas.questions import ChoiceQuestion, NpsQuestion, NumericQuestion, RatingQuestion
from schemas.survey import Survey


@dataclass(frozen=True)
class Headline:
    """`statistic` in summary.parquet, and the least and the most it can be, in its unit there.

    `declared`: what one of the unit that a survey.yaml is written in is worth: a share of 1 is 100 per cent.
    """

    statistic: str
    least: float
    most: float
    declared: float = 1.0


_PER_CENT = 100.0


def headlines(survey: Survey) -> dict[str, Headline]:
    """By id: % positive where `positive` is declared, else the mean of a rating or a number; the net promoter score;
    an index. Other questions have none.
    """
    found: dict[str, Headline] = {}
    for question in survey.questions:
        if isinstance(question, NpsQuestion):
            found[question.id] = Headline("nps", -_PER_CENT, _PER_CENT)
        elif isinstance(question, NumericQuestion):
            found[question.id] = Headline("mean", *question.bounds)
        elif isinstance(question, RatingQuestion | ChoiceQuestion) and question.positive:
            found[question.id] = Headline("pct_positive", 0.0, _PER_CENT, declared=_PER_CENT)
        elif isinstance(question, RatingQuestion):
            found[question.id] = Headline("mean", float("-inf"), float("inf"))
    for index in survey.indices:
        found[index.id] = Headline("index", 0.0, _PER_CENT, declared=_PER_CENT)
    return found

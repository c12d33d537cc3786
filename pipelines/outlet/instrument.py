"""The public questionnaire as the card carries it: every label that a reader of the Parquet files needs."""

from pipelines.outlet.language import ENGLISH, sentences_in
from pipelines.outlet.resident import language_of
from schemas.attributes import Attribute
from schemas.base import Text, text_in
from schemas.card import CardAttribute, CardCell, CardIndex, Instrument, Translation
from schemas.questions import NumericQuestion, Question, RankingQuestion
from schemas.survey import Survey

_MEAN_SUFFIX = "__mean"


def instrument_of(survey: Survey, attributes: tuple[Attribute, ...]) -> Instrument:
    """Labels in the survey's first language, in the order of the attributes, and what it has in other languages."""
    language = language_of(survey)
    return Instrument(
        language=language,
        attributes=tuple(_on_card(survey, attribute, language) for attribute in attributes),
        indices=tuple(
            CardIndex(id=i.id, label=text_in(i.label or i.id, language), items=i.items, score=i.score)
            for i in survey.indices
        ),
        translations=tuple(
            _translation(survey, attributes, tag) for tag in _languages(survey, attributes) if tag != language
        ),
    )


def further_languages(survey: Survey, attributes: tuple[Attribute, ...]) -> tuple[str, ...]:
    """Languages of the survey in which hearsafe has its own sentences, but English."""
    tags = (language_of(survey), *_languages(survey, attributes))
    return tuple(dict.fromkeys(s for s in map(sentences_in, tags) if s != ENGLISH))


def _languages(survey: Survey, attributes: tuple[Attribute, ...]) -> tuple[str, ...]:
    """Languages that the survey's own texts are given in: title, questions, demographics, indices."""
    texts: list[Text] = [survey.title, *(a.label for a in attributes if a.origin != "verified")]
    return tuple(dict.fromkeys(tag for text in texts if isinstance(text, dict) for tag in text))


def _translation(survey: Survey, attributes: tuple[Attribute, ...], tag: str) -> Translation:
    texts: dict[str, Text | None] = {}
    for attribute in attributes:
        question = _question(survey, attribute)
        texts[attribute.id] = attribute.label
        texts[f"{attribute.id}#base"] = None if question is None else question.base
        texts[f"{attribute.id}#unit"] = question.unit if isinstance(question, NumericQuestion) else None
        if isinstance(question, RankingQuestion):
            texts |= {f"{attribute.id}/{code}": option.label for code, option in question.options.items()}
        texts |= {f"{attribute.id}/{cell.code}": cell.label for cell in attribute.cells}
    title = survey.title.get(tag) if isinstance(survey.title, dict) else None
    found = {key: text[tag] for key, text in texts.items() if isinstance(text, dict) and tag in text}
    return Translation(language=tag, title=title, labels=found)


def _question(survey: Survey, attribute: Attribute) -> Question | None:
    wanted = attribute.id.removesuffix(_MEAN_SUFFIX) if attribute.origin == "numeric_mean" else attribute.id
    return next((question for question in survey.questions if question.id == wanted), None)


def _ranked_options(question: Question | None, language: str) -> dict[str, str]:
    if not isinstance(question, RankingQuestion):
        return {}
    return {code: text_in(option.label, language) for code, option in question.options.items()}


def _on_card(survey: Survey, attribute: Attribute, language: str) -> CardAttribute:
    question = _question(survey, attribute)
    demographic = next((d for d in survey.demographics if d.id == attribute.id), None)
    unit = question.unit if isinstance(question, NumericQuestion) else None
    base = question.base if question is not None else None
    return CardAttribute(
        id=attribute.id,
        kind=attribute.kind,
        of=attribute.of,
        weights=attribute.weights,
        origin=attribute.origin,
        label=text_in(attribute.label, language),
        base=None if base is None else text_in(base, language),
        positive=attribute.positive,
        at_most=attribute.at_most,
        unit=attribute.unit,
        low=attribute.low,
        high=attribute.high,
        measure_unit=None if unit is None else text_in(unit, language),
        targets=dict(demographic.targets or {}) if demographic is not None else {},
        options=_ranked_options(question, language),
        cells=tuple(
            CardCell(code=c.code, label=text_in(c.label, language), role=c.role, score=c.score) for c in attribute.cells
        ),
    )

"""Synthetic residents of a declared survey: raw answers in an export's form, invented from the declaration alone."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.riverbend.draws import picks
from schemas.attributes import CellRole, attributes_of
from schemas.questions import (
    ChoiceQuestion,
    MultiQuestion,
    NpsQuestion,
    NumericQuestion,
    Question,
    RankingQuestion,
    RatingQuestion,
    ThemesQuestion,
)
from schemas.survey import Source, Survey

Answers = dict[str, str]
SOURCE = "hearsafe-audit"
NPS_POINTS = 11


@dataclass(frozen=True)
class Resident:
    """Somebody invented: a key, and raw answers by column.

    `times`: how many rows they send, in several spellings. `home`: whom they live with; alone where it is empty.
    """

    key: str
    answers: Answers
    times: int = 1
    home: str = ""


def audited_survey(survey: Survey) -> Survey:
    """The survey with a delimited source of its own in front, whose columns have the declared names.

    The declared sources stay, for they decide which cells there are. Where codes are issued, a contact list takes their
    place: issuing writes a mailing file.
    """
    residents = survey.residents
    if residents.verified_by is not None:
        residents = residents.model_copy(
            update={"verified_by": residents.verified_by.model_copy(update={"codes": False})}
        )
    own = Source(id=SOURCE, format="delimited", separator=",", encoding="utf-8")
    return survey.model_copy(update={"sources": (own, *survey.sources), "residents": residents})


def columns_of(survey: Survey) -> tuple[str, ...]:
    """Every column that an export of the survey has, in a fixed order."""
    found = dict.fromkeys(_key_columns(survey))
    found.update(dict.fromkeys(d.column for d in survey.demographics))
    found.update(dict.fromkeys(column for q in survey.questions for column in q.columns_used()))
    if survey.residents.household is not None:
        found.update(dict.fromkeys(survey.residents.household.key))
    if survey.eligible is not None:
        found[survey.eligible.column] = None
    return tuple(found)


def _key_columns(survey: Survey) -> tuple[str, ...]:
    return () if survey.residents.key == "none" else survey.residents.key


def invented(survey: Survey, name: str) -> Resident:
    """A resident who answers everything; the same name gives the same answers."""
    answers: Answers = {}
    for demographic in survey.demographics:
        answers[demographic.column] = _pick(f"{name}/{demographic.id}", tuple(demographic.categories))
    for question in survey.questions:
        answers |= _answered(question, f"{name}/{question.id}")
    return Resident(name, answers)


def worst(survey: Survey, name: str) -> Resident:
    """A resident who moves every table as far as one can: all the ticks that count and more, scores at their end."""
    answers = dict(invented(survey, name).answers)
    for question in survey.questions:
        match question:
            case MultiQuestion():
                answers |= _ticked(question, tuple(question.options))
            case NumericQuestion():
                answers[question.column] = repr(question.bounds[1])
            case NpsQuestion():
                answers[question.column] = "10"
            case RankingQuestion():
                answers |= dict(zip(question.columns, question.options, strict=False))
            case ThemesQuestion():
                answers[question.column] = _comment(question, tuple(question.themes))
            case RatingQuestion() | ChoiceQuestion():
                substantive = [code for code, o in question.options.items() if o.role.value == CellRole.SUBSTANTIVE]
                answers[question.column] = next(iter(question.positive), (substantive or list(question.options))[0])
    return Resident(name, answers)


def hostile(survey: Survey, name: str, value: str) -> Resident:
    """A resident who writes the same thing everywhere, whatever is asked."""
    columns = [d.column for d in survey.demographics] + [c for q in survey.questions for c in q.columns_used()]
    return Resident(name, dict.fromkeys(columns, value))


def placed(survey: Survey, resident: Resident, cells: Mapping[str, int]) -> Resident:
    """The resident with other answers to single-choice attributes: attribute id → position of the cell."""
    codes = {attribute.id: attribute.cells for attribute in attributes_of(survey)}
    columns = {d.id: d.column for d in survey.demographics}
    columns |= {q.id: q.column for q in survey.questions if isinstance(q, RatingQuestion | ChoiceQuestion)}
    moved = {columns[name]: codes[name][cell].code for name, cell in cells.items()}
    return Resident(resident.key, resident.answers | moved, resident.times)


def _pick(label: str, values: Sequence[str]) -> str:
    return values[int(picks(label, 1, [1.0] * len(values))[0])]


def _answered(question: Question, label: str) -> Answers:
    match question:
        case MultiQuestion():
            order = [_pick(f"{label}/{i}", tuple(question.options)) for i in range(question.at_most)]
            return _ticked(question, tuple(dict.fromkeys(order)))
        case NumericQuestion():
            return {question.column: repr(question.bins[int(picks(label, 1, [1.0] * len(question.bins))[0])])}
        case NpsQuestion():
            return {question.column: str(int(picks(label, 1, [1.0] * NPS_POINTS)[0]))}
        case RatingQuestion() | ChoiceQuestion():
            return {question.column: _pick(label, tuple(question.options))}
        case RankingQuestion():
            order = [_pick(f"{label}/{column}", tuple(question.options)) for column in question.columns]
            return dict(zip(question.columns, order, strict=True))
        case ThemesQuestion():
            return {question.column: _comment(question, (_pick(label, tuple(question.themes)),))}


def _comment(question: ThemesQuestion, themes: Sequence[str]) -> str:
    """A comment in which these themes are found."""
    return ". ".join(question.themes[theme].words[0].replace("*", "") for theme in themes)


def _ticked(question: MultiQuestion, codes: Sequence[str]) -> Answers:
    if question.columns is None:
        return {question.column or "": question.separator.join(codes)}
    return {column: question.ticked[0] if code in codes else "" for code, column in question.columns.items()}


def write_export(path: Path, survey: Survey, residents: Sequence[Resident]) -> None:
    """An export of these residents, in the form of the audit's own source."""
    columns = columns_of(survey)
    fixed = {} if survey.eligible is None else {survey.eligible.column: survey.eligible.values[0]}
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for resident in residents:
            for time in range(resident.times):
                row = resident.answers | fixed | _keys_of(survey, resident, time)
                writer.writerow([row.get(column, "") for column in columns])


def _key(survey: Survey, name: str, time: int) -> str:
    """The resident's key as they write it this time: an address in another case, blanks around it."""
    if survey.residents.normalise == "phone":
        number = "".join(str(int(digit)) for digit in picks(f"{name}/phone", 15, [1.0] * 10))
        return f"+1 {number}" if time % 2 else f"001{number}"
    if survey.residents.normalise == "email":
        return f" {name.upper()}@Audit.INVALID " if time % 2 else f"{name}@audit.invalid"
    return name


def _keys_of(survey: Survey, resident: Resident, time: int) -> Answers:
    found = dict.fromkeys(_key_columns(survey), _key(survey, resident.key, time))
    if survey.residents.household is not None:
        found |= dict.fromkeys(survey.residents.household.key, f"{resident.home or resident.key} street")
    return found


def write_contacts(path: Path, survey: Survey, residents: Sequence[Resident]) -> Path | None:
    """A contact list with everybody on it, where the survey declares one."""
    verified = survey.residents.verified_by
    if verified is None:
        return None
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([verified.match])
        writer.writerows([_key(survey, resident.key, 0)] for resident in residents)
    return path

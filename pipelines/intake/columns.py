"""Which columns a survey needs from a source, and where the file has them. No other column is ever read."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.intake.formats.registry import KINDS
from pipelines.intake.header import Header
from schemas.errors import InputRefused
from schemas.survey import Source, Survey

KEY = "residents.key"
HOUSEHOLD = "residents.household.key"


@dataclass(frozen=True)
class Need:
    """A declared column and what needs it, in words."""

    column: str
    by: str


def needs_of(survey: Survey, source: Source) -> tuple[Need, ...]:
    """The declared columns that intake reads from the source, each once, without those declared absent.

    The columns of the resident key and the household key cannot be absent: without them no response could be counted.
    """
    keys = [] if survey.residents.key == "none" else [Need(c, KEY) for c in survey.residents.key]
    household = survey.residents.household
    keys += [] if household is None else [Need(c, HOUSEHOLD) for c in household.key]
    wanted = [Need(column, f"sources.{source.id}.where") for column in source.where]
    if survey.eligible is not None:
        wanted.append(Need(survey.eligible.column, "eligible"))
    if source.time is not None:
        wanted.append(Need(source.time.column, f"sources.{source.id}.time"))
    if source.complete is not None:
        wanted.append(Need(source.complete.column, f"sources.{source.id}.complete"))
    elif (filled := filled_column(source)) is not None:
        wanted.append(Need(filled, f"sources.{source.id}.format"))
    wanted.extend(Need(d.column, f"demographic {d.id}") for d in survey.demographics)
    for question in survey.questions:
        wanted.extend(Need(column, f"question {question.id}") for column in question.columns_used())
    found: dict[str, Need] = {}
    for need in (*keys, *(w for w in wanted if w.column not in source.absent)):
        found.setdefault(need.column, need)
    return tuple(found.values())


def filled_column(source: Source) -> str | None:
    """The column that tells complete responses where the source declares no rule of its own, and has the column."""
    column = KINDS[source.format].filled_when_complete
    return None if source.complete is not None or column in source.absent else column


def name_in(source: Source, column: str) -> str:
    """The name a source gives to a declared column."""
    return source.columns.get(column, column)


def place(header: Header, needs: Sequence[Need], source: Source, file_name: str) -> dict[str, int]:
    """The position of every needed column in the file's header, by declared name.

    Raises: InputRefused: a needed column is missing (`column_missing`) or stands there twice (`column_duplicate`).
    """
    names = {need: name_in(source, need.column) for need in needs}
    declared = tuple(names.values())
    return {need.column: position_of(header, name, need, file_name, declared) for need, name in names.items()}


def position_of(header: Header, name: str, need: Need, file_name: str, declared: Sequence[str] = ()) -> int:
    """The one position of a named column, in a header that may hold other `declared` names too.

    Raises: InputRefused, as `place`.
    """
    positions = header.positions(name)
    if len(positions) == 1:
        return positions[0]
    what = f"column {name!r}, needed by {need.by},"
    if positions:
        raise InputRefused(
            "column_duplicate",
            f"{what} is in the header {len(positions)} times",
            where=file_name,
            do="Rename all but one in the export",
        )
    close = header.close_to(name, declared)
    advice = f"Similar columns: {', '.join(repr(c) for c in close)}. " if close else ""
    if not any(header.positions(other) for other in declared):
        advice += "No declared column is in the header: check that the file begins with one, and its separator. "
    absent = "" if need.by in (KEY, HOUSEHOLD) else ", or list it under absent"
    raise InputRefused(
        "column_missing",
        f"{what} is not in the header",
        where=file_name,
        do=f"{advice}Correct the name, or map it under the source's columns{absent}",
    )

"""Where a header ends, and which column a declared name means."""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.intake.formats.kind import one_header_row
from pipelines.intake.values import trim
from schemas.errors import InputRefused

MAX_COLUMNS = 10_000
MAX_HEADER_ROWS = 10


@dataclass(frozen=True)
class Header:
    """Column names of a file.

    `names`: the first header record. `composed`: with several header records, `question | choice`, where a question
    that stands once above a run of choices is carried to the right; empty with one header record.
    `rows`: leading records that are header.
    """

    names: tuple[str, ...]
    composed: tuple[str, ...]
    rows: int

    def positions(self, name: str) -> tuple[int, ...]:
        """Positions of the columns with this name: by exact spelling, else by spelling up to white space."""
        return _positions(self.names, name) or _positions(self.composed, name)

    def close_to(self, name: str, declared: Sequence[str] = ()) -> tuple[str, ...]:
        """Up to three header names that look like `name`, for advice.

        A record without any of the `declared` names may be a respondent's, of a file without a header: of it only what
        has the letters of `name` itself is said.
        """
        by_fold: dict[str, str] = {}
        for spelled in (self.names, self.composed):
            trusted = any(_positions(spelled, known) for known in declared)
            for found in map(plain, spelled):
                if len(found) <= 120 and (trusted or _letters(found) == _letters(name)):
                    by_fold[found.casefold()] = found
        return tuple(by_fold[m] for m in difflib.get_close_matches(plain(name).casefold(), list(by_fold), 3, 0.7))


def _positions(spelled: Sequence[str], name: str) -> tuple[int, ...]:
    exact = tuple(i for i, found in enumerate(spelled) if found == name)
    wanted = plain(name)
    return exact or tuple(i for i, found in enumerate(spelled) if wanted and plain(found) == wanted)


def _letters(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def plain(name: str) -> str:
    """A column name with runs of white space (line breaks too) as one blank."""
    return re.sub(r"\s+", " ", trim(name))


def header_of(
    leading: Sequence[Sequence[str]],
    declared_rows: int | None,
    file_name: str,
    found: Callable[[Sequence[Sequence[str]]], int] = one_header_row,
) -> Header:
    """The header in a file's leading records. `found`: how many they are where no number is declared.

    Raises: InputRefused: no record at all, fewer than the declared header rows, or more than MAX_COLUMNS columns.
    """
    if not leading or not any(trim(cell) for cell in leading[0]):
        raise InputRefused("source_empty", "there is no header", where=file_name, do="Export again with column names")
    rows = declared_rows or found(leading)
    if len(leading) < rows:
        raise InputRefused(
            "header_missing", f"fewer records than the {rows} header rows", where=file_name, do="Check header_rows"
        )
    width = len(leading[0])
    if width > MAX_COLUMNS:
        raise InputRefused(
            "too_many_columns",
            f"more than {MAX_COLUMNS:,} columns",
            where=file_name,
            do="Export the needed ones only",
        )
    return Header(names=tuple(leading[0]), composed=_composed(leading[:rows]), rows=rows)


def _composed(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    if len(rows) < 2:
        return ()
    composed: list[str] = []
    question = ""
    for position, name in enumerate(rows[0]):
        question = plain(name) or question
        choice = plain(rows[1][position]) if position < len(rows[1]) else ""
        composed.append(f"{question} | {choice}" if choice else question)
    return tuple(composed)

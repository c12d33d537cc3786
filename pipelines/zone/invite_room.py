"""The worker's invitation: a one-time code for every contact that has none, into a mailing file and nowhere else.

The mailing file alone joins contacts to codes. It lies outside the workspace, and its owner destroys it after mailing.
"""

import csv
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from pipelines.durable import name_file, sync_folder
from pipelines.intake.contacts import located
from pipelines.intake.identity import Severer
from pipelines.intake.lookup import text_of
from pipelines.intake.records import Table
from pipelines.intake.sources import open_any
from pipelines.spreadsheet_text import harmless
from pipelines.zone.issued import keep_issued, mailing_exists, read_issued
from schemas.errors import InputRefused, InternalFault
from schemas.survey import KeyNormalisation, Residents, Survey

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no I, L, O and U."""
CODE_BYTES = 10
"""80 random bits: 16 characters."""
CODE_COLUMN = "Code"


def new_code() -> str:
    """80 random bits as 16 characters in groups of four.

    >>> len(new_code())
    19
    """
    number = int.from_bytes(secrets.token_bytes(CODE_BYTES), "big")
    characters = "".join(ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))
    return "-".join(characters[start : start + 4] for start in range(0, 16, 4))


def invite(folder: Path, survey: Survey, contacts: Path, mailing: Path, hmac_key: bytes) -> tuple[int, int]:
    """Issue codes to contacts that have none yet.

    Returns: contacts that got a code, and records left out: without a key, or the same contact again. Numbers of a
    contact list, which are public, and of no response.

    The mailing file has its name before the codes count: where a command is killed in between, the next one, into
    another file, reaches the same contacts again, and no code that counts was lost.

    Raises: InputRefused: the contact list cannot be taken, or `mailing` cannot be written. UsageFault `mailing_exists`.
    """
    declared = survey.residents.verified_by
    match = "" if declared is None else declared.match
    table = open_any(contacts, (match,))
    key = _match_position(table, match)
    severer = Severer(hmac_key, survey.residents, tuple(survey.missing))
    people = Severer(hmac_key, Residents(key=(match,), normalise=KeyNormalisation.TEXT), tuple(survey.missing))
    before = read_issued(folder, hmac_key)
    codes: set[bytes] = set()
    reached: set[bytes] = set()
    left_out = 0
    with _written(mailing) as stream:
        writer = csv.writer(stream)
        writer.writerow([*(harmless(name) for name in table.header.names), CODE_COLUMN])
        for cells in _rows(table):
            person = people.pseudonym((cells[key],))
            if person is None or person in before.contacts or person in reached:
                left_out += 1
                continue
            code = new_code()
            hashed = severer.pseudonym((code,))
            if hashed is None:
                raise InternalFault("code_blank", "a code was made that is no resident key")
            codes.add(hashed)
            reached.add(person)
            writer.writerow([*(harmless(cell) for cell in cells), code])
    try:
        with suppress(PermissionError):  # a folder that may be written and not read
            sync_folder(mailing.parent)
        keep_issued(folder, hmac_key, before.with_more(frozenset(codes), frozenset(reached)))
    except BaseException:
        if read_issued(folder, hmac_key) == before:
            mailing.unlink()
        raise
    return len(reached), left_out


@contextmanager
def _written(mailing: Path) -> Iterator[TextIO]:
    """A file that only its owner can read, written aside under a name of its own, and named when it is whole."""
    aside = mailing.with_name(f".{mailing.name}.{secrets.token_hex(4)}.part")
    try:
        with _private(aside) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        name_file(aside, mailing)
    except FileExistsError:
        raise mailing_exists(mailing) from None
    finally:
        aside.unlink(missing_ok=True)


def _private(path: Path) -> TextIO:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        descriptor = -1
    if descriptor < 0:
        what, advice = "the mailing file cannot be made here", "Name a new file in a folder that can be written"
        raise InputRefused("mailing_unwritable", what, where=str(path.parent), do=advice)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


def _match_position(table: Table, match: str) -> int:
    found = table.header.positions(match) or located(table.header, match)
    if len(found) == 1:
        return found[0]
    what = f"column {match!r} is {'not in the contact list' if not found else 'in the contact list several times'}"
    raise InputRefused(
        "contacts_column_missing" if not found else "contacts_column_duplicate",
        what,
        where=table.name,
        do="Correct residents.verified_by.match, or the list's header",
    )


def _rows(table: Table) -> Iterator[list[str]]:
    """Every readable record, as text."""
    places = {str(position): position for position in range(len(table.header.names))}
    for records in table.records(places):
        columns = [text_of(records.columns[name]).to_pylist() for name in places]
        yield from ([str(cell or "") for cell in row] for row in zip(*columns, strict=True))

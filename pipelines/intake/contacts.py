"""Verified residents: a contact export is read for one column, and only keyed hashes of it are kept."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.intake.header import Header, plain
from pipelines.intake.identity import Severer
from pipelines.intake.lookup import text_of
from pipelines.intake.records import Table
from pipelines.intake.sources import open_any
from schemas.errors import DeclarationFault, InputRefused
from schemas.survey import Residents, VerifiedBy


def contact_pseudonyms(path: Path | None, residents: Residents, severer: Severer) -> frozenset[bytes] | None:
    """The pseudonyms of everybody on the contact list; None where the survey declares none.

    Delimited text, a workbook or Parquet, told by its first bytes. Records that cannot be read (the footers of some
    exports), and contacts without a key, are nobody.

    Raises:
        InputRefused: `contacts_missing`, `contacts_column_missing`, `contacts_column_duplicate`, or as `open_any`.
        DeclarationFault: the resident key has several columns, and a contact list has one.
    """
    declared = residents.verified_by
    if declared is None:
        return None
    if path is None:
        raise InputRefused(
            "contacts_missing",
            "a contact list is declared, and none is given",
            where="survey.yaml: residents.verified_by",
            do="Give it with --contacts FILE",
        )
    if len(residents.key) != 1:
        raise DeclarationFault(
            "verified_key_parts",
            "verified_by needs a resident key of one column",
            where="survey.yaml: residents.key",
            do="Use a key that both lists hold in one column, such as an e-mail address",
        )
    table = open_any(path, (declared.match,))
    found: set[bytes] = set()
    for position in _match_columns(table, declared):
        for records in table.records({declared.match: position}):
            if records.count:
                found.update(_hashed(text_of(records.columns[declared.match]).unique().to_pylist(), severer))
    return frozenset(found)


def _hashed(values: Sequence[str], severer: Severer) -> set[bytes]:
    hashed = (severer.pseudonym((value,)) for value in values)
    return {pseudonym for pseudonym in hashed if pseudonym is not None}


def _match_columns(table: Table, declared: VerifiedBy) -> tuple[int, ...]:
    """The column named by `match`; in CiviCRM exports, the columns of that name under every location (`Home-Email`)."""
    positions = table.header.positions(declared.match)
    if not positions and declared.format == "civicrm":
        return located(table.header, declared.match) or _refuse(table, declared)
    if len(positions) > 1:
        raise InputRefused(
            "contacts_column_duplicate",
            f"column {declared.match!r} is in the contact list {len(positions)} times",
            where=table.name,
            do="Rename all but one in the export",
        )
    return positions or _refuse(table, declared)


def located(header: Header, match: str) -> tuple[int, ...]:
    """The columns of this name under every location, as CiviCRM writes them (`Home-Email`)."""
    ending = f"-{plain(match)}".casefold()
    return tuple(i for i, name in enumerate(header.names) if plain(name).casefold().endswith(ending))


def _refuse(table: Table, declared: VerifiedBy) -> tuple[int, ...]:
    close = table.header.close_to(declared.match)
    advice = f"Similar columns: {', '.join(repr(name) for name in close)}. " if close else ""
    raise InputRefused(
        "contacts_column_missing",
        f"column {declared.match!r} is not in the contact list",
        where=table.name,
        do=f"{advice}Correct residents.verified_by.match, or check that the list begins with a header",
    )

"""The worker's ingest: severed, encoded batches into a staging file, then the next snapshot."""

import hmac
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.intake.assemble import encoded_batches
from pipelines.intake.batch import SourceFile
from pipelines.intake.blocks import ahead, in_blocks
from pipelines.zone import responses
from pipelines.zone.issued import issued_codes
from pipelines.zone.keys import derived_key
from pipelines.zone.lineage import declaration_changed, encoding_digest, foreign_ledger, read_otherwise, source_rules
from pipelines.zone.responses import BatchRecord
from pipelines.zone.snapshot import (
    Snapshot,
    current_snapshot,
    has_snapshot,
    make_current,
    new_snapshot_id,
    snapshot_path,
    sweep,
)
from pipelines.zone.storage import open_zone
from schemas.attributes import CellRole, attributes_of, zone_columns
from schemas.errors import InputRefused, ZoneFault
from schemas.survey import Survey


def _file_mark(file: SourceFile, hmac_key: bytes) -> bytes:
    """Keyed mark of a file that an operator named: its source, its place, and when it was last written.

    Not of what it holds: else one response more in the next export would decide whether there is a new snapshot, and
    so whether a release is charged again. Raises: InputRefused.
    """
    try:
        path = file.path.resolve(strict=True)
        found = path.stat()
    except OSError:
        raise InputRefused(
            "source_missing",
            "the source file cannot be read",
            where=file.path.name,
            do="Check the path after --source",
        ) from None
    written = f"{found.st_mtime_ns} {found.st_ctime_ns}"
    content = b"\0".join((file.source_id.encode(), os.fsencode(path), written.encode()))
    return hmac.digest(derived_key(hmac_key, "file-mark"), content, "sha256")


@dataclass(frozen=True)
class WaveKeys:
    """The keys of a wave: its zone's, its pseudonyms', and the public one of the ledger it takes charges from."""

    zone: bytes = field(repr=False)
    hmac: bytes = field(repr=False)
    ledger_public: str


def ingest(
    folder: Path,
    survey: Survey,
    files: Sequence[SourceFile],
    contacts: Path | None,
    keys: WaveKeys,
    *,
    replace: bool,
    memory: str,
    tell: Callable[[str], None],
) -> str:
    """Take files into the zone. Returns: the id of the current snapshot, the old one where no file was written since it
    was taken in.

    Raises: InputRefused: a file's header, encoding or format; or the zone holds responses of another declaration.
        ZoneFault: the zone takes charges from another ledger.
    """
    attributes = attributes_of(survey)
    encoding = encoding_digest(survey)
    sweep(folder)
    issued = issued_codes(folder, survey, keys.hmac)
    previous = current_snapshot(folder, keys.zone) if has_snapshot(folder) and not replace else None
    if previous is not None and previous.attributes_digest != encoding:
        raise declaration_changed(InputRefused)
    if previous is not None and previous.ledger_key != keys.ledger_public:
        raise foreign_ledger()
    identifier = new_snapshot_id()
    fresh = Snapshot(identifier, snapshot_path(folder, identifier), encoding, keys.ledger_public)
    stage = folder / f"stage-{fresh.id}.duckdb"
    attached = {"stage": (stage, True), "fresh": (fresh.path, True)}
    if previous is not None:
        attached["earlier"] = (previous.path, False)
    with open_zone(attached, keys.zone, spill=folder / "spill", memory=memory) as connection:
        if previous is not None and read_otherwise(connection, "earlier", survey):
            raise declaration_changed(InputRefused)
        known = responses.known_marks(connection, "earlier") if previous is not None else set()
        marks = [(file, _file_mark(file, keys.hmac)) for file in files]
        new = {mark: file for file, mark in marks if mark not in known}
        if new and previous is not None and survey.residents.key == "none":
            raise InputRefused(
                "no_key_to_merge_by",
                "without a resident key, responses that are in the zone already would be counted again",
                where="survey.yaml: residents.key",
                do="Ingest all files of the wave together, with --replace",
            )
        if new or previous is None:
            household = survey.residents.household
            responses.create_tables(connection, "stage", attributes, households=household is not None)
            for mark, file in new.items():
                tell(f"reading {file.source_id}")
                _stage(connection, survey, file, mark, keys.hmac, contacts, issued)
            tell("settling one response per resident")
            at_most = None if household is None else household.at_most
            _settle(connection, with_earlier=previous is not None, household_at_most=at_most)
    if not new and previous is not None:
        for leftover in (stage, fresh.path):
            leftover.unlink(missing_ok=True)
        return previous.id
    tell("sealing the snapshot")
    make_current(folder, fresh, keys.zone)
    sweep(folder)
    return fresh.id


def _stage(
    connection: duckdb.DuckDBPyConnection,
    survey: Survey,
    file: SourceFile,
    mark: bytes,
    hmac_key: bytes,
    contacts: Path | None,
    issued: frozenset[bytes] | None,
) -> None:
    read = excluded = bad = 0
    for batch in ahead(in_blocks(encoded_batches(survey, [file], hmac_key, contacts, issued))):
        responses.append_responses(connection, "stage", batch.rows)
        read += batch.read
        excluded += batch.excluded
        bad += len(batch.quarantined)
        responses.record_quarantine(connection, "stage", mark, batch.quarantined)
    responses.record_batch(
        connection,
        "stage",
        BatchRecord(mark, file.source_id, source_rules(survey)[file.source_id], read, excluded, bad),
    )


def _settle(connection: duckdb.DuckDBPyConnection, *, with_earlier: bool, household_at_most: int | None) -> None:
    names = ["stage.raw_responses"] + (["earlier.core_responses"] if with_earlier else [])
    responses.settle(connection, "fresh", names, household_at_most=household_at_most)
    for table in ("core_batches", "core_quarantine"):
        earlier = f" UNION ALL SELECT * FROM earlier.{table}" if with_earlier else ""
        connection.execute(f"CREATE TABLE fresh.{table} AS SELECT * FROM stage.{table}{earlier}")
    connection.execute("CHECKPOINT fresh")


def _unreadable_lines(connection: duckdb.DuckDBPyConnection, survey: Survey) -> list[str]:
    """Per question and demographic, the answers that match no declared option: a sign of a wrong declaration."""
    sums: list[str] = []
    names: list[str] = []
    for position, attribute in enumerate(attributes_of(survey)):
        invalid = attribute.roles(CellRole.INVALID)
        if not invalid or attribute.origin == "numeric_mean":
            continue
        columns = zone_columns(position, attribute)
        names.append(attribute.id)
        sums.append(
            f"sum({columns[invalid[0]]})" if attribute.kind == "multi" else f"count_if({columns[0]} = {invalid[0]})"
        )
    if not sums:
        return []
    found = connection.execute(f"SELECT {', '.join(sums)} FROM zone.core_responses").fetchall()[0]
    return [f"not readable: {name}: {count}" for name, count in zip(names, found, strict=True) if count]


def ingest_lines(folder: Path, survey: Survey, zone_key: bytes) -> list[str]:
    """What an operator may see of the ingest, inside the trust boundary: rows by file, and what could not be read.

    Raises: ZoneFault: there is no snapshot, or it cannot be opened.
    """
    while True:
        snapshot = current_snapshot(folder, zone_key)
        try:
            return _lines_of(snapshot, folder, survey, zone_key)
        except ZoneFault:
            if current_snapshot(folder, zone_key).path == snapshot.path:
                raise
        # Another command put a new snapshot in its place since we looked.


def _lines_of(snapshot: Snapshot, folder: Path, survey: Survey, zone_key: bytes) -> list[str]:
    with open_zone({"zone": (snapshot.path, False)}, zone_key, spill=folder / "spill") as connection:
        counted = connection.execute("SELECT count(*) FROM zone.core_responses").fetchall()[0][0]
        household = survey.residents.household
        bound = "one per resident" if household is None else f"at most {household.at_most} per household"
        lines = [f"counted responses ({bound}): {counted}", "source  read  accepted  excluded  quarantined"]
        for source, read, excluded, bad in connection.execute(
            "SELECT source, read, excluded, quarantined FROM zone.core_batches ORDER BY source, read DESC"
        ).fetchall():
            lines.append(f"{source}  {read}  {read - excluded - bad}  {excluded}  {bad}")
        if snapshot.attributes_digest == encoding_digest(survey):
            lines += _unreadable_lines(connection, survey)
        for source, row, field, reason in connection.execute(
            "SELECT source, row_number, field, reason FROM zone.core_quarantine ORDER BY source, row_number"
        ).fetchall():
            lines.append(f"quarantined: {source} row {row}: {field or 'whole row'}: {reason}")
    return lines

"""The worker's ingest: severed, encoded batches into a staging file, then the next snapshot."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from pipelines.intake.batch import SourceFile, encoded_batches
from pipelines.zone import responses
from pipelines.zone.keys import derived_key
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
from schemas.attributes import Attribute, attributes_of
from schemas.canonical import canonical_bytes, digest
from schemas.errors import InputRefused
from schemas.survey import Survey

_CHUNK = 1 << 22


def attributes_digest(attributes: tuple[Attribute, ...]) -> str:
    """Digest of the public domains that responses are encoded with."""
    return digest([attribute.model_dump(mode="json") for attribute in attributes])


def _file_digest(path: Path, source_id: str, hmac_key: bytes, survey: Survey) -> bytes:
    """Keyed digest of a file and of the declaration it is read with: recognises a file that is in the zone already."""
    rules = survey.model_dump(mode="json", by_alias=True, include={"sources", "residents", "missing", "eligible"})
    mac = hmac.new(derived_key(hmac_key, "file-digest"), source_id.encode() + canonical_bytes(rules), hashlib.sha256)
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                mac.update(chunk)
    except OSError:
        raise InputRefused(
            "source_missing", "the source file cannot be read", where=path.name, do="Check the path after --source"
        ) from None
    return mac.digest()


def ingest(
    folder: Path,
    survey: Survey,
    files: Sequence[SourceFile],
    contacts: Path | None,
    zone_key: bytes,
    hmac_key: bytes,
    *,
    replace: bool,
    memory: str,
    tell: Callable[[str], None],
) -> str:
    """Take files into the zone. Returns: the id of the current snapshot, the old one where every file was known.

    Raises: InputRefused: a file's header, encoding or format; or the zone holds responses of another declaration.
    """
    attributes = attributes_of(survey)
    encoding = attributes_digest(attributes)
    sweep(folder)
    previous = current_snapshot(folder, zone_key) if has_snapshot(folder) and not replace else None
    if previous is not None and previous.attributes_digest != encoding:
        raise InputRefused(
            "declaration_changed",
            "the zone holds responses encoded with other questions or options",
            where="survey.yaml",
            do="Ingest every file again with --replace, or declare a new wave",
        )
    fresh = Snapshot(new_snapshot_id(), folder / "unnamed", encoding)
    fresh = Snapshot(fresh.id, snapshot_path(folder, fresh.id), encoding)
    stage = folder / f"stage-{fresh.id}.duckdb"
    attached = {"stage": (stage, True), "fresh": (fresh.path, True)}
    if previous is not None:
        attached["earlier"] = (previous.path, False)
    with open_zone(attached, zone_key, spill=folder / "spill", memory=memory) as connection:
        known = responses.known_digests(connection, "earlier") if previous is not None else set()
        digests = [(file, _file_digest(file.path, file.source_id, hmac_key, survey)) for file in files]
        new = {key: file for file, key in digests if key not in known}
        if new or previous is None:
            responses.create_tables(connection, "stage", attributes)
            for key, file in new.items():
                tell(f"reading {file.source_id}")
                _stage(connection, survey, file, key, hmac_key, contacts)
            tell("settling one response per resident")
            _settle(connection, with_earlier=previous is not None)
    if not new and previous is not None:
        for leftover in (stage, fresh.path):
            leftover.unlink(missing_ok=True)
        return previous.id
    tell("sealing the snapshot")
    make_current(folder, fresh, zone_key)
    sweep(folder)
    return fresh.id


def _stage(
    connection: duckdb.DuckDBPyConnection,
    survey: Survey,
    file: SourceFile,
    key: bytes,
    hmac_key: bytes,
    contacts: Path | None,
) -> None:
    read = excluded = bad = 0
    for batch in encoded_batches(survey, [file], hmac_key, contacts):
        responses.append_responses(connection, "stage", batch.rows)
        read += batch.read
        excluded += batch.excluded
        bad += len(batch.quarantined)
        responses.record_quarantine(connection, "stage", key, batch.quarantined)
    responses.record_batch(connection, "stage", BatchRecord(key, file.source_id, read, excluded, bad))


def _settle(connection: duckdb.DuckDBPyConnection, *, with_earlier: bool) -> None:
    names = ["stage.raw_responses"] + (["earlier.core_responses"] if with_earlier else [])
    responses.settle(connection, "fresh", names)
    for table in ("core_batches", "core_quarantine"):
        earlier = f" UNION ALL SELECT * FROM earlier.{table}" if with_earlier else ""
        connection.execute(f"CREATE TABLE fresh.{table} AS SELECT * FROM stage.{table}{earlier}")
    connection.execute("CHECKPOINT fresh")


def ingest_lines(folder: Path, zone_key: bytes) -> list[str]:
    """What an operator may see of the ingest, inside the trust boundary: rows by file, and where rows were refused."""
    snapshot = current_snapshot(folder, zone_key)
    with open_zone({"zone": (snapshot.path, False)}, zone_key, spill=folder / "spill") as connection:
        counted = connection.execute("SELECT count(*) FROM zone.core_responses").fetchall()[0][0]
        lines = [f"counted responses (one per resident): {counted}", "source  read  accepted  excluded  quarantined"]
        for source, read, excluded, bad in connection.execute(
            "SELECT source, read, excluded, quarantined FROM zone.core_batches ORDER BY source, read DESC"
        ).fetchall():
            lines.append(f"{source}  {read}  {read - excluded - bad}  {excluded}  {bad}")
        for source, row, field, reason in connection.execute(
            "SELECT source, row_number, field, reason FROM zone.core_quarantine ORDER BY source, row_number"
        ).fetchall():
            lines.append(f"quarantined: {source} row {row}: {field}: {reason}")
    return lines

"""The worker's end of a wave: a new file without pseudonyms, then the pseudonym key and the old file are destroyed.

What stays can be counted and released, and joined to nobody: not to a later answer, an e-mail address, a code, or the
time at which it was given.
"""

from pathlib import Path

from pipelines.durable import destroy
from pipelines.zone.snapshot import Snapshot, current_snapshot, make_current, snapshot_path, sweep
from pipelines.zone.storage import open_zone
from schemas.attributes import attributes_of, zone_columns
from schemas.survey import Survey

KEPT_OF_BATCHES = "NULL::BLOB AS mark, source, rules, read, excluded, quarantined"
KEPT_OF_QUARANTINE = "NULL::BLOB AS mark, source, row_number, field, reason"


def close(folder: Path, survey: Survey, zone_key: bytes, private: tuple[Path, ...], *, memory: str) -> str:
    """Close the wave, or finish closing it. Returns: the id of the current snapshot, which stays what it was.

    Rows keep the attributes' columns and nothing else, in the order of their ties: a keyed hash whose key is destroyed.

    Args:
        private: files that can make or recognise a pseudonym: the HMAC key, and the codes that were issued.

    Raises: ZoneFault.
    """
    sweep(folder)
    before = current_snapshot(folder, zone_key)
    if not before.closed:
        closed = Snapshot(
            before.id,
            snapshot_path(folder, before.id, closed=True),
            before.attributes_digest,
            before.ledger_key,
            closed=True,
        )
        names = [name for i, attribute in enumerate(attributes_of(survey)) for name in zone_columns(i, attribute)]
        files = {"earlier": (before.path, False), "fresh": (closed.path, True)}
        with open_zone(files, zone_key, spill=folder / "spill", memory=memory) as zone:
            columns = ", ".join(names)
            zone.execute(
                f"CREATE TABLE fresh.core_responses AS SELECT {columns} FROM earlier.core_responses ORDER BY tie"
            )
            for table, kept in (("core_batches", KEPT_OF_BATCHES), ("core_quarantine", KEPT_OF_QUARANTINE)):
                zone.execute(f"CREATE TABLE fresh.{table} AS SELECT {kept} FROM earlier.{table} ORDER BY ALL")
            zone.execute("CHECKPOINT fresh")
        make_current(folder, closed, zone_key)
    for path in private:
        destroy(path)
    sweep(folder)
    return before.id

"""The zone's tables, and how batches of encoded responses become the next snapshot's: one row per resident, or at most
so many rows per household.

Claim: docs/claims/deduplication.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipelines.intake.batch import Quarantined
from schemas.attributes import Attribute, zone_columns
from schemas.errors import InternalFault


@dataclass(frozen=True)
class BatchRecord:
    """What one ingested file came to. Exact numbers: read inside the zone only (`hearsafe ingest --show`).

    `mark` is keyed (HMAC), by the file's place and time of writing: the same file given again is not read again.
    `rules` is a digest of the public rules that the source was read by.
    """

    mark: bytes
    source: str
    rules: str
    read: int
    excluded: int
    quarantined: int


def column_types(attributes: tuple[Attribute, ...], *, households: bool = False) -> dict[str, str]:
    """Every column of the responses and its SQL type. `households`: whether a second pseudonym is kept."""
    types = {"pseudonym": "BLOB", "tie": "BLOB", "seen_at": "BIGINT", "complete": "BOOLEAN"}
    if households:
        types["household"] = "BLOB"
    for position, attribute in enumerate(attributes):
        kind = "INTEGER" if attribute.kind == "score" else "UTINYINT"
        types.update(dict.fromkeys(zone_columns(position, attribute), kind))
    return types


def create_tables(
    connection: duckdb.DuckDBPyConnection, alias: str, attributes: tuple[Attribute, ...], *, households: bool = False
) -> None:
    """Empty tables in an attached file."""
    types = column_types(attributes, households=households)
    connection.execute(f"CREATE TABLE {alias}.raw_responses ({_columns(types.items())})")
    connection.execute(
        f"CREATE TABLE {alias}.core_batches "
        "(mark BLOB, source VARCHAR, rules VARCHAR, read BIGINT, excluded BIGINT, quarantined BIGINT)"
    )
    connection.execute(
        f"CREATE TABLE {alias}.core_quarantine "
        "(mark BLOB, source VARCHAR, row_number BIGINT, field VARCHAR, reason VARCHAR)"
    )


def _columns(types: Iterable[tuple[str, str]]) -> str:
    """Column definitions. Keyed hashes have no pattern, and looking for one is half the work of writing them."""
    return ", ".join(
        f"{name} {kind}{' USING COMPRESSION uncompressed' if kind == 'BLOB' else ''}" for name, kind in types
    )


def append_responses(connection: duckdb.DuckDBPyConnection, alias: str, rows: pa.Table) -> None:
    """Append one encoded batch (columns: `column_types`)."""
    names = ", ".join(rows.column_names)
    connection.register("incoming", rows)
    connection.execute(f"INSERT INTO {alias}.raw_responses ({names}) SELECT {names} FROM incoming")
    connection.unregister("incoming")


def record_batch(connection: duckdb.DuckDBPyConnection, alias: str, record: BatchRecord) -> None:
    """Note that a file is in, and what it came to."""
    connection.execute(
        f"INSERT INTO {alias}.core_batches VALUES (?, ?, ?, ?, ?, ?)",
        [record.mark, record.source, record.rules, record.read, record.excluded, record.quarantined],
    )


def record_quarantine(
    connection: duckdb.DuckDBPyConnection, alias: str, mark: bytes, quarantined: Sequence[Quarantined]
) -> None:
    """Where rows of a file were refused, and why: no content."""
    if not quarantined:
        return
    refused = pa.table(
        {
            "mark": pa.array([mark] * len(quarantined), pa.binary()),
            "source": [q.source_id for q in quarantined],
            "row_number": [q.row for q in quarantined],
            "field": [q.field for q in quarantined],
            "reason": [q.reason for q in quarantined],
        }
    )
    connection.register("incoming", refused)
    connection.execute(f"INSERT INTO {alias}.core_quarantine SELECT * FROM incoming")
    connection.unregister("incoming")


def known_marks(connection: duckdb.DuckDBPyConnection, alias: str) -> set[bytes]:
    """Keyed marks of the files that are in."""
    return {row[0] for row in connection.execute(f"SELECT mark FROM {alias}.core_batches").fetchall()}


def rules_by_source(connection: duckdb.DuckDBPyConnection, alias: str) -> set[tuple[str, str]]:
    """(source, digest of its rules) of every file that is in."""
    return set(connection.execute(f"SELECT DISTINCT source, rules FROM {alias}.core_batches").fetchall())


def settle(
    connection: duckdb.DuckDBPyConnection, fresh: str, earlier: list[str], *, household_at_most: int | None = None
) -> None:
    """Write `fresh`.core_responses: of each pseudonym's rows in `earlier`, its latest complete response.

    Complete before incomplete, then by own time stamp, then by keyed hash: the winner depends on the rows of that
    pseudonym alone, so one resident key is one row whatever others do. Rows are ordered by pseudonym (a keyed hash),
    so nothing of the order of arrival is kept.

    With `household_at_most`, the winner is chosen among a pseudonym's rows of one household, and of each household's
    winners at most so many stay: complete ones first, then by pseudonym. All of it compares rows of one household only,
    and who is left out once is left out of every later batch.
    """
    every = " UNION ALL ".join(f"SELECT * FROM {table}" for table in earlier)
    person = "pseudonym" if household_at_most is None else "household, pseudonym"
    winners = (
        f"SELECT * FROM ({every}) "
        f"QUALIFY row_number() OVER (PARTITION BY {person} ORDER BY complete DESC, seen_at DESC, tie DESC) = 1"
    )
    if household_at_most is not None:
        ranked = "row_number() OVER (PARTITION BY household ORDER BY complete DESC, pseudonym)"
        winners = f"SELECT * FROM ({winners}) QUALIFY {ranked} <= {household_at_most:d}"
    described = connection.execute(f"DESCRIBE {winners}").fetchall()
    connection.execute(f"CREATE TABLE {fresh}.core_responses ({_columns((row[0], row[1]) for row in described)})")
    connection.execute(f"INSERT INTO {fresh}.core_responses SELECT * FROM ({winners}) ORDER BY {person}")
    _require_rising(connection, f"{fresh}.core_responses", person.replace(", ", " || "))


def _require_rising(connection: duckdb.DuckDBPyConnection, table: str, key: str) -> None:
    """One row a key: read once as they lie, keys that each exceed the last are all different. Takes no memory.

    Raises: InternalFault `rows_not_settled`.
    """
    compared = f"SELECT {key} > lag({key}) OVER () AS rising FROM {table}"
    if connection.execute(f"SELECT count(*) FROM ({compared}) WHERE NOT rising").fetchall()[0][0]:
        raise InternalFault("rows_not_settled", "a resident has more than one row, or rows lie in another order")

"""One row per resident: the winner is a resident's own latest complete response, whatever the others do."""

import random

import duckdb
import pyarrow as pa
import pytest

from pipelines.zone.responses import _require_rising, append_responses, column_types, create_tables, settle
from schemas.attributes import Attribute, Cell, CellRole
from schemas.errors import InternalFault

YES_NO = tuple(Cell(code=c, label=c, role=CellRole.SUBSTANTIVE) for c in ("y", "n"))
ATTRIBUTES = (Attribute(id="q", kind="single", origin="question", label="Q", cells=YES_NO),)
Row = tuple[int, int, int, bool, int]
"""Pseudonym, tie, time, complete, answer (a0)."""


def settled(*batches: list[Row]) -> list[tuple[bytes, int]]:
    """(pseudonym, answer) of the rows that count, after the batches were ingested one after the other."""
    with duckdb.connect() as connection:
        earlier: list[str] = []
        for number, rows in enumerate(batches):
            connection.execute(f"ATTACH ':memory:' AS s{number}")
            connection.execute(f"ATTACH ':memory:' AS f{number}")
            create_tables(connection, f"s{number}", ATTRIBUTES)
            columns = list(zip(*rows, strict=True)) if rows else [(), (), (), (), ()]
            table = pa.table(
                {
                    "pseudonym": pa.array([p.to_bytes(16, "big") for p in columns[0]], pa.binary(16)),
                    "tie": pa.array([t.to_bytes(16, "big") for t in columns[1]], pa.binary(16)),
                    "seen_at": pa.array(columns[2], pa.int64()),
                    "complete": pa.array(columns[3], pa.bool_()),
                    "a0": pa.array(columns[4], pa.uint8()),
                }
            )
            assert set(table.column_names) == set(column_types(ATTRIBUTES))
            append_responses(connection, f"s{number}", table)
            settle(connection, f"f{number}", [f"s{number}.raw_responses", *earlier])
            earlier = [f"f{number}.core_responses"]
        return connection.execute(f"SELECT pseudonym, a0 FROM {earlier[0]} ORDER BY pseudonym").fetchall()


def answer(*batches: list[Row]) -> int:
    ((_, code),) = settled(*batches)
    return code


def test_complete_beats_later_and_later_beats_earlier() -> None:
    assert answer([(1, 0, 10, True, 0), (1, 0, 20, True, 1)]) == 1
    assert answer([(1, 0, 10, True, 0), (1, 0, 20, False, 1)]) == 0
    assert answer([(1, 0, -1, True, 0), (1, 0, 5, True, 1)]) == 1
    assert answer([(1, 9, 10, True, 0), (1, 3, 10, True, 1)]) == 0


def test_a_later_batch_may_replace() -> None:
    assert answer([(1, 0, 10, True, 0)], [(1, 0, 20, True, 1)]) == 1
    assert answer([(1, 0, 20, True, 1)], [(1, 0, 10, True, 0)]) == 1


@pytest.mark.parametrize("seed", range(12))
def test_the_winner_depends_on_the_residents_own_rows_alone(seed: int) -> None:
    rng = random.Random(seed)
    rows: list[Row] = [
        (rng.randrange(8), rng.randrange(1 << 30), rng.randrange(4), rng.random() < 0.7, rng.randrange(2))
        for _ in range(60)
    ]
    together = dict(settled(rows))
    shuffled = rows[:]
    rng.shuffle(shuffled)
    assert dict(settled(shuffled[:20], shuffled[20:])) == together
    for resident in range(8):
        own = [row for row in rows if row[0] == resident]
        without = [row for row in rows if row[0] != resident]
        name = resident.to_bytes(16, "big")
        if own:
            assert dict(settled(own)) == {name: together[name]}
        rest = {key: value for key, value in together.items() if key != name}
        assert dict(settled(without)) == rest, "removing a resident moved another"


def test_two_rows_of_a_resident_are_never_let_through() -> None:
    with duckdb.connect() as connection:
        for rows, fine in (("1), (2), (3", True), ("1), (2), (2", False), ("2), (1", False), ("1", True)):
            connection.execute(f"CREATE OR REPLACE TABLE r AS SELECT x::VARCHAR::BLOB AS k FROM (VALUES ({rows})) v(x)")
            if fine:
                _require_rising(connection, "r", "k")
            else:
                with pytest.raises(InternalFault, match="more than one row"):
                    _require_rising(connection, "r", "k")

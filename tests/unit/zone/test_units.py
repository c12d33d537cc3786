"""From rows as they arrive to exact tables: what one household, or one person behind a shared key, can move."""

import random

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from pipelines.zone.counting import count_tables
from pipelines.zone.duckdb_engine import DuckDBEngine
from pipelines.zone.packing import packing_of
from pipelines.zone.responses import append_responses, column_types, create_tables, settle
from privacy.measure import _unwrap  # the tests' only look inside Exact
from privacy.sensitivity import Sensitivity, table_sensitivity, table_unit
from schemas.attributes import MICRO, Attribute, Cell, CellRole, score_attribute, zone_columns
from schemas.plan import MeasuredTable
from tests.unit.privacy.residents_sample import norms

AT_MOST = 3


def _cells(*codes: str) -> tuple[Cell, ...]:
    return tuple(Cell(code=c, label=c, role=CellRole.SUBSTANTIVE) for c in codes)


RATING = Attribute(id="rating", kind="single", origin="question", label="R", cells=_cells("1", "2", "3"))
USES = Attribute(id="uses", kind="multi", origin="question", label="U", cells=_cells(*"abcd"), at_most=2)
SAFETY = score_attribute("safety", "index", "S", (Cell(code="_m", label="m", role=CellRole.NOT_ANSWERED),))
ATTRIBUTES = (RATING, USES, SAFETY)
TABLES = ((RATING,), (USES,), (SAFETY,), (RATING, USES))

Row = tuple[int, int, int, int, bool, tuple[int, tuple[int, ...], int]]
"""Household, resident, tie, time, complete, answers (rating, uses, safety)."""
Counts = dict[str, np.ndarray]


def _batch(rows: list[Row], *, households: bool) -> pa.Table:
    columns = {
        "pseudonym": pa.array([r[1].to_bytes(16, "big") for r in rows], pa.binary(16)),
        "tie": pa.array([r[2].to_bytes(16, "big") for r in rows], pa.binary(16)),
        "seen_at": pa.array([r[3] for r in rows], pa.int64()),
        "complete": pa.array([r[4] for r in rows], pa.bool_()),
        "a0": pa.array([r[5][0] for r in rows], pa.uint8()),
        **{name: pa.array([int(i in r[5][1]) for r in rows], pa.uint8()) for i, name in enumerate(zone_columns(1, USES))},
        "a2": pa.array([r[5][2] for r in rows], pa.int32()),
    }  # fmt: skip
    if households:
        columns["household"] = pa.array([r[0].to_bytes(16, "big") for r in rows], pa.binary(16))
    return pa.table(columns)


def _table(axes: tuple[Attribute, ...]) -> MeasuredTable:
    return MeasuredTable(
        attributes=tuple(a.id for a in axes), shape=tuple(a.size for a in axes), unit=table_unit(axes), l1=1, l2_squared=1,
        mechanism="discrete_gaussian", scale=1.0, charge_nano_rho=1, charge_nano_pure_epsilon=None,
    )  # fmt: skip


def _ingested(*batches: list[Row], at_most: int | None) -> tuple[Counts, list[tuple[bytes, ...]]]:
    """Exact tables, and who is counted, after the batches came in one after the other."""
    with duckdb.connect() as connection:
        earlier: list[str] = []
        for number, rows in enumerate(batches):
            for name in (f"s{number}", f"f{number}"):
                connection.execute(f"ATTACH ':memory:' AS {name}")
            create_tables(connection, f"s{number}", ATTRIBUTES, households=at_most is not None)
            batch = _batch(rows, households=at_most is not None)
            assert set(batch.column_names) == set(column_types(ATTRIBUTES, households=at_most is not None))
            append_responses(connection, f"s{number}", batch)
            settle(connection, f"f{number}", [f"s{number}.raw_responses", *earlier], household_at_most=at_most)
            earlier = [f"f{number}.core_responses"]
        tables = tuple(_table(axes) for axes in TABLES)
        packing = packing_of(ATTRIBUTES, tables, responses=100, memory=1 << 20)
        exact = count_tables(DuckDBEngine(connection, earlier[0]), packing, tables)
        who = "pseudonym, a0, seen_at" if at_most is None else "household, pseudonym, a0, seen_at"
        counted = connection.execute(f"SELECT {who} FROM {earlier[0]} ORDER BY ALL").fetchall()
    return dict(_unwrap(exact)), counted


def _bounds(*, shared_keys: bool, responses: int) -> dict[str, Sensitivity]:
    return {
        _table(axes).id: table_sensitivity(axes, shared_keys=shared_keys, responses_per_unit=responses)
        for axes in TABLES
    }


def _moved(one: Counts, other: Counts) -> dict[str, tuple[int, int]]:
    return {name: norms(one[name] - other[name]) for name in one}


def _random_row(rng: random.Random, household: int, resident: int) -> Row:
    answers = (rng.randrange(3), tuple(rng.sample(range(4), rng.randint(1, 2))), rng.randint(0, MICRO))
    return household, resident, rng.randrange(1 << 30), rng.randrange(5), rng.random() < 0.6, answers


def _random_rows(rng: random.Random, count: int) -> list[Row]:
    """Residents move between households, answer several times, and crowd into some."""
    return [_random_row(rng, rng.randrange(6), rng.randrange(14)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(6))
def test_no_household_moves_a_table_further_than_declared(seed: int) -> None:
    rows = _random_rows(random.Random(seed), 90)
    whole, counted = _ingested(rows, at_most=AT_MOST)
    homes = [row[0] for row in counted]
    assert max(homes.count(home) for home in homes) == AT_MOST
    bounds = _bounds(shared_keys=False, responses=AT_MOST)
    for household in range(6):
        without, rest = _ingested([row for row in rows if row[0] != household], at_most=AT_MOST)
        assert rest == [row for row in counted if row[0] != household.to_bytes(16, "big")], "another household moved"
        for name, (l1, l2_squared) in _moved(whole, without).items():
            assert l1 <= bounds[name].l1
            assert l2_squared <= bounds[name].l2_squared


def test_a_household_of_one_mind_reaches_it() -> None:
    rng = random.Random(3)
    others = [_random_row(rng, 0, resident) for resident in range(4)]
    alike: list[Row] = [(9, 100 + i, i, 1, True, (2, (0, 3), MICRO)) for i in range(AT_MOST + 4)]
    whole, _ = _ingested(others + alike, at_most=AT_MOST)
    without, _ = _ingested(others, at_most=AT_MOST)
    bounds = _bounds(shared_keys=False, responses=AT_MOST)
    assert _moved(whole, without) == {name: (bound.l1, bound.l2_squared) for name, bound in bounds.items()}


@pytest.mark.parametrize("seed", range(6))
def test_who_of_a_household_counts_does_not_depend_on_the_batches(seed: int) -> None:
    rng = random.Random(seed)
    rows = _random_rows(rng, 90)
    _, together = _ingested(rows, at_most=AT_MOST)
    rng.shuffle(rows)
    cut = rng.randrange(len(rows))
    assert _ingested(rows[:cut], rows[cut:], at_most=AT_MOST)[1] == together


def test_a_person_behind_a_shared_key_reaches_an_exchange_and_never_more() -> None:
    """Two people, one key: taking one out lets the other in."""
    rng = random.Random(4)
    others = [_random_row(rng, 0, resident) for resident in range(5)]
    hidden: Row = (0, 77, 1, 1, True, (0, (0, 1), MICRO))
    shown: Row = (0, 77, 2, 2, True, (1, (2, 3), 0))
    bounds = _bounds(shared_keys=True, responses=1)
    whole, _ = _ingested([*others, hidden, shown], at_most=None)
    without, _ = _ingested([*others, hidden], at_most=None)
    assert _moved(whole, without) == {name: (bound.l1, bound.l2_squared) for name, bound in bounds.items()}
    for _ in range(60):
        pair = [_random_row(rng, 0, 77), _random_row(rng, 0, 77)]
        whole, _ = _ingested([*others, *pair], at_most=None)
        without, _ = _ingested([*others, pair[0]], at_most=None)
        for name, (l1, l2_squared) in _moved(whole, without).items():
            assert l1 <= bounds[name].l1 and l2_squared <= bounds[name].l2_squared

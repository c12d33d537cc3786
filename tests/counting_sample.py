"""Invented responses of every kind of attribute, their tables, and a count of them by hand."""

import itertools
import random
from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.zone.counting import CountEngine, Counts, count_tables
from pipelines.zone.packing import Amount, Packing, packing_of
from pipelines.zone.portable_sql import key_sql, key_totals
from privacy.measure import _unwrap  # the tests' only look inside Exact
from privacy.sensitivity import table_sensitivity, table_unit
from schemas.attributes import MICRO, Attribute, Cell, CellRole, score_attribute, zone_columns
from schemas.plan import MeasuredTable


def _cells(*codes: str) -> tuple[Cell, ...]:
    return tuple(Cell(code=c, label=c, role=CellRole.SUBSTANTIVE) for c in codes)


NONE = Cell(code="_none", label="none", role=CellRole.NONE)
MISSING = Cell(code="_not_answered", label="missing", role=CellRole.NOT_ANSWERED)
AREA = Attribute(id="area", kind="single", origin="demographic", label="Area", cells=_cells("n", "s", "e"))
RATING = Attribute(id="rating", kind="single", origin="question", label="R", cells=(*_cells("1", "2"), MISSING))
USES = Attribute(
    id="uses", kind="multi", origin="question", label="U", cells=(*_cells("a", "b", "c"), NONE, MISSING), at_most=2
)
WANTS = Attribute(id="wants", kind="multi", origin="question", label="W", cells=(*_cells("x", "y"), NONE), at_most=2)
INDEX = score_attribute("index", "index", "I", (MISSING,))
ATTRIBUTES = (AREA, RATING, USES, WANTS, INDEX)


def a_row(rng: random.Random) -> dict[str, object]:
    uses = rng.sample(range(3), rng.randint(1, 2)) if rng.random() < 0.7 else [rng.choice([3, 4])]
    wants = rng.sample(range(2), rng.randint(1, 2)) if rng.random() < 0.7 else [2]
    score = -2 if rng.random() < 0.2 else rng.choice([0, MICRO, rng.randint(0, MICRO)])
    return {"area": rng.randrange(3), "rating": rng.randrange(3), "uses": uses, "wants": wants, "index": score}


def _contributions(attribute: Attribute, value: object) -> list[tuple[int, int]]:
    """(cell, integer units) pairs of one respondent, written independently of the SQL."""
    if attribute.kind == "multi":
        return [(cell, 1) for cell in value]  # type: ignore[attr-defined]
    if attribute.kind == "score":
        return [(-value, MICRO)] if value < 0 else [(0, value), (1, MICRO - value)]  # type: ignore[operator, list-item]
    return [(value, 1)]  # type: ignore[list-item]


def expected(rows: list[dict[str, object]], axes: tuple[Attribute, ...]) -> np.ndarray:
    counts = np.zeros([a.size for a in axes], dtype=np.int64)
    for row in rows:
        for combination in itertools.product(*(_contributions(a, row[a.id]) for a in axes)):
            counts[tuple(cell for cell, _ in combination)] += int(np.prod([units for _, units in combination]))
    return counts


def relation(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, object]]) -> None:
    columns: dict[str, pa.Array] = {}
    for position, attribute in enumerate(ATTRIBUTES):
        names = zone_columns(position, attribute)
        values = [row[attribute.id] for row in rows]
        if attribute.kind == "multi":
            for cell, name in enumerate(names):
                columns[name] = pa.array([int(cell in v) for v in values], pa.uint8())  # type: ignore[operator]
        else:
            columns[names[0]] = pa.array(values, pa.int32() if attribute.kind == "score" else pa.uint8())
    connection.register("rows", pa.table(columns))
    connection.execute("CREATE TABLE core_responses AS SELECT * FROM rows")


def a_table(axes: tuple[Attribute, ...]) -> MeasuredTable:
    bound = table_sensitivity(axes, shared_keys=False)
    return MeasuredTable(
        attributes=tuple(a.id for a in axes), shape=tuple(a.size for a in axes), unit=table_unit(axes), l1=bound.l1,
        l2_squared=bound.l2_squared, mechanism="discrete_gaussian", scale=1.0, charge_nano_rho=1,
        charge_nano_pure_epsilon=None,
    )  # fmt: skip


class PortableEngine:
    """DuckDB, asked by the text that remote engines are asked by."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        self._connection = connection
        self._name = name

    def totals(self, packing: Packing) -> list[Mapping[Amount | None, Counts]]:
        return [
            key_totals(key, self._connection.execute(key_sql(key, self._name)).to_arrow_table()) for key in packing.keys
        ]


def require_every_table(engine: CountEngine, rows: list[dict[str, object]], responses: int) -> None:
    """The engine, which has these rows, counts every table of up to three axes as a count by hand does."""
    tables = [axes for width in (1, 2, 3) for axes in itertools.combinations(ATTRIBUTES, width)]
    measured = tuple(a_table(axes) for axes in tables)
    packing = packing_of(ATTRIBUTES, measured, responses=responses, memory=1 << 20)
    counted = _unwrap(count_tables(engine, packing, measured))
    for axes in tables:
        name = "*".join(a.id for a in axes)
        assert np.array_equal(counted[name], expected(rows, axes)), name
        assert counted[name].dtype == np.int64

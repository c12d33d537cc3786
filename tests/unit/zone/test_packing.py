"""Keys of a counting scan: every table has one, within the bound; only measured columns are read."""

import itertools

import duckdb
import numpy as np
import pytest

from pipelines.memory import bytes_of, megabytes
from pipelines.zone.counting import count_tables
from pipelines.zone.duckdb_engine import DuckDBEngine
from pipelines.zone.packing import FEWEST_CELLS, MOST_CELLS, packing_of
from privacy.measure import _unwrap  # the tests' only look inside Exact
from schemas.attributes import Attribute, Cell, CellRole
from schemas.errors import InternalFault, UsageFault
from schemas.plan import MeasuredTable


def _single(name: str, size: int) -> Attribute:
    cells = tuple(Cell(code=str(i), label=str(i), role=CellRole.SUBSTANTIVE) for i in range(size))
    return Attribute(id=name, kind="single", origin="question", label=name, cells=cells)


GROUPS = [_single(f"d{i}", size) for i, size in enumerate((8, 6, 5, 4, 7, 6, 4, 5))]
QUESTIONS = [_single(f"q{i}", 7) for i in range(40)]
ATTRIBUTES = (*GROUPS, *QUESTIONS)


def _table(*axes: Attribute) -> MeasuredTable:
    return MeasuredTable(
        attributes=tuple(a.id for a in axes), shape=tuple(a.size for a in axes), unit=1, l1=1, l2_squared=1,
        mechanism="discrete_gaussian", scale=1.0, charge_nano_rho=1, charge_nano_pure_epsilon=None,
    )  # fmt: skip


CROSSED = [_table(a) for a in ATTRIBUTES] + [_table(d, q) for d, q in itertools.product(GROUPS, QUESTIONS)]


@pytest.mark.parametrize("memory", [1 << 20, 1 << 30])
@pytest.mark.parametrize("responses", [100, 3_000, 1_000_000, 10_000_000])
def test_each_table_is_over_digits_of_its_key_and_no_key_is_too_large(responses: int, memory: int) -> None:
    packing = packing_of(ATTRIBUTES, CROSSED, responses=responses, memory=memory)
    assert set(packing.parts) == {table.id for table in CROSSED}
    for parts in packing.parts.values():
        for part, key in parts:
            assert set(part.digits) <= set(packing.keys[key].digits)
    assert max(key.cells for key in packing.keys) <= max(FEWEST_CELLS, min(MOST_CELLS, responses // 4))
    assert packing.memory <= max(memory, len(packing.keys) * FEWEST_CELLS * 8)


def test_many_responses_are_counted_by_few_keys() -> None:
    five = [t for t in CROSSED if not {"d5", "d6", "d7"} & set(t.attributes)]
    assert len(packing_of(ATTRIBUTES, five, responses=10_000_000, memory=1 << 30).keys) == 20


def test_what_is_not_measured_is_not_read() -> None:
    packing = packing_of(ATTRIBUTES, [_table(GROUPS[2], QUESTIONS[1])], responses=3_000, memory=1 << 30)
    assert packing.columns == ("a2", "a9")


def test_a_net_is_one_cell_a_group_that_sums_its_questions_weights() -> None:
    group, question = _single("d0", 3), _single("q0", 3)
    net = Attribute(
        id="q0__net", kind="net", origin="question", label="Q", cells=question.cells[:1], of="q0", weights=(10, -10, 3)
    )
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE r AS SELECT unnest([0, 0, 1, 1, 1])::UTINYINT AS a0, unnest([0, 0, 1, 2, 1])::UTINYINT AS a1"
        )
        tables = [_table(group, net), _table(net)]
        packing = packing_of((group, question, net), tables, responses=5, memory=1 << 30)
        counted = _unwrap(count_tables(DuckDBEngine(connection, "r"), packing, tables))
    assert set(counted) == {"d0*q0__net", "q0__net"}
    assert np.array_equal(counted["d0*q0__net"], [[20], [-17], [0]])
    assert np.array_equal(counted["q0__net"], [3])


def test_a_response_outside_the_domain_is_a_fault() -> None:
    group = _single("d0", 3)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE r AS SELECT 3::UTINYINT AS a0")
        packing = packing_of((group,), [_table(group)], responses=5, memory=1 << 30)
        with pytest.raises(InternalFault, match="domain"):
            count_tables(DuckDBEngine(connection, "r"), packing, [_table(group)])


def test_memory_is_read_as_written() -> None:
    assert bytes_of("2GB") == 2 * 10**9
    assert bytes_of(" 512 MiB ") == 512 * 2**20
    assert megabytes("2GB", 4) == "500MB"
    for wrong in ("2", "GB", "-1GB", "1KB", "nan GB", "2 PB"):
        with pytest.raises(UsageFault):
            bytes_of(wrong)

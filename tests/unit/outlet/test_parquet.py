import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.outlet.datapackage import PARQUET_FILES
from pipelines.outlet.parquet import measurements_table, parquet_bytes, read_parquet, row_shares, summary_table
from pipelines.outlet.verify import verify
from schemas.attributes import Attribute, Cell, CellRole
from schemas.errors import IntegrityFault, InternalFault
from schemas.manifest import MEASUREMENTS_FILE, SUMMARY_FILE
from schemas.released import MEASUREMENTS_SCHEMA, SUMMARY_SCHEMA
from tests.system.command import ROOT


def _attribute(identifier: str, *roles: CellRole, kind: str = "single", origin: str = "question") -> Attribute:
    cells = tuple(Cell(code=str(i), label=str(i), role=role) for i, role in enumerate(roles))
    return Attribute(id=identifier, kind=kind, origin=origin, label=identifier, cells=cells)  # type: ignore[arg-type]


def test_noisy_integers_leave_untouched(sample, published) -> None:
    table = verify(published).measurements
    expected = np.concatenate([sample.released.value.tables[t.id].ravel() for t in sample.context.plan.measured])
    assert table.column("noisy_units").to_pylist() == expected.tolist()
    assert table.schema.field("noisy_units").type == pa.int64()
    assert (expected < 0).any()


def test_cells_run_last_axis_fastest(sample, published) -> None:
    plan = sample.context.plan
    attributes = {a.id: a for a in sample.context.attributes}
    crossed = next(t for t in plan.measured if len(t.attributes) == 2)
    rows = [row for row in verify(published).measurements.to_pylist() if row["table"] == crossed.id]
    one, two = (attributes[a] for a in crossed.attributes)
    assert [(r["code_1"], r["code_2"]) for r in rows] == [(a.code, b.code) for a in one.cells for b in two.cells]
    assert all(r["attribute_3"] is None for r in rows)


def test_metadata_of_fields_and_release_survive(sample, published) -> None:
    for name, schema in PARQUET_FILES.items():
        written = pq.read_schema(published / name)
        for field in schema:
            assert written.field(field.name).metadata[b"description"] == field.metadata[b"description"]
        assert written.metadata[b"hearsafe.release_id"].decode() == sample.context.charge.release_id
        assert written.metadata[b"hearsafe.rho"] and written.metadata[b"hearsafe.format"]


def test_writer_takes_only_exact_schemas(sample) -> None:
    attributes = {a.id: a for a in sample.context.attributes}
    table = measurements_table(sample.context.plan, attributes, sample.released.value.tables)
    for wrong in (
        table.drop_columns(["scale"]),
        table.append_column("respondent", pa.array([0] * len(table))),
        table.cast(pa.schema([f.with_type(pa.float64()) if f.name == "noisy_units" else f for f in table.schema])),
        table.replace_schema_metadata({"rows": "595"}),
    ):
        with pytest.raises(InternalFault):
            parquet_bytes(wrong, MEASUREMENTS_SCHEMA, {})


def test_writer_refuses_gaps(sample) -> None:
    attributes = {a.id: a for a in sample.context.attributes}
    table = measurements_table(sample.context.plan, attributes, sample.released.value.tables)
    gap = pa.array([None, *table.column("noisy_units").to_pylist()[1:]], type=pa.int64())
    position = table.column_names.index("noisy_units")
    with pytest.raises(InternalFault):
        parquet_bytes(
            table.set_column(position, MEASUREMENTS_SCHEMA.field("noisy_units"), gap), MEASUREMENTS_SCHEMA, {}
        )


def test_tables_must_be_those_of_the_plan(sample) -> None:
    attributes = {a.id: a for a in sample.context.attributes}
    noisy = dict(sample.released.value.tables)
    first = next(iter(noisy))
    for wrong in ({k: v for k, v in noisy.items() if k != first}, noisy | {first: noisy[first].astype(float)}):
        with pytest.raises(InternalFault):
            measurements_table(sample.context.plan, attributes, wrong)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 50, b"not parquet at all, only long enough to try"])
def test_what_is_not_parquet_is_a_fault(content: bytes) -> None:
    with pytest.raises(IntegrityFault, match=MEASUREMENTS_FILE):
        read_parquet(content, MEASUREMENTS_SCHEMA, MEASUREMENTS_FILE)


def test_another_schema_is_a_fault(sample) -> None:
    content = parquet_bytes(summary_table("s", "w", sample.summary), SUMMARY_SCHEMA, {})
    assert read_parquet(content, SUMMARY_SCHEMA, SUMMARY_FILE)[0].num_rows == len(sample.summary)
    with pytest.raises(IntegrityFault):
        read_parquet(content, MEASUREMENTS_SCHEMA, MEASUREMENTS_FILE)


def test_row_shares_divide_by_the_substantive_base() -> None:
    question = _attribute("q", CellRole.SUBSTANTIVE, CellRole.SUBSTANTIVE, CellRole.NO_OPINION)
    group = _attribute("g", CellRole.SUBSTANTIVE, CellRole.SUBSTANTIVE, origin="demographic")
    assert row_shares(np.array([30.0, 10.0, 60.0]), [question]) == [0.75, 0.25, None]
    crossed = np.array([[1.0, 3.0, 9.0], [0.0, 0.0, 5.0]])
    assert row_shares(crossed, [group, question]) == [0.25, 0.75, None, None, None, None]
    assert row_shares(crossed.T, [question, group]) == [0.25, None, 0.75, None, None, None]
    multi = _attribute("m", CellRole.SUBSTANTIVE, CellRole.NONE, kind="multi")
    assert row_shares(np.array([30.0, 10.0]), [multi]) == [None, None]


_THREADS = """
import os, sys
from pathlib import Path
from pipelines.outlet.verify import verify
import pyarrow, pyarrow.parquet
before = len(os.listdir("/proc/self/task"))
verify(Path(sys.argv[1]))
print(len(os.listdir("/proc/self/task")) - before)
"""


def test_released_files_are_read_without_threads(published: Path) -> None:
    """A thread of Arrow's that lets go of Python's bytes while Python ends takes the whole process with it, by a signal."""
    done = subprocess.run([sys.executable, "-c", _THREADS, published], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "0"), done.stderr

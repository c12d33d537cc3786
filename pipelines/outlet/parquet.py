"""The three released Parquet files: from Released values to tables, from tables to bytes that repeat, and back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import starmap
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.outlet.columns import column_of
from schemas.attributes import Attribute, CellRole
from schemas.errors import IntegrityFault, InternalFault
from schemas.plan import MeasuredTable, Plan, table_id
from schemas.released import ESTIMATES_SCHEMA, MEASUREMENTS_SCHEMA, SUMMARY_SCHEMA, SummaryRow

if TYPE_CHECKING:
    from privacy.estimate import Estimates, TableEstimate

FORMAT = "hearsafe-parquet/1"
_PREFIX = "hearsafe."
_ROW_GROUP = 1 << 20
_AXES = 3
_FAULTS = (pa.ArrowException, OSError, ValueError, KeyError, TypeError)


def axes_columns(attributes: Sequence[tuple[str, Sequence[str]]]) -> dict[str, list[str | None]]:
    """The attribute_k and code_k columns of a table over (attribute, cell codes), last axis fastest."""
    shape = tuple(len(codes) for _, codes in attributes)
    size = int(np.prod(shape))
    positions = np.unravel_index(np.arange(size), shape)
    columns: dict[str, list[str | None]] = {}
    for axis in range(_AXES):
        inside = axis < len(attributes)
        name = attributes[axis][0] if inside else None
        codes: list[str | None] = [attributes[axis][1][int(i)] for i in positions[axis]] if inside else [None] * size
        columns[f"attribute_{axis + 1}"] = [name] * size
        columns[f"code_{axis + 1}"] = codes
    return columns


def _axes_of(table: tuple[str, ...], attributes: Mapping[str, Attribute]) -> list[tuple[str, list[str]]]:
    return [(a, [cell.code for cell in attributes[a].cells]) for a in table]


def _stacked(schema: pa.Schema, blocks: Iterable[Mapping[str, Any]]) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for block in blocks:
        size = len(block["attribute_1"])
        for name, column in columns.items():
            value = block[name]
            column.extend(value if isinstance(value, list) else [value] * size)
    return pa.Table.from_arrays([column_of(columns[f.name], f.type) for f in schema], schema=schema)


def _measured_block(
    table: MeasuredTable, noisy: NDArray[np.int64], attributes: Mapping[str, Attribute]
) -> dict[str, Any]:
    if noisy.shape != table.shape or noisy.dtype != np.int64:
        raise InternalFault("released_shape", "a measured table has another shape than planned", where=table.id)
    return axes_columns(_axes_of(table.attributes, attributes)) | {
        "table": table.id,
        "noisy_units": noisy.ravel().tolist(),
        "unit": table.unit,
        "mechanism": table.mechanism,
        "sensitivity_l1": table.l1,
        "sensitivity_l2_squared": table.l2_squared,
        "scale": table.scale,
    }


def measurements_table(
    plan: Plan, attributes: Mapping[str, Attribute], noisy: Mapping[str, NDArray[np.int64]]
) -> pa.Table:
    """One row per cell of every measured table, in the plan's order: the noisy integers, untouched."""
    if set(noisy) != {table.id for table in plan.measured}:
        raise InternalFault("released_tables", "the measured tables are not those of the plan")
    return _stacked(MEASUREMENTS_SCHEMA, (_measured_block(t, noisy[t.id], attributes) for t in plan.measured))


def row_shares(counts: NDArray[np.float64], axes: Sequence[Attribute]) -> list[float | None]:
    """Share of each cell in its total over the substantive cells of the table's subject.

    The subject is the last axis that is not a group, else the last axis. Empty for cells that are not substantive, for
    multis (whose cells sum to ticks, not people) and where the total is zero.
    """
    subjects = [i for i, attribute in enumerate(axes) if not attribute.is_group]
    axis = subjects[-1] if subjects else len(axes) - 1
    if axes[axis].kind == "multi":
        return [None] * counts.size
    mask = np.array([cell.role is CellRole.SUBSTANTIVE for cell in axes[axis].cells])
    mask = mask.reshape([-1 if i == axis else 1 for i in range(counts.ndim)])
    totals = np.where(mask, counts, 0.0).sum(axis=axis, keepdims=True)
    known = np.broadcast_to(mask & (totals > 0), counts.shape)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=known)
    pairs = zip(known.ravel().tolist(), shares.ravel().tolist(), strict=True)
    return [share if is_known else None for is_known, share in pairs]


def _estimate_block(table: "TableEstimate", attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    axes = [attributes[a] for a in table.attributes]
    counts = np.asarray(table.counts, dtype=np.float64)
    spread = np.sqrt(np.asarray(table.noise_variance, dtype=np.float64))
    if counts.shape != tuple(a.size for a in axes) or spread.shape != counts.shape:
        raise InternalFault(
            "estimate_shape", "an estimate has another shape than its table", where=table_id(table.attributes)
        )
    if not np.isfinite(counts).all() or np.isnan(spread).any():
        raise InternalFault("estimate_undefined", "an estimate is not a number", where=table_id(table.attributes))
    return axes_columns(_axes_of(table.attributes, attributes)) | {
        "table": table_id(table.attributes),
        "kind": table.kind,
        "estimate_count": counts.ravel().tolist(),
        "noise_sd": spread.ravel().tolist(),
        "row_share": row_shares(counts, axes),
        "measured": bool(table.measured),
        "informative": bool(table.informative),
    }


def ordered_tables(plan: Plan, attributes: Mapping[str, Attribute], estimates: "Estimates") -> list["TableEstimate"]:
    """The estimates in the plan's order, then the other one-way tables in the survey's order."""
    position = {name: i for i, name in enumerate(attributes)}
    planned = [estimates.tables[table.id] for table in plan.published]
    names = {table.id for table in plan.published}
    rest = [table for name, table in estimates.tables.items() if name not in names]
    return planned + sorted(rest, key=lambda table: tuple(position[a] for a in table.attributes))


def estimates_table(plan: Plan, attributes: Mapping[str, Attribute], estimates: "Estimates") -> pa.Table:
    """One row per cell of every estimated table."""
    return _stacked(
        ESTIMATES_SCHEMA,
        (_estimate_block(table, attributes) for table in ordered_tables(plan, attributes, estimates)),
    )


def summary_table(survey: str, wave: str, rows: Sequence[SummaryRow]) -> pa.Table:
    """One row per figure, in the order given."""
    columns: dict[str, list[Any]] = {"survey": [survey] * len(rows), "wave": [wave] * len(rows)}
    for field in fields(SummaryRow):
        columns[field.name] = [getattr(row, field.name) for row in rows]
    arrays = [column_of(columns[f.name], f.type) for f in SUMMARY_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=SUMMARY_SCHEMA)


def summary_rows(table: pa.Table) -> Iterator[SummaryRow]:
    """The figures of a summary table, in its order."""
    columns = [table.column(field.name).to_pylist() for field in fields(SummaryRow)]
    return starmap(SummaryRow, zip(*columns, strict=True))


def parquet_bytes(table: pa.Table, schema: pa.Schema, metadata: Mapping[str, str]) -> bytes:
    """A released table as Parquet, the same bytes for the same values.

    Raises: InternalFault: the table is not exactly of the schema.
    """
    if not table.schema.equals(schema, check_metadata=True):
        raise InternalFault("released_schema", "a table to be published is not of its schema")
    for field in schema:
        if not field.nullable and table.column(field.name).null_count:
            raise InternalFault("released_null", "a released column may not be empty", where=field.name)
    table.validate(full=True)
    keyed = {f"{_PREFIX}{key}": value for key, value in ({"format": FORMAT} | dict(metadata)).items()}
    sink = pa.BufferOutputStream()
    pq.write_table(  # store_schema stays on: without it pyarrow drops the metadata
        table.combine_chunks().replace_schema_metadata(keyed),
        sink,
        row_group_size=_ROW_GROUP,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=3,
        use_dictionary=True,
        write_statistics=True,
        write_page_checksum=True,
    )
    return sink.getvalue().to_pybytes()


def read_parquet(content: bytes, schema: pa.Schema, name: str) -> tuple[pa.Table, dict[str, str]]:
    """A released table and its hearsafe metadata (keys without prefix).

    Raises: IntegrityFault: not readable, damaged, or not exactly of the schema.
    """
    try:
        # Without Arrow's threads: one that lets go of our bytes while Python ends would end the process by a signal.
        table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)
        table.validate(full=True)
    except _FAULTS:
        raise IntegrityFault("parquet_damaged", "the file is not readable Parquet", where=name) from None
    if len(table.schema) != len(schema) or not all(
        _same_field(found, wanted) for found, wanted in zip(table.schema, schema, strict=True)
    ):
        raise IntegrityFault("parquet_schema", "the file is not of the released schema", where=name)
    if any(not f.nullable and table.column(f.name).null_count for f in schema):
        raise IntegrityFault("parquet_schema", "a column that is never empty has gaps", where=name)
    found = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    metadata = {key[len(_PREFIX) :]: value for key, value in found.items() if key.startswith(_PREFIX)}
    return table.replace_schema_metadata(None), metadata


def _same_field(found: pa.Field, wanted: pa.Field) -> bool:
    described = all((found.metadata or {}).get(key) == value for key, value in (wanted.metadata or {}).items())
    return (found.name, found.type, found.nullable) == (wanted.name, wanted.type, wanted.nullable) and described

"""Parquet files: typed columns brought to the text that a CSV export of them would hold; time stamps stay typed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.intake.decode import open_source
from pipelines.intake.header import Header, header_of
from pipelines.intake.records import RECORDS_AT_ONCE, Records, without_giants
from schemas.errors import InputRefused

# ValueError: a column whose name is no UTF-8 is a UnicodeDecodeError of the reader's own.
_DAMAGED = (pa.ArrowException, ValueError, OSError)


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file of flat columns."""

    path: Path
    header: Header

    @property
    def name(self) -> str:
        return self.path.name

    def records(self, places: Mapping[str, int]) -> Iterator[Records]:
        """The records, for the columns at `places`.

        Raises: InputRefused: damaged (`format_unreadable`), or a column of a type without a text (`column_type`).
        """
        done = 0
        wanted = sorted({self.header.names[place] for place in places.values()})
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(RECORDS_AT_ONCE, columns=wanted):
                    names = batch.schema.names
                    columns = {
                        column: _text(batch.column(names.index(self.header.names[place])), column, self.path.name)
                        for column, place in places.items()
                    }
                    numbers = np.arange(done + 1, done + 1 + batch.num_rows, dtype=np.int64)
                    yield without_giants(Records(columns, numbers))
                    done += batch.num_rows
        except _DAMAGED:
            raise _unreadable(self.path) from None


def open_parquet(path: Path) -> ParquetTable:
    """Open a Parquet file. Raises: InputRefused."""
    open_source(path).close()
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
    except _DAMAGED:
        raise _unreadable(path) from None
    return ParquetTable(path, Header(header_of([names], 1, path.name).names, (), 0))


def _text(column: pa.Array, name: str, file_name: str) -> pa.Array:
    # The reader takes text that is no UTF-8, and would fail only where a value is looked at.
    column.validate(full=True)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_timestamp(kind):
        return column
    if pa.types.is_null(kind):
        return pa.array([""] * len(column), pa.string())
    if pa.types.is_floating(kind):
        number = column.cast(pa.float64())
        number = pc.if_else(pc.is_finite(number), number, pa.scalar(None, pa.float64()))
        whole = pc.and_(pc.equal(pc.round(number), number), pc.less(pc.abs(number), 2.0**53))
        digits = pc.if_else(whole, number, 0.0).cast(pa.int64()).cast(pa.string())
        text = pc.if_else(whole, digits, column.cast(pa.string()))
    elif pa.types.is_nested(kind):
        raise InputRefused(
            "column_type", f"column {name!r} is of a nested type", where=file_name, do="Write it as text before ingest"
        )
    else:
        text = column.cast(pa.string())
    return text.fill_null("")


def _unreadable(path: Path) -> InputRefused:
    return InputRefused("format_unreadable", "not a readable Parquet file", where=path.name, do="Export it again")

"""XLSX workbooks: one sheet, every cell as text, whole numbers without a decimal point."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import fastexcel
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.intake.archive import check_archive
from pipelines.intake.formats.kind import ExportKind
from pipelines.intake.formats.registry import XLSX
from pipelines.intake.header import MAX_COLUMNS, MAX_HEADER_ROWS, Header, header_of
from pipelines.intake.records import RECORDS_AT_ONCE, Records
from schemas.errors import InputRefused


@dataclass(frozen=True)
class WorkbookTable:
    """One sheet of a workbook, held in memory. Dates are text of the form `2026-05-31 13:45:00`."""

    path: Path
    header: Header
    sheet: pa.RecordBatch = field(repr=False)

    @property
    def name(self) -> str:
        return self.path.name

    def records(self, places: Mapping[str, int]) -> Iterator[Records]:
        """The records after the header, for the columns at `places`. Rows without any cell are no records."""
        body = self.sheet.slice(self.header.rows)
        filled = np.zeros(body.num_rows, dtype=bool)
        for column in body.columns:
            filled |= np.asarray(pc.fill_null(pc.not_equal(column, ""), False))
        numbers = np.flatnonzero(filled).astype(np.int64) + 1
        columns = {name: body.column(at).fill_null("").filter(pa.array(filled)) for name, at in places.items()}
        for start in range(0, len(numbers), RECORDS_AT_ONCE):
            stop = start + RECORDS_AT_ONCE
            yield Records({name: c.slice(start, RECORDS_AT_ONCE) for name, c in columns.items()}, numbers[start:stop])


def open_workbook(
    path: Path, *, sheet: str | None = None, header_rows: int | None = None, kind: ExportKind = XLSX
) -> WorkbookTable:
    """Open a sheet, the first one unless named.

    Raises: InputRefused: a damaged or over-large workbook, an unknown sheet, an empty one.
    """
    check_archive(path)
    try:
        book = fastexcel.read_excel(path)
        if sheet is not None and sheet not in book.sheet_names:
            raise InputRefused(
                "sheet_missing",
                f"no sheet {sheet!r}",
                where=path.name,
                do=f"Its sheets are {', '.join(repr(n) for n in book.sheet_names[:10])}",
            )
        loaded = book.load_sheet(0 if sheet is None else sheet, header_row=None, dtypes="string")
        if loaded.width > MAX_COLUMNS:
            raise InputRefused(
                "too_many_columns", f"more than {MAX_COLUMNS:,} columns", where=path.name, do="Export fewer columns"
            )
        batch: pa.RecordBatch = loaded.to_arrow()
    except (fastexcel.FastExcelError, pa.ArrowException, ValueError, OSError):
        raise InputRefused(
            "format_unreadable", "not a readable XLSX workbook", where=path.name, do="Export again as XLSX or CSV"
        ) from None
    leading = [[cell or "" for cell in record.values()] for record in batch.slice(0, MAX_HEADER_ROWS).to_pylist()]
    return WorkbookTable(path, header_of(leading, header_rows, path.name, kind.header_rows), batch)

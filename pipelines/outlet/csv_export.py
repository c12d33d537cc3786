"""A release as CSV files, for programs that read no Parquet: the same tables, the figures with labels."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipelines.outlet.cell_text import cell_text
from pipelines.outlet.labelled import labelled_columns, labelled_rows
from pipelines.outlet.verify import Verification

_BOM = "\ufeff"
"""Without it, Excel reads UTF-8 as the system's old code page."""


def figures_csv(found: Verification) -> bytes:
    """summary.parquet with labels: one row a figure."""
    return _csv(labelled_columns(found.summary), labelled_rows(found.card, found.summary))


def csv_files(found: Verification) -> dict[str, bytes]:
    """Every table of a release by file name, and the labels of the questionnaire."""
    return {
        "figures.csv": figures_csv(found),
        "estimates.csv": _table(found.estimates),
        "measurements.csv": _table(found.measurements),
        "labels.csv": _labels(found),
    }


def _table(table: pa.Table) -> bytes:
    return _csv(table.column_names, table.to_pylist())


def _labels(found: Verification) -> bytes:
    rows = (
        {
            "attribute": attribute.id,
            "label": attribute.label,
            "origin": attribute.origin,
            "code": cell.code,
            "code_label": cell.label,
            "role": cell.role,
        }
        for attribute in found.card.instrument.attributes
        for cell in attribute.cells
    )
    return _csv(("attribute", "label", "origin", "code", "code_label", "role"), rows)


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_shown(row[name]) for name in columns] for row in rows)
    return (_BOM + out.getvalue()).encode("utf-8")


def _shown(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return cell_text(str(value)) if isinstance(value, str) else value

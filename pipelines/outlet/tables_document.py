"""Writes docs/tables.md from the Arrow schemas: `make schemas`, held by a test."""

from pathlib import Path

import pyarrow as pa

from pipelines.outlet.datapackage import PARQUET_FILES
from schemas.manifest import ESTIMATES_FILE, MEASUREMENTS_FILE, SUMMARY_FILE
from schemas.released import REASONS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "tables.md"
_HEAD = """\
# The released tables, column by column

Three Parquet files of a [release folder](release_folder.md). The same words are in each file's field metadata
(`description`, `unit`), in `datapackage.json`, and as comments in the catalogue ([analyst guide](analyst_guide.md)).
The meaning of a column never changes; a new column is added at the end, and a new meaning gets a new name.
"""
_ROWS = {
    MEASUREMENTS_FILE: "One row per cell of every measured table: what the noise was added to, untouched.",
    ESTIMATES_FILE: "One row per cell of every published table. The tables agree with each other.",
    SUMMARY_FILE: "One row per question, group and statistic: finished figures.",
}


def tables_document() -> str:
    """The whole document."""
    parts = [_HEAD]
    for name, schema in PARQUET_FILES.items():
        rows = "\n".join(map(_row, schema))
        head = "| column | type | unit | meaning |\n|---|---|---|---|"
        parts.append(f"## `{name}`\n\n{_ROWS[name]}\n\n{head}\n{rows}\n")
    reasons = "\n".join(f"| `{code}` | {words} |" for code, words in REASONS.items())
    parts.append(f"## Why a figure is not publishable\n\n| `reason` | says |\n|---|---|\n{reasons}\n")
    return "\n".join(parts)


def _row(field: pa.Field) -> str:
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    kind = f"{field.type}, may be empty" if field.nullable else str(field.type)
    meaning = metadata.get("description", "").replace("|", "\\|")
    return f"| `{field.name}` | {kind} | {metadata.get('unit', '')} | {meaning} |".replace("|  |", "| |")


if __name__ == "__main__":
    DOCUMENT.write_text(tables_document(), encoding="utf-8")

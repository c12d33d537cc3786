"""docs/tables.md is the Arrow schemas in words: every column, its type, its unit, its meaning."""

import pyarrow as pa
import pytest

from pipelines.outlet.datapackage import PARQUET_FILES
from pipelines.outlet.tables_document import DOCUMENT, tables_document


def test_the_document_is_what_the_schemas_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == tables_document(), "run make schemas"


@pytest.mark.parametrize("name", PARQUET_FILES)
def test_each_column_has_a_meaning_and_each_number_a_unit(name: str) -> None:
    for field in PARQUET_FILES[name]:
        metadata = field.metadata or {}
        assert metadata.get(b"description"), field.name
        if pa.types.is_floating(field.type) or pa.types.is_integer(field.type):
            assert metadata.get(b"unit"), field.name
        assert f"| `{field.name}` | {field.type}" in tables_document()

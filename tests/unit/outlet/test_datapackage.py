import json
from pathlib import Path

import pytest

from pipelines.outlet.datapackage import PARQUET_FILES


def test_every_field_is_described_from_the_arrow_schemas(published: Path) -> None:
    package = json.loads((published / "datapackage.json").read_bytes())
    resources = {resource["path"]: resource for resource in package["resources"]}
    for name, schema in PARQUET_FILES.items():
        fields = resources[name]["schema"]["fields"]
        assert [field["name"] for field in fields] == schema.names
        assert all(field["description"] for field in fields)
    units = {field["name"]: field.get("unit") for field in resources["estimates.parquet"]["schema"]["fields"]}
    assert units["estimate_count"] == "respondents"


@pytest.mark.filterwarnings("default")
def test_frictionless_finds_nothing_wrong(published: Path) -> None:
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.validate(str(published / "datapackage.json"))
    assert report.valid, report.flatten(["type", "note"])[:5]
    assert sorted(task.place for task in report.tasks) == sorted(
        ["measurements.parquet", "estimates.parquet", "summary.parquet", "card.json", "report.html"]
    )

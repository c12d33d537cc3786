import json
from pathlib import Path

import pytest

from pipelines.outlet.datapackage import PARQUET_FILES
from pipelines.outlet.publish import publish
from tests.outlet_sample import make_sample


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
@pytest.mark.slow
def test_frictionless_finds_nothing_wrong(tmp_path: Path) -> None:
    frictionless = pytest.importorskip("frictionless")
    small = make_sample(ratings=2, people=120)
    publish(tmp_path / "r", small.context, small.released, small.estimates, small.summary, small.sign)
    report = frictionless.validate(str(tmp_path / "r" / "datapackage.json"))
    assert report.valid, report.flatten(["type", "note"])[:5]
    assert sorted(task.place for task in report.tasks) == sorted(
        ["measurements.parquet", "estimates.parquet", "summary.parquet", "card.json", "report.html"]
    )

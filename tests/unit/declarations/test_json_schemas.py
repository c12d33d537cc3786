import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pipelines.json_schemas import FOLDER, MODELS, schema_text
from pipelines.yaml_lines import read_yaml
from tests.unit.declarations.conftest import Declare


def as_an_editor_reads_it(value: Any) -> Any:
    """Numbers whose spelling the loader keeps (0.20, 1.0e-6) are numbers to an editor."""
    if isinstance(value, dict):
        return {key: as_an_editor_reads_it(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_an_editor_reads_it(inner) for inner in value]
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def violations(schema: str, path: Path) -> list[str]:
    validator = jsonschema.Draft202012Validator(json.loads((FOLDER / schema).read_text()))
    return [error.message for error in validator.iter_errors(as_an_editor_reads_it(read_yaml(path).root.plain))]


@pytest.mark.parametrize("name", MODELS)
def test_the_files_are_current(name: str) -> None:
    """`make schemas` writes them again."""
    text = (FOLDER / name).read_text()
    assert text == schema_text(name)
    jsonschema.Draft202012Validator.check_schema(json.loads(text))


def test_what_the_loader_takes_an_editor_takes(declare: Declare, root: Path) -> None:
    folders = [declare(), root / "pipelines" / "riverbend", *sorted((root / "examples").glob("*/"))]
    for folder in folders:
        for kind in ("survey", "policy"):
            if (folder / f"{kind}.yaml").exists():
                assert violations(f"{kind}.schema.json", folder / f"{kind}.yaml") == []


def test_an_editor_sees_an_unknown_key_and_a_wrong_word(declare: Declare) -> None:
    folder = declare({"  normalise: email": "  normalize: email", "format: delimited": "format: csv"})
    assert len(violations("survey.schema.json", folder / "survey.yaml")) == 2

"""JSON Schemas of survey.yaml and policy.yaml, so that an editor completes and checks them while one types.

They follow the models, with the short forms that the loader also takes: an option as its label alone, one key without
a list, numbers where a text is wanted. `make schemas` writes them again; a test holds them to the models.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import schemas
from schemas.policy import Policy
from schemas.survey import Survey

FOLDER = Path(schemas.__file__).parent / "json"
MODELS: dict[str, type[BaseModel]] = {"survey.schema.json": Survey, "policy.schema.json": Policy}


def schema_text(name: str) -> str:
    """The JSON Schema of one declaration, as the text of its file."""
    model = MODELS[name]
    title = f"hearsafe: {model.__name__.lower()}.yaml"
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(), "title": title}
    return json.dumps(_as_written(whole), indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path = FOLDER) -> None:
    """Write every schema file."""
    folder.mkdir(exist_ok=True)
    for name in MODELS:
        (folder / name).write_text(schema_text(name), encoding="utf-8")


def _as_written(schema: Any) -> Any:
    """The schema widened to what a person may write in YAML."""
    if isinstance(schema, list):
        return [_as_written(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    widened = {key: _as_written(value) for key, value in schema.items()}
    if widened.get("type") == "string" and not {"enum", "const"} & set(widened):
        widened["type"] = ["string", "number"]
    if isinstance(widened.get("additionalProperties"), dict) and _is_option(widened["additionalProperties"]):
        texts = {"type": "object", "additionalProperties": {"type": "string"}}
        widened["additionalProperties"] = {"anyOf": [{"type": ["string", "number"]}, {"$ref": "#/$defs/Option"}, texts]}
    if isinstance(widened.get("additionalProperties"), dict) and _is_earlier(widened["additionalProperties"]):
        widened["additionalProperties"] = {"anyOf": [{"type": "string"}, widened["additionalProperties"]]}
    if "properties" in widened and "normalise" in widened["properties"]:
        key = widened["properties"]["key"]
        if "anyOf" not in key:
            key = widened["properties"]["key"] = {"anyOf": [key]}
        key["anyOf"].append({"type": "string"})
    return widened


def _is_option(schema: dict[str, Any]) -> bool:
    return str(schema.get("$ref", "")).endswith("/Option")


def _is_earlier(schema: dict[str, Any]) -> bool:
    return str(schema.get("$ref", "")).endswith("/EarlierWave")


if __name__ == "__main__":
    write_schemas()

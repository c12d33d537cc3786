"""What a schema's refusal says to the person who wrote the file: one line a problem, with line and field."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipelines.yaml_lines import YamlFile, printable
from schemas.errors import DeclarationFault

LONGEST = 240

_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,62}$": "must begin with a lower-case letter; then lower-case letters, digits and _, at most 63",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$": "must begin with a letter or digit; then letters, digits, . _ -, at most 63",
}
_WANTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "tuple_type": "a list, such as [a, b]",
    "list_type": "a list, such as [a, b]",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
}


def faults_of(file: YamlFile, model: type[BaseModel], error: ValidationError) -> list[DeclarationFault]:
    """Every problem of a refusal, one fault a place, in the order of the file's lines."""
    places: dict[tuple[str | int, ...], list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        places.setdefault(_shown_path(file, detail), []).append(detail)
    for path in [path for path, details in places.items() if details[0]["type"] == "too_short"]:
        if any(other != path and other[: len(path)] == path for other in places):  # it is short of its wrong items
            del places[path]
    found = [(_line(file, path, details), _fault(file, model, path, details)) for path, details in places.items()]
    return [fault for _, fault in sorted(found, key=lambda pair: pair[0])]


def _shown_path(file: YamlFile, detail: ErrorDetails) -> tuple[str | int, ...]:
    path, _ = file.root.follow(detail["loc"])
    if detail["type"] == "missing":
        return (*path, detail["loc"][-1])
    return (*path, "type") if detail["type"] in ("union_tag_invalid", "union_tag_not_found") else path


def _line(file: YamlFile, path: tuple[str | int, ...], details: list[ErrorDetails]) -> int:
    """The line of the place, or of the name that the message speaks of."""
    _, spot = file.root.follow(path)
    message = str(details[0]["msg"])
    names = re.findall(r"'([^']+)'", message) if details[0]["type"] == "value_error" else []
    mentions = list(spot.mentions(names[-1])) if names else []
    if not mentions:
        return spot.line
    return mentions[-1 if "twice" in message else 0].line


def _fault(
    file: YamlFile, model: type[BaseModel], path: tuple[str | int, ...], details: list[ErrorDetails]
) -> DeclarationFault:
    said = list(dict.fromkeys(_said(detail) for detail in details))
    wanted = [text.removeprefix("must be ") for text in said if text.startswith("must be ")]
    what = f"must be {' or '.join(wanted)}" if len(said) > 1 and len(wanted) == len(said) else said[0]
    kind = details[0]["type"]
    advice = ""
    if kind == "too_short" and path[-1] in ("options", "categories"):
        what = "there is no answer option"
        advice = "Copy them from the questionnaire, here or into a codebook for init --codebook"
    if kind == "extra_forbidden":
        near = get_close_matches(str(path[-1]), sorted(_known_keys(model, details[0]["loc"][:-1])), n=1)
        advice = f"Did you mean {near[0]}?" if near else "Correct or remove it"
    elif any(isinstance(detail["input"], bool) for detail in details) and not kind.startswith("bool"):
        what = "true and false are not texts"
        advice = 'Write them in quotes, such as "true"'
    return file.fault(_code(kind), printable(what, LONGEST), at=path, line=_line(file, path, details), do=advice)


def _code(kind: str) -> str:
    """The stable code of a problem, from pydantic's."""
    if kind in ("missing", "union_tag_not_found"):
        return "key_missing"
    if kind == "extra_forbidden":
        return "key_unknown"
    return "type_wrong" if kind in _WANTED else "value_wrong"


def _said(detail: ErrorDetails) -> str:
    kind = detail["type"]
    context: dict[str, Any] = detail.get("ctx", {})
    if kind in ("missing", "union_tag_not_found"):
        return "this key is needed and missing"
    if kind == "extra_forbidden":
        return "this key is not known here"
    if kind == "union_tag_invalid":
        return f"must be {context['expected_tags']}"
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(str(context["pattern"]), f"must match {context['pattern']}")
    if kind in _WANTED and detail["input"] is None:
        return f"is not filled in, and needs {_WANTED[kind]}"
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}"
    message = str(detail["msg"]).removeprefix("Value error, ")
    message = re.sub(r"'([^']{40})[^']*'", r"'\1…'", message)
    message = re.sub(r" after validation, not \d+$", "", message)
    return re.sub(r"^\w+ should", "must", message)


def _known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> set[str]:
    """The keys that the schema knows at a location."""
    whole = model.model_json_schema()
    here = list(_variants(whole, whole))
    for part in location:
        inner = [schema[key] for schema in here for key in _ways_in(schema, part)]
        inner += [schema["properties"][part] for schema in here if part in schema.get("properties", {})]
        tagged = [s for s in here if part in (s.get("properties", {}).get("type", {}).get("const"),)]
        following = [variant for schema in inner for variant in _variants(schema, whole)]
        here = following or tagged or here
    return {key for schema in here for key in schema.get("properties", {})}


def _ways_in(schema: dict[str, Any], part: str | int) -> Iterator[str]:
    way = "items" if isinstance(part, int) else "additionalProperties"
    if isinstance(schema.get(way), dict):
        yield way


def _variants(schema: dict[str, Any], whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema with its references and alternatives opened."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    yield schema
    for word in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(word, ()):
            yield from _variants(option, whole)

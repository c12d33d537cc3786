"""YAML with a line for every value: what a declaration file says, and where it says it.

Scalars are read as YAML 1.2, and a key or number keeps the spelling of the file (`01:` is the code "01"). What YAML
would guess silently (true as a code, a key given twice, a merge) is a fault instead.
"""

import codecs
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from schemas.errors import DeclarationFault

MAX_BYTES = 4_000_000
MAX_VALUES = 100_000
SHOWN = 60
"""Longest piece of a file that a fault repeats."""

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Spot:
    """A value of the file: its plain form, its line (from 1), and the spots of what it holds, by key or position."""

    line: int
    plain: Plain
    parts: dict[str | int, "Spot"] = field(default_factory=dict)

    def follow(self, location: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], "Spot"]:
        """The deepest spot along a location, and the part of the location that the file really has."""
        spot, path = self, []
        for part in location:
            inner = spot.parts.get(part)
            if inner is not None:
                path.append(part)
                spot = inner
        return tuple(path), spot

    def mentions(self, name: str) -> Iterator["Spot"]:
        """Every spot at or below this one whose key or value is this name, in the file's order."""
        for key, inner in self.parts.items():
            if key == name or (not inner.parts and str(inner.plain) == name):
                yield inner
            yield from inner.mentions(name)


@dataclass(frozen=True)
class YamlFile:
    """A parsed declaration file."""

    name: str
    root: Spot

    def fault(
        self, code: str, what: str, *, at: tuple[str | int, ...] = (), line: int | None = None, do: str = ""
    ) -> DeclarationFault:
        """A fault at a location. Parts of `at` that the file does not have show in the field, not in the line."""
        _, spot = self.root.follow(at)
        return _fault(self.name, line or spot.line, code, what, at, do)


def printable(text: str, longest: int = SHOWN) -> str:
    r"""The text without control characters, cut to a length, for use in a message.

    >>> printable("a\tb")
    'a?b'
    """
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"


def read_yaml(path: Path) -> YamlFile:
    """Raises: DeclarationFault: missing, not UTF-8, empty, too large, not YAML, or ambiguous."""
    name = path.name
    text = _text(path)
    try:
        node = YAML(typ="rt", pure=True).compose(StringIO(text))
    except MarkedYAMLError as error:
        fault = _syntax_fault(name, text, error)
    except YAMLError:
        fault = DeclarationFault("yaml_character", "the file holds a character that YAML forbids", where=name)
    except RecursionError:
        fault = DeclarationFault("yaml_too_deep", "the file is nested too deeply", where=name)
    else:
        if node is None:
            raise DeclarationFault("empty", "the file is empty", where=name, do="Write the declaration into it")
        if not isinstance(node, MappingNode):
            raise _fault(
                name, _line(node), "not_a_mapping", "the file must hold keys and values, such as survey: my-survey"
            )
        return YamlFile(name, _Reader(name).spot(node, ()))
    raise fault


def _text(path: Path) -> str:
    try:
        content = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except FileNotFoundError:
        raise DeclarationFault("file_missing", "there is no such file", where=str(path), do="Check the path") from None
    except OSError:
        raise DeclarationFault(
            "file_unreadable", "the file cannot be read", where=str(path), do="Check the path and its permissions"
        ) from None
    if content is None:
        raise DeclarationFault(
            "file_too_large", f"the file is larger than {MAX_BYTES // 1_000_000} MB", where=path.name
        )
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
    raise DeclarationFault("encoding", "the file is not UTF-8", where=f"{path.name}:{line}", do="Save it as UTF-8")


def _fault(
    name: str, line: int, code: str, what: str, at: tuple[str | int, ...] = (), do: str = ""
) -> DeclarationFault:
    field_path = ".".join(printable(str(part)) for part in at)
    return DeclarationFault(code, what, where=f"{name}:{line}: {field_path}" if field_path else f"{name}:{line}", do=do)


def _syntax_fault(name: str, text: str, error: MarkedYAMLError) -> DeclarationFault:
    mark = error.problem_mark or error.context_mark
    number = mark.line if mark is not None else 0
    lines = text.splitlines()
    line = lines[min(number, len(lines) - 1)] if lines else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return _fault(name, number + 1, "yaml_tab", "the line is indented with a tab", do="Indent with spaces")
    problem = printable(str(error.problem or "it cannot be read"), 120)
    return _fault(
        name, number + 1, "yaml_syntax", f"this is not YAML: {problem}", do="Check indentation, colons and quotes"
    )


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


class _Reader:
    """Turns the composed nodes of one file into spots."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._values = 0

    def spot(self, node: Node, at: tuple[str | int, ...], line: int | None = None) -> Spot:
        self._values += 1
        if self._values > MAX_VALUES:
            raise DeclarationFault("too_many_values", f"the file holds more than {MAX_VALUES} values", where=self._name)
        line = _line(node) if line is None else line
        if isinstance(node, ScalarNode):
            return Spot(line, self._scalar(node, at))
        if not str(node.tag).startswith(_TAG):
            raise _fault(self._name, line, "yaml_tag", "tags that begin with ! are not used here", at)
        if isinstance(node, SequenceNode):
            items: dict[str | int, Spot] = {i: self.spot(item, (*at, i)) for i, item in enumerate(node.value)}
            return Spot(line, [item.plain for item in items.values()], items)
        entries = self._entries(node, at)
        return Spot(line, {str(key): entry.plain for key, entry in entries.items()}, entries)

    def _entries(self, node: Node, at: tuple[str | int, ...]) -> dict[str | int, Spot]:
        entries: dict[str | int, Spot] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, at)
            line = _line(key_node)
            if key in entries:
                raise _fault(
                    self._name,
                    line,
                    "duplicate_key",
                    f"this key is already on line {entries[key].line}",
                    (*at, key),
                    "Keep one of them",
                )
            entries[key] = self.spot(value_node, (*at, key), line)
        return entries

    def _key(self, node: Node, at: tuple[str | int, ...]) -> str:
        line = _line(node)
        if not isinstance(node, ScalarNode):
            raise _fault(self._name, line, "key_not_text", "a key must be a single word or number", at)
        kind = str(node.tag).removeprefix(_TAG)
        if kind == "merge":
            raise _fault(
                self._name,
                line,
                "yaml_merge",
                "merging with << is not supported",
                at,
                "Repeat the keys, or give the whole value by an alias",
            )
        if node.style is None and kind in ("bool", "null"):
            shown = node.value or "an empty key"
            advice = f'Write "{node.value}" in quotes' if node.value else 'Write "" for the empty value'
            raise _fault(self._name, line, "key_ambiguous", f"{shown} as a key or code is ambiguous", at, advice)
        return str(node.value)

    def _scalar(self, node: ScalarNode, at: tuple[str | int, ...]) -> Plain:
        kind = str(node.tag).removeprefix(_TAG)
        text = str(node.value)
        if kind.startswith("!"):
            raise _fault(self._name, _line(node), "yaml_tag", "tags that begin with ! are not used here", at)
        if node.style is not None or kind not in ("null", "bool", "int", "float"):
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        return self._number(text, at, _line(node))

    def _number(self, text: str, at: tuple[str | int, ...], line: int) -> Plain:
        """The number where its usual spelling is the file's, else the spelling, which the schema reads as it needs."""
        for kind in (int, float):
            try:
                number = kind(text.replace(".inf", "inf").replace(".nan", "nan"))
            except ValueError:
                continue
            if not math.isfinite(number):
                raise _fault(self._name, line, "not_finite", "the number must be finite", at)
            if str(number) == text:
                return number
        return text

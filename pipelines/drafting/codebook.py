"""Codebooks: what is known of a survey's columns from its questionnaire, as a table of one row a column."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from pipelines.drafting.roles import role_of
from pipelines.intake.header import plain
from pipelines.intake.records import Table
from pipelines.intake.sources import open_any
from pipelines.intake.values import trim
from schemas.errors import InputRefused
from schemas.questions import OptionRole

MOST_ENTRIES = 20_000
TYPES = ("rating", "choice", "multi", "numeric", "nps", "group", "key", "identity", "text", "skip")
_HEADINGS = {
    "variable": ("variable", "variables", "variable / field name", "column", "field", "field name", "name", "item"),
    "label": ("label", "field label", "question text", "description", "text", "wording"),
    "type": ("type",),
    "values": ("values", "choices, calculations, or slider labels", "value labels", "choices", "options", "codes"),
    "positive": ("positive",),
    "bounds": ("bounds",),
    "index": ("index",),
    "question": ("question",),
    "separator": ("separator",),
    "reverse": ("reverse",),
    "half_steps": ("half_steps", "half steps"),
    "at_most": ("at_most", "at most"),
    "id": ("id",),
}
_ROLE = re.compile(r"\s*\((no_opinion|not_applicable|refused|substantive)\)$")
_WILDCARD = re.compile(r"\[[^\]]*\]|[*?]")
_REDCAP_CHOICE = re.compile(r"\s*([^,|]{1,60}?)\s*,\s*(.*)", re.DOTALL)
_REDCAP_TYPES = {
    "radio": "", "dropdown": "", "yesno": "choice", "truefalse": "choice", "checkbox": "multi", "text": "text",
    "notes": "text", "calc": "skip", "file": "skip", "descriptive": "skip", "sql": "skip", "slider": "numeric",
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """An answer option of the questionnaire."""

    label: str
    role: OptionRole = OptionRole.SUBSTANTIVE


@dataclass(frozen=True)
class Entry:
    """What a codebook says of a column; None is "nothing".

    `question`: columns with the same one are the options of one multi-select. `index`: the index it is an item of.
    """

    label: str | None = None
    type: str | None = None
    values: Mapping[str, Choice] | None = None
    positive: tuple[str, ...] | None = None
    bounds: tuple[float, float] | None = None
    index: str | None = None
    question: str | None = None
    separator: str | None = None
    reverse: bool | None = None
    half_steps: bool | None = None
    at_most: int | None = None
    id: str | None = None


NOTHING = Entry()


class Codebook:
    """The entries of all codebooks. A column's own row says more than a pattern, a long pattern more than a short."""

    def __init__(self, entries: Sequence[tuple[str, Entry]] = ()) -> None:
        self._entries = tuple(entries)

    def of(self, column: str) -> Entry:
        """What all codebooks together say of a column."""
        wanted = plain(column)
        exact = [entry for name, entry in self._entries if name == wanted]
        matching = [(n, e) for n, e in self._entries if n != wanted and _is_pattern(n) and fnmatchcase(wanted, n)]
        patterns = sorted(matching, key=lambda pair: len(_WILDCARD.sub("", pair[0])))
        found = NOTHING
        for entry in (*(entry for _, entry in patterns), *exact):
            said = {f.name: value for f in fields(Entry) if (value := getattr(entry, f.name)) is not None}
            found = replace(found, **said)
        return found

    def speaks_of(self, columns: Sequence[str]) -> bool:
        """Whether any entry is about one of the columns, or about the question that is split into them."""
        known = {plain(column) for column in columns}
        stems = {re.split(r"___|\[|/| \| ", column)[0] for column in known}
        return any(name in known | stems for name in self.names()) or any(
            _is_pattern(name) and any(fnmatchcase(column, name) for column in known) for name, _ in self._entries
        )

    def names(self) -> tuple[str, ...]:
        """Columns that have a row of their own, in the codebooks' order."""
        return tuple(dict.fromkeys(name for name, _ in self._entries if not _is_pattern(name)))


def _is_pattern(name: str) -> bool:
    return any(character in name for character in "*?[")


def read_codebook(path: Path) -> list[tuple[str, Entry]]:
    """The entries of a CSV or XLSX table with a column of names; REDCap's data dictionary is one.

    Raises: InputRefused (`codebook_unusable`, or as `open_any`).
    """
    table = open_any(path, ("variable", "label"))
    places = _places(table)
    if "variable" not in places or len(places) < 2:
        raise unusable(
            path, "has no column of names and nothing about them", "Head its columns variable, label, values"
        )
    redcap = any(plain(name).casefold().startswith("choices, calculations") for name in table.header.names)
    headings = {plain(name).casefold(): i for i, name in enumerate(table.header.names)}
    if redcap:
        wanted = (
            "field type",
            "identifier?",
            "text validation min",
            "text validation max",
            "text validation type or show slider number",
        )
        places |= {f"redcap {name}": headings[name] for name in wanted if name in headings}  # fmt: skip
    found: list[tuple[str, Entry]] = []
    for number, row in islice(_rows(table, places), MOST_ENTRIES):
        name = plain(row["variable"])
        if name:
            entry = _redcap_entry(row) if redcap else _entry(row, path, number)
            found.append((name, entry))
    return found


def unusable(path: Path, what: str, do: str) -> InputRefused:
    """The refusal of a codebook."""
    return InputRefused("codebook_unusable", f"the codebook {what}", where=path.name, do=do)


def _places(table: Table) -> dict[str, int]:
    spelled = [plain(name).casefold() for name in table.header.names]
    found: dict[str, int] = {}
    for role, headings in _HEADINGS.items():
        known = next((heading for heading in headings if heading in spelled), None)
        if known is not None:
            found[role] = spelled.index(known)
    return found


def _rows(table: Table, places: Mapping[str, int]) -> Iterator[tuple[int, dict[str, str]]]:
    for records in table.records(places):
        columns = {name: records.columns[name].to_pylist() for name in places}
        for i, number in enumerate(records.numbers):
            yield int(number), {name: trim(values[i]) for name, values in columns.items()}


def _entry(row: Mapping[str, str], path: Path, number: int) -> Entry:
    kind = row.get("type", "").casefold() or None
    if kind is not None and kind not in TYPES:
        raise unusable(path, f"has another type in row {number}", f"Types are {', '.join(TYPES)}")
    return Entry(
        label=plain(row.get("label", "")) or None,
        type=kind,
        values=choices_in(row.get("values", "")) or None,
        positive=tuple(trim(code) for code in row["positive"].split("|")) if row.get("positive") else None,
        bounds=_bounds(row.get("bounds", ""), path, number),
        index=row.get("index") or None,
        question=row.get("question") or None,
        separator=row.get("separator") or None,
        reverse=_is_yes(row.get("reverse", "")),
        half_steps=_is_yes(row.get("half_steps", "")),
        at_most=_whole(row.get("at_most", ""), path, number),
        id=row.get("id") or None,
    )


def _is_yes(text: str) -> bool | None:
    return text.casefold() in ("yes", "true", "1", "x") if text else None


def _whole(text: str, path: Path, number: int) -> int | None:
    if text and not text.isdecimal():
        raise unusable(path, f"has an at_most in row {number} that is no number", "Write a whole number")
    return int(text) if text else None


def _bounds(text: str, path: Path, number: int) -> tuple[float, float] | None:
    if not text:
        return None
    low, _, high = text.replace("…", "..").partition("..")
    try:
        return float(low), float(high)
    except ValueError:
        raise unusable(path, f"has bounds in row {number} that are not two numbers", "Write them as 0..90") from None


def choices_in(text: str) -> dict[str, Choice]:
    """Options written as `1 = Good | 2 = Fair | 9 = Don't know`, or, where the export holds the texts, `Good | Fair`.

    The role of an option is told by its label, or said in parentheses: `9 = Hard to say (no_opinion)`.

    >>> {code: str(choice.role) for code, choice in choices_in("1 = Good | 9 = Don't know").items()}
    {'1': 'substantive', '9': 'no_opinion'}
    """
    found: dict[str, Choice] = {}
    for part in text.split("|"):
        if trim(part):
            code, equals, label = part.partition("=")
            found[trim(code)] = _choice(label if equals else code)
    return found


def _choice(text: str) -> Choice:
    said = _ROLE.search(trim(text))
    label = _ROLE.sub("", trim(text))
    return Choice(label, OptionRole(said.group(1)) if said is not None else role_of(label))


def _redcap_entry(row: Mapping[str, str]) -> Entry:
    """A row of REDCap's data dictionary of 18 columns."""
    field_type = row.get("redcap field type", "").casefold()
    kind: str | None = _REDCAP_TYPES.get(field_type, "") or None
    values = _redcap_choices(row.get("values", "")) if field_type in ("radio", "dropdown", "checkbox") else {}
    if field_type == "yesno":
        values = {"1": Choice("Yes"), "0": Choice("No")}
    if field_type == "truefalse":
        values = {"1": Choice("True"), "0": Choice("False")}
    bounds = None
    if field_type == "slider" or row.get("redcap text validation type or show slider number") in ("integer", "number"):
        kind, bounds = "numeric", _redcap_bounds(row)
    if row.get("redcap identifier?", "").casefold() == "y":
        kind = "identity"
    label = plain(re.sub(r"<[^>]*>", " ", row.get("label", "")))
    return Entry(label=label or None, type=kind, values=values or None, bounds=bounds)


def _redcap_bounds(row: Mapping[str, str]) -> tuple[float, float] | None:
    try:
        return float(row.get("redcap text validation min", "")), float(row.get("redcap text validation max", ""))
    except ValueError:
        return None


def _redcap_choices(text: str) -> dict[str, Choice]:
    """`1, Good | 2, Fair`."""
    found = (_REDCAP_CHOICE.fullmatch(part) for part in text.split("|"))
    return {match.group(1): _choice(match.group(2)) for match in found if match is not None}

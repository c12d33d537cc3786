"""The confidential half of a draft: for what the questionnaire left open, the values that responses hold."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipelines.drafting.codebook import Choice
from pipelines.drafting.draft import Draft, Item
from pipelines.drafting.export import Export
from pipelines.drafting.roles import is_scale, role_of
from pipelines.drafting.survey_text import OPEN
from pipelines.intake.lookup import text_of
from pipelines.intake.values import canonical_number, trim

_MOST_VALUES = 40
"""Distinct values above which a column is taken for numbers or for text."""

_REMEMBERED = 5_000
_LONGEST = 120
_FEW = 50
"""Answers below which no value is rare."""

_RARE = 0.002
"""Share of the answers below which a value is shown apart: typing errors, impossible values, free text."""


def with_observed(draft: Draft) -> Draft:
    """The draft with proposals for open items, from the answers themselves."""
    open_items = [item for item in (*draft.groups, *draft.questions) if _is_open(item)]
    columns = {name for item in open_items for name in _columns_of(item)}
    seen: dict[str, Counter[str]] = {name: Counter() for name in columns}
    for export in draft.exports:
        _count(export, seen)
    proposed = {item.id: _proposed(item, seen, draft) for item in open_items}
    return replace(
        draft,
        groups=tuple(proposed.get(item.id, item) for item in draft.groups),
        questions=tuple(proposed.get(item.id, item) for item in draft.questions),
    )


def _is_open(item: Item) -> bool:
    if item.type == "numeric":
        return item.bounds is None
    return item.type != "nps" and not item.options


def _columns_of(item: Item) -> tuple[str, ...]:
    return tuple(item.columns.values()) if item.columns is not None else (item.column,)


def _count(export: Export, seen: Mapping[str, "Counter[str]"]) -> None:
    here = {column.name for column in export.columns}
    wanted = [name for name in seen if name in here]
    if export.long is not None:
        _, item, value = export.long
        for records in export.values((item, value)):
            names, values = (text_of(records.columns[name]).to_pylist() for name in (item, value))
            for name, answer in zip(names, values, strict=True):
                _add(seen.get(trim(name)), answer, 1)
    if not wanted:
        return
    for records in export.values(wanted):
        for name in wanted:
            for found in text_of(records.columns[name]).value_counts().to_pylist():
                _add(seen[name], found["values"], found["counts"])


def _add(counter: "Counter[str] | None", value: str, count: int) -> None:
    plain = trim(value)
    if counter is not None and plain and (plain in counter or len(counter) < _REMEMBERED):
        counter[canonical_number(plain) or plain] += count


def _proposed(item: Item, seen: Mapping[str, "Counter[str]"], draft: Draft) -> Item:
    values: Counter[str] = Counter()
    for name in _columns_of(item):
        values.update(seen[name])
    missing = {"", *(code for export in draft.exports for code in export.kind.missing)}
    for code in missing:
        values.pop(code, None)
    numbers = [number for value in values if (number := _number(value)) is not None]
    if item.type == "numeric" or (len(values) > _MOST_VALUES and len(numbers) > 0.9 * len(values)):
        bounds = (min(numbers), max(numbers)) if len(set(numbers)) > 1 else None
        return replace(
            item, type="numeric", bounds=bounds, note=f"{OPEN} seen from lowest to highest; what may the form hold?"
        )
    joined = _joined(values, item.separator)
    if joined is not None:
        options = {part: Choice(part, role_of(part)) for part in joined}
        return replace(item, type="multi", options=options, note=f"{OPEN} seen joined")
    if len(values) > _MOST_VALUES or any(len(value) > _LONGEST for value in values):
        return replace(item, note=f"{OPEN} many different texts: open text belongs under residents.drop")
    common = max(1 if values.total() < _FEW else 2, _RARE * values.total())
    kept = sorted((value for value, count in values.items() if count >= common), key=_order)
    rare = sorted((value for value, count in values.items() if count < common), key=_order)
    labels = [value for value in kept if _number(value) is None]
    kind = "rating" if is_scale(labels) or (len(kept) > 2 and not labels) else item.type
    options = {value: Choice(value, role_of(value)) for value in kept}
    note = f"seen rarely: {', '.join(map(_printable, rare))}" if rare else ""
    return replace(item, type=kind, options=options, note=note)


def _joined(values: Mapping[str, int], separator: str) -> list[str] | None:
    """The parts, where cells look like lists of a few choices; None where they do not."""
    for mark in dict.fromkeys((separator, ";", ", ", ",")):
        if not mark.strip():
            continue
        parts: Counter[str] = Counter()
        several = 0
        for value, count in values.items():
            found = [trim(part) for part in value.split(mark) if trim(part)]
            several += count if len(found) > 1 else 0
            parts.update(dict.fromkeys(found, count))
        if several and 3 * several >= sum(values.values()) / 10 and len(parts) < len(values):
            common = [part for part, count in parts.items() if count > 1]
            return sorted(common, key=_order) if 1 < len(common) <= _MOST_VALUES else None
    return None


def _number(value: str) -> float | None:
    found = canonical_number(value)
    return None if found is None else float(found)


def _order(value: str) -> tuple[bool, float, str]:
    number = _number(value)
    return (number is None, number or 0.0, value)


def _printable(value: str) -> str:
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else "?" for c in value))[:40]


def observed_items(exports: Sequence[Export]) -> Sequence[str]:
    """Items of long exports that no codebook names: questions, not answers, but told by the data."""
    found: Counter[str] = Counter()
    for export in exports:
        if export.long is not None:
            _, item, _ = export.long
            for records in export.values((item,)):
                found.update(trim(value) for value in text_of(records.columns[item]).to_pylist())
    return [name for name, _ in found.most_common(2_000) if name and len(name) <= _LONGEST]

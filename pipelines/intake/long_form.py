"""Long exports, one line a respondent and question, brought to one record a respondent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.intake.columns import Need, name_in, place, position_of
from pipelines.intake.header import plain
from pipelines.intake.lookup import Lookup, text_of
from pipelines.intake.records import RECORDS_AT_ONCE, Records, Table
from pipelines.intake.values import trim
from schemas.survey import Source

RESPONDENT_MISSING = "respondent_missing"
_ITEM, _VALUE = "item", "value"


@dataclass(frozen=True)
class LongLayout:
    """Where a long file has what: positions by role, and the declared columns that are items instead of columns."""

    places: dict[str, int]
    columns: tuple[str, ...]
    items: tuple[str, ...]


def layout_of(table: Table, source: Source, needs: Sequence[Need]) -> LongLayout:
    """A needed column that the header has is a column, any other one an item. Raises: InputRefused."""
    by = f"sources.{source.id}"
    roles = {f"respondent {i}": name for i, name in enumerate(source.respondent)}
    roles |= {_ITEM: source.item or "", _VALUE: source.value or ""}
    places = {role: position_of(table.header, name, Need(name, by), table.name) for role, name in roles.items()}
    in_header = [need for need in needs if table.header.positions(name_in(source, need.column))]
    columns = place(table.header, in_header, source, table.name)
    places |= {f"column {name}": position for name, position in columns.items()}
    items = tuple(need.column for need in needs if need.column not in columns)
    return LongLayout(places, tuple(columns), items)


def wide_records(table: Table, source: Source, layout: LongLayout) -> Iterator[Records]:
    """One record a respondent, in order of first appearance, numbered by the respondent's first line.

    Of several lines for one respondent and question the last one counts; of a column beside the items, the last one
    that is not blank. Lines without a respondent are unreadable. The needed columns of the whole file are in memory.

    A file in which no line is of a declared question is taken: who answered what is content, and refuses no file.
    """
    lines = _all_lines(table, layout.places)
    respondents, first = _respondents([lines.columns[f"respondent {i}"] for i in range(len(source.respondent))])
    nobody = tuple((int(lines.numbers[i]), RESPONDENT_MISSING) for i in np.flatnonzero(respondents < 0))
    items = _items_of(lines.columns[_ITEM], source, layout.items) if lines.count else np.empty(0, np.int64)
    columns: dict[str, pa.Array] = {}
    for code, name in enumerate(layout.items):
        columns[name] = _last(lines.columns[_VALUE], items == code, respondents, len(first))
    for name in layout.columns:
        values = text_of(lines.columns[f"column {name}"])
        columns[name] = _last(values, Lookup(_is_filled, np.bool_)(values), respondents, len(first))
    numbers = lines.numbers[first]
    unreadable = tuple(sorted((*lines.unreadable, *nobody)))
    for start in range(0, max(len(numbers), 1), RECORDS_AT_ONCE):
        part = {name: column.slice(start, RECORDS_AT_ONCE) for name, column in columns.items()}
        yield Records(part, numbers[start : start + RECORDS_AT_ONCE], unreadable if start == 0 else ())


def _is_filled(value: str) -> bool:
    return bool(trim(value))


def _all_lines(table: Table, places: dict[str, int]) -> Records:
    parts = list(table.records(places))
    filled = [part for part in parts if part.count]
    columns = {
        role: pa.chunked_array([text_of(part.columns[role]) for part in filled], pa.string()).combine_chunks()
        for role in places
    }
    return Records(
        {role: c if isinstance(c, pa.Array) else pa.concat_arrays(c.chunks) for role, c in columns.items()},
        np.concatenate([np.empty(0, np.int64), *(part.numbers for part in filled)]),
        tuple(found for part in parts for found in part.unreadable),
    )


def _respondents(parts: Sequence[pa.Array]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The respondent of every line (−1: none), by first appearance, and every respondent's first line."""
    count = len(parts[0])
    codes = np.zeros(count, dtype=np.int64)
    named = np.zeros(count, dtype=bool)
    for part in parts:
        encoded = part.dictionary_encode()
        trimmed = pa.array([trim(v) for v in encoded.dictionary.to_pylist()], pa.string()).dictionary_encode()
        own = trimmed.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        rows = encoded.indices.to_numpy(zero_copy_only=False)
        filled = np.array([bool(v) for v in trimmed.dictionary.to_pylist()], dtype=bool)
        named |= filled[own][rows]
        codes = np.unique(codes * (len(filled) + 1) + own[rows], return_inverse=True)[1].reshape(-1)
    _, first, rank = np.unique(codes[named], return_index=True, return_inverse=True)
    order = np.argsort(first)
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    found = np.full(count, -1, dtype=np.int64)
    found[named] = position[rank.reshape(-1)]
    return found, np.flatnonzero(named)[first[order]]


def _items_of(column: pa.Array, source: Source, items: Sequence[str]) -> NDArray[np.int64]:
    """The position in `items` of every line's question, or −1."""
    codes = {plain(name_in(source, name)): code for code, name in enumerate(items)}
    return Lookup(lambda value: codes.get(plain(value), -1), np.int64)(column)


def _last(values: pa.Array, chosen: NDArray[np.bool_], respondents: NDArray[np.int64], count: int) -> pa.Array:
    """Every respondent's value of the last chosen line, "" where there is none."""
    lines = np.flatnonzero(chosen & (respondents >= 0))
    source = np.full(count, -1, dtype=np.int64)
    np.maximum.at(source, respondents[lines], lines)
    return values.take(pa.array(source, mask=source < 0)).fill_null("")

"""Delimited text: separators, quoted line breaks, ragged records. Every record is read, or reported by its number."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from pipelines.intake.decode import BlockReader, Encoding, encoding_of, leading_text, utf8_blocks
from pipelines.intake.formats.kind import ExportKind
from pipelines.intake.formats.registry import DELIMITED
from pipelines.intake.header import MAX_HEADER_ROWS, Header, header_of
from pipelines.intake.records import MAX_RECORD_BYTES, Records, without_giants
from schemas.errors import InputRefused

_SEPARATORS = (",", ";", "\t", "|")
_NAMED_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|"}

RAGGED = "ragged"
RAGGED_LINES = "ragged_with_line_breaks"
UNCLOSED = "quote_unclosed"


@dataclass(frozen=True)
class DelimitedTable:
    """A delimited file whose encoding, separator and header are known."""

    path: Path
    encoding: Encoding
    separator: str
    header: Header

    @property
    def name(self) -> str:
        return self.path.name

    def records(self, places: Mapping[str, int]) -> Iterator[Records]:
        """The records after the header, for the columns at `places`.

        A record with another number of cells than the header is `ragged`; with line breaks inside, too, it may have
        swallowed its neighbours by a stray quotation mark, and says so by its reason. A quotation mark that is never
        closed makes the last record unreadable. Blank lines are no records.
        """
        reader = _Reader(self.path, self.encoding, self.separator, len(self.header.names), self.header.rows)
        return reader.records(places)


def open_delimited(
    path: Path,
    *,
    encoding: str = "auto",
    separator: str = "auto",
    header_rows: int | None = None,
    kind: ExportKind = DELIMITED,
    wanted: Sequence[str] = (),
) -> DelimitedTable:
    """Open a delimited file. `wanted`: column names that the right separator is likely to bring out of the header.

    Raises: InputRefused: encoding, separator or header cannot be read.
    """
    found = encoding_of(path, encoding)
    text = leading_text(path, found)
    if not text.strip():
        raise InputRefused("source_empty", "the file is blank", where=path.name, do="Export again")
    chosen = _separator(text, separator, set(wanted), path.name)
    leading = list(_leading_records(text, chosen, MAX_HEADER_ROWS))
    return DelimitedTable(path, found, chosen, header_of(leading, header_rows, path.name, kind.header_rows))


def _separator(text: str, declared: str, wanted: set[str], file_name: str) -> str:
    if declared != "auto":
        chosen = _NAMED_SEPARATORS.get(declared, declared)
        if len(chosen) != 1 or not chosen.isascii() or chosen in '"\r\n':
            raise InputRefused(
                "separator_unusable",
                f"separator {declared!r} is not one plain character",
                where=file_name,
                do='Use auto, ",", ";", tab or "|"',
            )
        return chosen

    def fitness(candidate: str) -> tuple[int, int]:
        """By the header alone: no respondent's answer has a say in how the others' are split."""
        names = next(_leading_records(text, candidate, 1), [])
        return len(wanted.intersection(names)), len(names)

    return max(_SEPARATORS, key=fitness)


def _leading_records(text: str, separator: str, limit: int) -> Iterator[list[str]]:
    """Up to `limit` records, without blank lines; it ends early at a cell too long for a header."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        yield from islice((record for record in reader if record), limit)
    except csv.Error:
        return


class _Reader:
    """One pass over a delimited file."""

    def __init__(self, path: Path, encoding: Encoding, separator: str, width: int, header_rows: int) -> None:
        self._path = path
        self._encoding = encoding
        self._separator = separator
        self._width = width
        self._header_rows = header_rows
        self._ragged: list[tuple[int, str]] = []
        self._sentinel = separator * max(width, 1)
        self._closed = False

    def records(self, places: Mapping[str, int]) -> Iterator[Records]:
        position = 0
        held: Records | None = None
        try:
            for batch in self._batches(sorted(set(places.values()))):
                columns = {column: _plain(batch.column(str(place))) for column, place in places.items()}
                numbers, unreadable = self._number(position, batch.num_rows)
                position = int(numbers[-1]) if len(numbers) else position
                if held is not None:
                    yield without_giants(held)
                held = self._after_header(Records(columns, numbers, unreadable))
        except pa.ArrowInvalid:
            raise InputRefused(
                "record_too_large",
                f"a record is larger than {MAX_RECORD_BYTES:,} bytes, or its quotation marks cannot be followed",
                where=self._path.name,
                do="Look for a quotation mark that is opened and never closed",
            ) from None
        yield from self._last(held)

    def _batches(self, places: list[int]) -> Iterator[pa.RecordBatch]:
        names = [str(i) for i in range(self._width)]
        included = [str(place) for place in places] or names[:1]
        stream = io.BufferedReader(BlockReader(self._blocks()), MAX_RECORD_BYTES)
        with pacsv.open_csv(
            stream,
            read_options=pacsv.ReadOptions(use_threads=False, block_size=MAX_RECORD_BYTES, column_names=names),
            parse_options=pacsv.ParseOptions(
                delimiter=self._separator, newlines_in_values=True, invalid_row_handler=self._on_ragged
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(included, pa.string()), include_columns=included, strings_can_be_null=False
            ),
        ) as reader:
            yield from reader

    def _blocks(self) -> Iterator[bytes]:
        """The file, then a record that cannot be valid: if it does not come back as one, a quote was left open."""
        yield from utf8_blocks(self._path, self._encoding)
        yield f"\n{self._sentinel}\n".encode()

    def _on_ragged(self, row: pacsv.InvalidRow) -> str:
        self._closed = row.text == self._sentinel
        self._ragged.append((row.number, RAGGED_LINES if "\n" in row.text or "\r" in row.text else RAGGED))
        return "skip"

    def _number(self, position: int, rows: int) -> tuple[NDArray[np.int64], tuple[tuple[int, str], ...]]:
        """Record numbers of the next `rows` well-formed records, and the ragged ones before the last of them."""
        ragged = np.array([number for number, _ in self._ragged], dtype=np.int64)
        candidates = np.arange(position + 1, position + 1 + rows + len(ragged), dtype=np.int64)
        numbers = np.setdiff1d(candidates, ragged, assume_unique=True)[:rows]
        last = int(numbers[-1]) if rows else position
        before = tuple(found for found in self._ragged if found[0] <= last)
        self._ragged = self._ragged[len(before) :]
        return numbers, before

    def _after_header(self, records: Records) -> Records:
        numbers = records.numbers - self._header_rows
        unreadable = tuple((n - self._header_rows, why) for n, why in records.unreadable if n > self._header_rows)
        first = int(np.searchsorted(numbers, 1))
        columns = {name: column.slice(first) for name, column in records.columns.items()}
        return Records(columns, numbers[first:], unreadable)

    def _last(self, held: Records | None) -> Iterator[Records]:
        """The last records, without the closing sentinel and without a record that swallowed it."""
        ragged = self._ragged
        if self._closed and ragged:
            ragged = ragged[:-1]
        elif ragged:
            ragged = [*ragged[:-1], (ragged[-1][0], UNCLOSED)]
        elif held is not None and held.count:
            last = int(held.numbers[-1])
            kept = {name: column.slice(0, held.count - 1) for name, column in held.columns.items()}
            held = Records(kept, held.numbers[:-1], (*held.unreadable, (last, UNCLOSED)))
        rest = tuple((n - self._header_rows, why) for n, why in ragged if n > self._header_rows)
        if held is not None:
            yield without_giants(Records(held.columns, held.numbers, (*held.unreadable, *rest)))
        elif rest:
            yield Records({}, np.empty(0, np.int64), rest)


def _plain(column: pa.Array) -> pa.Array:
    return column.fill_null("") if column.null_count else column

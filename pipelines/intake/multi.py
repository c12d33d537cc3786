"""Multi-select answers: joined cells split by the known options, or one column an option. At most `at_most` ticks."""

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipelines.intake.cells import MissingMap, by_canonical_number, declared_values, missing_cells
from pipelines.intake.lookup import Lookup
from pipelines.intake.records import Records
from pipelines.intake.values import canonical_number, trim
from schemas.attributes import Attribute, CellRole
from schemas.questions import MultiQuestion
from schemas.survey import MissingCode

_UNTICKED, _TICKED, _INVALID, _NOT_ASKED, _NOT_ANSWERED = range(5)


class MultiCells:
    """The cells of one multi: which are options, which is invalid, and how ticks are bounded.

    A respondent has either one exclusive cell (none, not answered, not asked, invalid), or between 1 and `at_most`
    options: those first in declared order. Text that is no option counts, as invalid, only where no option is ticked,
    so that every cell but the options is a count of people. The rule looks at one row: it is the contribution bound
    that the sensitivity of every table with this multi rests on.
    """

    def __init__(self, attribute: Attribute) -> None:
        self.size = attribute.size
        self.at_most = attribute.at_most
        self.none = attribute.index_of("_none")
        self.invalid = attribute.index_of("_invalid")
        self.absent = missing_cells(attribute)
        self.options = len(attribute.cells) - len(
            attribute.roles(CellRole.NONE, CellRole.NOT_ANSWERED, CellRole.NOT_ASKED, CellRole.INVALID)
        )

    def bounded(self, ticks: NDArray[np.uint8], otherwise: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Rows × cells of 0/1. `ticks`: options and invalid only. `otherwise`: the cell of a row without any."""
        ticks[:, self.invalid] &= ~ticks[:, : self.options].any(axis=1)
        ticks = ticks & (np.cumsum(ticks, axis=1) <= self.at_most)
        rows = np.flatnonzero(~ticks.any(axis=1))
        ticks[rows, otherwise[rows]] = 1
        return ticks.astype(np.uint8)

    def one(self, cell: int) -> NDArray[np.uint8]:
        row = np.zeros(self.size, dtype=np.uint8)
        row[cell] = 1
        return row


class JoinedMulti:
    """A multi in one cell, its options joined by a separator that the option texts may contain, too.

    From the left, the longest declared value that ends at a separator or at the end is a tick; where none fits, the
    text up to the next separator is one the instrument does not have. Where nothing else is found, such remainders make
    the answer invalid. Blanks around separators and empty places do not count. A blank cell is not answered (or what
    the missing map says), and so is a cell without any tick.
    """

    def __init__(self, question: MultiQuestion, attribute: Attribute, missing: MissingMap) -> None:
        self._cells = MultiCells(attribute)
        self._column = question.column or ""
        self._missing = missing
        self._declared = declared_values(attribute, question.options)
        self._numbers = by_canonical_number(self._declared)
        self._split = splitter(list(self._declared), question.separator)
        self._lookup = Lookup(self.row, np.uint8, attribute.size)

    def encode(self, records: Records) -> NDArray[np.uint8]:
        """Rows × cells of 0/1."""
        column = records.columns.get(self._column)
        if column is None:
            return np.tile(self._cells.one(self._cells.absent["not_asked"]), (records.count, 1))
        return self._lookup(column)

    def row(self, value: str) -> NDArray[np.uint8]:
        """The 0/1 cells of one raw value."""
        plain = trim(value)
        meaning = None if plain in self._declared else self._missing.meaning(plain)
        if meaning is not None:
            return self._cells.one(self._cells.absent[meaning])
        ticks = np.zeros((1, self._cells.size), dtype=np.uint8)
        for part in self._split(plain):
            ticks[0, self._tick(part)] = 1
        return self._cells.bounded(ticks, np.array([self._cells.absent["not_answered"]]))[0]

    def _tick(self, part: str) -> int:
        cell = self._declared.get(part)
        if cell is None:
            number = canonical_number(part)
            cell = None if number is None else self._numbers.get(number)
        return self._cells.invalid if cell is None else cell


def splitter(known: list[str], separator: str) -> Callable[[str], list[str]]:
    """The function that splits a joined cell into known values and unknown remainders.

    >>> splitter(["A boat, kayak, or canoe", "Pier"], ",")("Pier, A boat, kayak, or canoe,")
    ['Pier', 'A boat, kayak, or canoe']
    """
    mark = separator.strip()
    between = re.escape(mark) if mark else r"\s"
    gap = re.compile(rf"(?:\s|{between})*")
    end = re.compile(rf"\s*(?:{between}|\Z)")
    unknown = re.compile(rf"(?:(?!{between}).)+", re.DOTALL)
    longest_first = sorted((value for value in known if value), key=len, reverse=True)

    def after(pattern: re.Pattern[str], cell: str, start: int) -> int:
        found = pattern.match(cell, start)
        return start if found is None else found.end()

    def split(cell: str) -> list[str]:
        parts: list[str] = []
        at = after(gap, cell, 0)
        while at < len(cell):
            part = next((v for v in longest_first if cell.startswith(v, at) and end.match(cell, at + len(v))), None)
            stop = at + len(part) if part is not None else after(unknown, cell, at)
            parts.append(part if part is not None else trim(cell[at:stop]))
            at = after(gap, cell, stop)
        return parts

    return split


class ColumnsMulti:
    """A multi with one column an option.

    A value means ticked when it is one of `ticked` (in any case), not ticked when blank or one of `unticked`, ticked
    when it is the option's code, label or `also` value, missing by the missing map, else invalid: in this order,
    because in 0/1 columns the option's code may be 0. A row without ticks is `none`, for such an export cannot tell
    'none of these' from 'not answered'; but where every column holds a missing value, it is `not asked` when all say
    so, and `not answered` otherwise (unless one is blank without meaning 'not asked'). Absent columns are left aside.
    """

    def __init__(self, question: MultiQuestion, attribute: Attribute, missing: MissingMap) -> None:
        self._cells = MultiCells(attribute)
        self._columns = [
            (attribute.index_of(code), column, Lookup(_tick_state(question, code, missing), np.uint8))
            for code, column in (question.columns or {}).items()
        ]

    def encode(self, records: Records) -> NDArray[np.uint8]:
        """Rows × cells of 0/1."""
        present = [(cell, lookup(records.columns[c])) for cell, c, lookup in self._columns if c in records.columns]
        if not present:
            return np.tile(self._cells.one(self._cells.absent["not_asked"]), (records.count, 1))
        ticks = np.zeros((records.count, self._cells.size), dtype=np.uint8)
        for cell, states in present:
            ticks[:, cell] = states == _TICKED
            ticks[:, self._cells.invalid] |= states == _INVALID
        states = np.stack([found for _, found in present], axis=1)
        otherwise = np.full(records.count, self._cells.none, dtype=np.intp)
        otherwise[(states >= _NOT_ASKED).all(axis=1)] = self._cells.absent["not_answered"]
        otherwise[(states == _NOT_ASKED).all(axis=1)] = self._cells.absent["not_asked"]
        return self._cells.bounded(ticks, otherwise)


def _tick_state(question: MultiQuestion, code: str, missing: MissingMap) -> Callable[[str], int]:
    option = question.options[code]
    labels = (option.label,) if isinstance(option.label, str) else tuple(option.label.values())
    named = {trim(value).casefold() for value in (code, *option.also, *labels)} - {""}
    ticked = {trim(value).casefold() for value in question.ticked} - {""}
    unticked = {trim(value).casefold() for value in question.unticked}

    def state(value: str) -> int:
        plain = trim(value)
        folded = (canonical_number(plain) or plain).casefold()
        if folded in ticked:
            return _TICKED
        if folded in unticked:
            return _UNTICKED
        if plain.casefold() in named or folded in named:
            return _TICKED
        return _missing_state(plain, missing)

    return state


def _missing_state(plain: str, missing: MissingMap) -> int:
    meaning: MissingCode | None = missing.meaning(plain)
    if meaning is None and (number := canonical_number(plain)) is not None:
        meaning = missing.meaning_of_number(number)
    if meaning == "not_asked":
        return _NOT_ASKED
    if meaning is None:
        return _INVALID
    return _NOT_ANSWERED if plain else _UNTICKED

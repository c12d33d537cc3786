"""Exact counts of the planned tables, in one scan of the responses. What comes out is `Exact`."""

from collections.abc import Mapping, Sequence
from math import prod

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.zone.packing import Amount, Digit, Key, Packing, Part
from privacy.measure import Exact
from schemas.attributes import MICRO
from schemas.errors import InternalFault
from schemas.plan import MeasuredTable

_ROWS_AT_ONCE = 1 << 18
_BYTE = 1 << 8
Counts = NDArray[np.int64]


def count_tables(
    connection: duckdb.DuckDBPyConnection, relation: str, packing: Packing, tables: Sequence[MeasuredTable]
) -> Exact[Mapping[str, Counts]]:
    """Exact counts of every measured table, in its integer units and shape, zero cells included.

    A net score is a weighted sum over the table of what it is of.
    """
    totals = [_Total(key) for key in packing.keys]
    if packing.columns:
        reader = connection.execute(f"SELECT {', '.join(packing.columns)} FROM {relation}").to_arrow_reader(
            _ROWS_AT_ONCE
        )
        for rows in reader:
            batch = _Batch(rows)
            for total in totals:
                total.add(batch)
    marginals = [total.marginals() for total in totals]
    counted = {table.id: _table(table, packing.parts[table.id], marginals) for table in packing.counted}
    return Exact({table.id: _measured(table, packing, counted) for table in tables})


def _measured(table: MeasuredTable, packing: Packing, counted: Mapping[str, Counts]) -> Counts:
    net = packing.nets.get(table.id)
    if net is None:
        return counted[table.id]
    return (counted[net.source] @ np.array(net.weights, dtype=np.int64)).reshape(table.shape)


class _Batch:
    """The columns of some responses, and what several keys share of them."""

    def __init__(self, rows: pa.RecordBatch) -> None:
        self.count = rows.num_rows
        self._columns = {
            name: rows.column(i).to_numpy(zero_copy_only=False) for i, name in enumerate(rows.schema.names)
        }
        self._slow: dict[tuple[tuple[Digit, ...], int], NDArray[np.int64]] = {}

    def digit(self, digit: Digit) -> NDArray[np.integer]:
        column = self._columns[digit.column]
        return np.where(column < 0, -column, 0).astype(np.uint8) if digit.score else column

    def amount(self, amount: Amount) -> NDArray[np.integer]:
        column = self._columns[amount.column]
        return np.maximum(column, 0)

    def key(self, key: Key) -> NDArray[np.int64]:
        """The packed key of every response. Neighbouring keys share their slow digits, so those are kept."""
        if not key.digits:
            return np.zeros(self.count, dtype=np.int64)
        start = len(key.digits) - 1
        while start > 0 and _size(key.digits[start - 1 :]) <= _BYTE:
            start -= 1
        head, tail = key.digits[:start], key.digits[start:]
        fast = self._packed(tail)
        if not head:
            return fast.astype(np.int64)
        step = _size(tail)
        slow = self._slow.get((head, step))
        if slow is None:
            slow = self._packed(head).astype(np.int64) * step
            self._slow = {(head, step): slow}
        return slow + fast

    def _packed(self, digits: Sequence[Digit]) -> NDArray[np.integer]:
        """Mixed radix, in the smallest integers that hold it."""
        dtype = np.min_scalar_type(_size(digits) - 1)
        packed = self.digit(digits[0]).astype(dtype)
        for digit in digits[1:]:
            packed *= dtype.type(digit.size)
            packed += self.digit(digit)
        return packed


class _Total:
    """The counts of one key, and the sums of its amounts, over the responses seen so far."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._found: dict[Amount | None, Counts] = {
            amount: np.zeros(key.cells, dtype=np.int64) for amount in (None, *key.amounts)
        }

    def add(self, batch: _Batch) -> None:
        packed = batch.key(self._key)
        for amount, total in self._found.items():
            # Sums of a batch stay below 2⁵³, so that floating point adds them exactly.
            weights = None if amount is None else batch.amount(amount)
            counted = np.bincount(packed, weights, minlength=self._key.cells)
            if len(counted) != self._key.cells:
                raise InternalFault("zone_value", "a response lies outside the declared domain")
            np.add(total, counted if amount is None else counted.astype(np.int64), out=total)

    def marginals(self) -> "_Marginals":
        shape = tuple(digit.size for digit in self._key.digits)
        return _Marginals(self._key, {amount: found.reshape(shape) for amount, found in self._found.items()})


class _Marginals:
    """Marginals of what a key counted, each summed from a smaller one where that is known."""

    def __init__(self, key: Key, whole: Mapping[Amount | None, Counts]) -> None:
        self._digits = key.digits
        self._known = {(amount, key.digits): counts for amount, counts in whole.items()}

    def of(self, digits: frozenset[Digit], amount: Amount | None) -> tuple[tuple[Digit, ...], Counts]:
        """The marginal over `digits`, and its axes. The fastest digits are summed over first: others need that too."""
        axes = self._digits
        counts = self._known[amount, axes]
        for digit in reversed(self._digits):
            if digit in digits:
                continue
            position = axes.index(digit)
            axes = (*axes[:position], *axes[position + 1 :])
            known = self._known.get((amount, axes))
            counts = self._known[amount, axes] = counts.sum(axis=position) if known is None else known
        return axes, counts


def _table(table: MeasuredTable, parts: Sequence[tuple[Part, int]], marginals: Sequence[_Marginals]) -> Counts:
    counts = np.zeros(table.shape, dtype=np.int64)
    for part, key in parts:
        people = _part(part, marginals[key], None)
        filled = people if part.amount is None else _split(part, people, _part(part, marginals[key], part.amount))
        counts[tuple(place if isinstance(place, int) else slice(None) for place in part.place)] = filled
    return counts


def _part(part: Part, marginals: _Marginals, amount: Amount | None) -> Counts:
    """Counts or sums of a part, with the axes of its table that digits run along."""
    axes, counts = marginals.of(frozenset(part.digits), amount)
    ticked = counts[tuple(1 if digit in part.ticked else slice(None) for digit in axes)]
    left = [digit for digit in axes if digit not in part.ticked]
    return ticked.transpose([left.index(place) for place in part.place if not isinstance(place, int)])


def _split(part: Part, people: Counts, high: Counts) -> Counts:
    """Units of a score: a respondent's one unit lies in `high` and the remainder, or in a cell of its own."""
    along = [place for place in part.place if not isinstance(place, int)]
    axis = next(i for i, digit in enumerate(along) if digit.score)
    units = np.moveaxis(people * MICRO, axis, 0)
    answered = np.moveaxis(high, axis, 0)[0]
    units[1] = units[0] - answered
    units[0] = answered
    return np.moveaxis(units, 0, axis)


def _size(digits: Sequence[Digit]) -> int:
    return prod(digit.size for digit in digits)

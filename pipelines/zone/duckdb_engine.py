"""The default engine: DuckDB streams the columns of the measured tables once, and NumPy counts packed keys."""

from collections.abc import Mapping, Sequence
from typing import cast

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.zone.counting import Counts, size_of
from pipelines.zone.packing import Amount, Digit, Key, Packing
from schemas.errors import InternalFault

_ROWS_AT_ONCE = 1 << 18
_BYTE = 1 << 8


class DuckDBEngine:
    """Counts the rows of a relation of an open zone, in the worker."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, relation: str) -> None:
        self._connection = connection
        self._relation = relation

    def totals(self, packing: Packing) -> Sequence[Mapping[Amount | None, Counts]]:
        totals = [_Total(key) for key in packing.keys]
        if packing.columns:
            reader = self._connection.execute(
                f"SELECT {', '.join(packing.columns)} FROM {self._relation}"
            ).to_arrow_reader(_ROWS_AT_ONCE)
            for rows in reader:
                batch = _Batch(rows)
                for total in totals:
                    total.add(batch)
        return [total.found for total in totals]


class _Batch:
    """The columns of some responses, and what several keys share of them."""

    def __init__(self, rows: pa.RecordBatch) -> None:
        self.count = rows.num_rows
        # Not Arrow's own conversion: that imports pandas wherever it is installed, for a fifth of a second.
        self._columns = {
            name: cast("NDArray[np.integer]", np.from_dlpack(rows.column(i)))
            for i, name in enumerate(rows.schema.names)
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
        while start > 0 and size_of(key.digits[start - 1 :]) <= _BYTE:
            start -= 1
        head, tail = key.digits[:start], key.digits[start:]
        fast = self._packed(tail)
        if not head:
            return fast.astype(np.int64)
        step = size_of(tail)
        slow = self._slow.get((head, step))
        if slow is None:
            slow = self._packed(head).astype(np.int64) * step
            self._slow = {(head, step): slow}
        return slow + fast

    def _packed(self, digits: Sequence[Digit]) -> NDArray[np.integer]:
        """Mixed radix, in the smallest integers that hold it."""
        dtype = np.min_scalar_type(size_of(digits) - 1)
        packed = self.digit(digits[0]).astype(dtype)
        for digit in digits[1:]:
            packed *= dtype.type(digit.size)
            packed += self.digit(digit)
        return packed


class _Total:
    """The counts of one key, and the sums of its amounts, over the responses seen so far."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self.found: dict[Amount | None, Counts] = {
            amount: np.zeros(key.cells, dtype=np.int64) for amount in (None, *key.amounts)
        }

    def add(self, batch: _Batch) -> None:
        packed = batch.key(self._key)
        for amount, total in self.found.items():
            # Sums of a batch stay below 2⁵³, so that floating point adds them exactly.
            weights = None if amount is None else batch.amount(amount)
            counted = np.bincount(packed, weights, minlength=self._key.cells)
            if len(counted) != self._key.cells:
                raise InternalFault("zone_value", "a response lies outside the declared domain")
            np.add(total, counted if amount is None else counted.astype(np.int64), out=total)

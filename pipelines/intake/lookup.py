"""Reads each distinct raw value once: a column's values to numbers by a plain function."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike, NDArray

_REMEMBERED = 200_000


def text_of(column: pa.Array) -> pa.Array:
    """The column as text; time stamps as `2026-05-31 13:45:00`."""
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column.cast(pa.timestamp("s"), safe=False), "%Y-%m-%d %H:%M:%S").fill_null("")
    return column


class Lookup:
    """A function of one raw value, applied to columns. What it found is remembered from batch to batch, up to a bound.

    `width`: how many numbers the function gives for a value, as a sequence; None for a single number.
    """

    def __init__(self, read: Callable[[str], Any], dtype: DTypeLike, width: int | None = None) -> None:
        self._read = read
        self._dtype = np.dtype(dtype)
        self._shape = (-1,) if width is None else (-1, width)
        self._found: dict[str, Any] = {}

    def __call__(self, column: pa.Array) -> NDArray[Any]:
        """One number a row, or n × width."""
        encoded = text_of(column).dictionary_encode()
        if len(self._found) > _REMEMBERED:
            self._found.clear()
        table = [self._one(value) for value in encoded.dictionary.to_pylist()]
        numbers = np.array(table, dtype=self._dtype).reshape(self._shape)
        return numbers[encoded.indices.to_numpy(zero_copy_only=False)]

    def _one(self, value: str) -> Any:
        found = self._found.get(value)
        if found is None:
            found = self._found[value] = self._read(value)
        return found

"""Arrow columns from plain Python values, by their buffers.

`pyarrow.array` asks of any list whether it is one of pandas', and so imports pandas wherever that is installed: a fifth
of the processor time of a city's release.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

_NUMBERS = {pa.int64(): np.int64, pa.float64(): np.float64}


def column_of(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """A column of text, truth values, 64-bit integers or 64-bit floating-point numbers; None is null.

    Raises: TypeError: another type of column.
    """
    known = [value is not None for value in values]
    validity = None if all(known) else pa.py_buffer(_bits(known))
    if kind == pa.string():
        parts = ["" if value is None else value for value in values] if validity else values
        text = "".join(parts)
        sizes = map(len, parts) if text.isascii() else (len(part.encode()) for part in parts)
        ends = np.fromiter(accumulate(sizes, initial=0), dtype=np.int32, count=len(parts) + 1)
        return pa.StringArray.from_buffers(len(parts), pa.py_buffer(ends), pa.py_buffer(text.encode()), validity)
    if kind == pa.bool_():
        data = _bits([bool(value) for value in values])
    elif kind in _NUMBERS:
        data = np.array([0 if value is None else value for value in values], dtype=_NUMBERS[kind]).tobytes()
    else:
        raise TypeError(f"no column of type {kind}")
    return pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(data)])


def _bits(truths: list[bool]) -> bytes:
    return np.packbits(np.array(truths, dtype=np.bool_), bitorder="little").tobytes()

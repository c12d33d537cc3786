"""Records of a table of responses as they arrived, on their way through intake, and the limits they must keep."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.intake.header import Header

MAX_CELL_BYTES = 1_000_000
MAX_RECORD_BYTES = 4 << 20
RECORDS_AT_ONCE = 65_536
GIANT = "cell_too_large"


@dataclass(frozen=True)
class Records:
    """Consecutive records of one file.

    `columns`: by declared name, string arrays without nulls (blank is ""), or timestamps where the file has them.
    `numbers`: 1-based record number after the header, per row of `columns`.
    `unreadable`: number and reason of the records that could not be split into the header's columns.
    """

    columns: Mapping[str, pa.Array]
    numbers: NDArray[np.int64]
    unreadable: tuple[tuple[int, str], ...] = ()

    @property
    def count(self) -> int:
        return len(self.numbers)

    def keep(self, chosen: NDArray[np.bool_]) -> "Records":
        """Only the chosen rows; `unreadable` is left behind."""
        if chosen.all():
            return Records(self.columns, self.numbers)
        mask = pa.array(chosen)
        return Records({name: column.filter(mask) for name, column in self.columns.items()}, self.numbers[chosen])


class Table(Protocol):
    """An opened file: its header, and its records for the columns at some positions."""

    @property
    def header(self) -> Header: ...

    @property
    def name(self) -> str: ...

    def records(self, places: Mapping[str, int]) -> Iterator[Records]: ...


def without_giants(records: Records) -> Records:
    """Records with a cell above MAX_CELL_BYTES become unreadable: one respondent's flood is theirs alone."""
    giant = np.zeros(records.count, dtype=np.bool_)
    for values in records.columns.values():
        if values.nbytes > MAX_CELL_BYTES and (
            pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
        ):
            giant |= pc.greater(pc.binary_length(values), MAX_CELL_BYTES).to_numpy(zero_copy_only=False)
    if not giant.any():
        return records
    found = tuple((int(number), GIANT) for number in records.numbers[giant])
    kept = records.keep(~giant)
    return Records(kept.columns, kept.numbers, (*records.unreadable, *found))

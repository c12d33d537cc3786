"""One SQL text for every engine: a packed key is counted by one GROUP BY over integer codes.

`SELECT codes, COUNT(*), SUM(amounts) FROM relation GROUP BY codes`: integers, CASE, COUNT and SUM are all that it uses,
so DuckDB and Spark read it alike (tests/system/test_spark_engine.py counts every table both ways).
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from pipelines.zone.counting import Counts
from pipelines.zone.packing import Amount, Digit, Key
from schemas.attributes import MICRO
from schemas.errors import InternalFault


def key_sql(key: Key, relation: str) -> str:
    """Counts of a key's values: columns d0 … (its digits), n (responses), s0 … (sums of its amounts).

    >>> key_sql(Key((Digit("a0", 3), Digit("a4", 3, score=True)), (Amount("a4"),)), "core_responses").splitlines()[-1]
    'FROM core_responses GROUP BY a0, CASE WHEN a4 < 0 THEN -a4 ELSE 0 END'
    """
    digits = [_digit(digit) for digit in key.digits]
    shown = [f"{text} AS d{place}" for place, text in enumerate(digits)]
    sums = [
        f"CAST(COALESCE(SUM(CAST({_positive(amount)} AS BIGINT)), 0) AS BIGINT) AS s{place}"
        for place, amount in enumerate(key.amounts)
    ]
    grouped = f" GROUP BY {', '.join(digits)}" if digits else ""
    return f"SELECT {', '.join([*shown, 'COUNT(*) AS n', *sums])}\nFROM {relation}{grouped}"


def _digit(digit: Digit) -> str:
    column = digit.column
    return f"CASE WHEN {column} < 0 THEN -{column} ELSE 0 END" if digit.score else column


def _positive(amount: Amount) -> str:
    return f"CASE WHEN {amount.column} > 0 THEN {amount.column} ELSE 0 END"


def key_totals(key: Key, rows: pa.Table) -> Mapping[Amount | None, Counts]:
    """What `key_sql` answered, as vectors of the key's cells, zeros included.

    Raises: InternalFault `zone_value`: a value lies outside the declared domain, or is missing.
    """
    sizes = tuple(digit.size for digit in key.digits)
    codes = [_integers(rows.column(f"d{place}")) for place in range(len(sizes))]
    for code, size in zip(codes, sizes, strict=True):
        if len(code) and (code.min() < 0 or code.max() >= size):
            raise _outside()
    cells = np.ravel_multi_index(codes, sizes) if sizes else np.zeros(rows.num_rows, dtype=np.int64)
    named = {None: "n", **{amount: f"s{place}" for place, amount in enumerate(key.amounts)}}
    totals: dict[Amount | None, Counts] = {}
    for amount, column in named.items():
        totals[amount] = np.zeros(key.cells, dtype=np.int64)
        np.add.at(totals[amount], cells, _integers(rows.column(column)))
    return totals


def is_over_each_once(totals: Mapping[Amount | None, Counts], rows: int) -> bool:
    """Whether a key's totals can be those of this many respondents, each in one cell and with at most a unit."""
    people = totals[None]
    sums = (counts for amount, counts in totals.items() if amount is not None)
    counted = bool((people >= 0).all()) and int(people.sum()) == rows
    return counted and all(bool(((counts >= 0) & (counts <= people * MICRO)).all()) for counts in sums)


def _integers(column: pa.ChunkedArray) -> Counts:
    if column.null_count:
        raise _outside()
    return column.cast(pa.int64()).to_numpy()


def _outside() -> InternalFault:
    return InternalFault("zone_value", "a response lies outside the declared domain")

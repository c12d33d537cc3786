"""Batches on their way into the zone: joined into blocks that are worth a write, and made while the last is written."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import pyarrow as pa

from pipelines.intake.batch import EncodedBatch

T = TypeVar("T")
_ROWS = 2 * 122_880
"""Two of DuckDB's row groups: what is written in other pieces is written twice."""
_MOST_READ = 4 * _ROWS


def in_blocks(batches: Iterator[EncodedBatch], rows: int = _ROWS) -> Iterator[EncodedBatch]:
    """The same responses and quarantine in the same order, in blocks of a multiple of `rows` responses.

    The last block is smaller, and so is one whose records were nearly all left out.
    """
    held: list[EncodedBatch] = []
    for batch in batches:
        held.append(batch)
        accepted = sum(part.rows.num_rows for part in held)
        if accepted >= rows:
            whole, full = _joined(held), accepted - accepted % rows
            yield replace(whole, rows=whole.rows.slice(0, full))
            held = [EncodedBatch(whole.rows.slice(full), (), 0, 0)]
        elif sum(part.read for part in held) >= _MOST_READ:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _joined(batches: list[EncodedBatch]) -> EncodedBatch:
    return EncodedBatch(
        pa.concat_tables([batch.rows for batch in batches]),
        tuple(bad for batch in batches for bad in batch.quarantined),
        sum(batch.read for batch in batches),
        sum(batch.excluded for batch in batches),
    )


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made by a second thread while the one before is used. Raises: as `items`."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item

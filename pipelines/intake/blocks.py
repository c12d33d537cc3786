"""Batches on their way into the zone: joined into blocks that are worth a write, and made while the last is written."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

from pipelines.intake.batch import EncodedBatch

T = TypeVar("T")
_ROWS = 1 << 18
"""Two of DuckDB's row groups: what is written in smaller pieces is written twice."""


def in_blocks(batches: Iterator[EncodedBatch], rows: int = _ROWS) -> Iterator[EncodedBatch]:
    """The same responses and quarantine in the same order, in blocks of at least `rows` records read."""
    held: list[EncodedBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.read for part in held) >= rows:
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

"""Blocks on their way into the zone: nothing lost, nothing reordered, and a fault comes out where it belongs."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from pipelines.intake.batch import EncodedBatch, Quarantined
from pipelines.intake.blocks import ahead, in_blocks
from schemas.errors import InputRefused


def _batches(sizes: list[int]) -> Iterator[EncodedBatch]:
    for number, size in enumerate(sizes):
        rows = pa.table({"a0": pa.array([number] * size, pa.uint8())})
        yield EncodedBatch(rows, (Quarantined("web", number, "", "ragged"),), size + 2, 1)


@pytest.mark.parametrize("sizes", [[], [0], [3, 0, 4, 5, 1], [20], [1] * 30])
def test_blocks_hold_the_same_responses_in_the_same_order(sizes: list[int]) -> None:
    blocks = list(ahead(in_blocks(_batches(sizes), rows=8)))
    whole = list(_batches(sizes))
    assert [v for b in blocks for v in b.rows.column(0).to_pylist()] == [
        v for b in whole for v in b.rows.column(0).to_pylist()
    ]
    assert [q for b in blocks for q in b.quarantined] == [q for b in whole for q in b.quarantined]
    assert sum(b.read for b in blocks) == sum(b.read for b in whole)
    assert sum(b.excluded for b in blocks) == sum(b.excluded for b in whole)
    assert all(b.rows.num_rows and b.rows.num_rows % 8 == 0 for b in blocks[:-1])


def test_what_is_made_ahead_is_no_more_than_one_and_its_fault_comes_after_what_was_good() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(3):
            made.append(number)
            yield number
        raise InputRefused("encoding_unreadable", "is not of its encoding throughout", where="a.csv")

    seen: list[int] = []

    def use() -> None:
        for item in ahead(items()):
            seen.append(item)
            assert len(made) <= len(seen) + 1

    with pytest.raises(InputRefused):
        use()
    assert seen == [0, 1, 2]

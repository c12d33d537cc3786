"""The exact counts of every one-way and group × question table without any privacy, as a whole process: the baseline.

`packed`: hearsafe's own one-scan counting, the fastest known here. `sql`: the fastest SQL known, one GROUP BY a packed
key of the full demographic cell and two questions. Run as: exact_count.py METHOD DECLARATIONS ZONE_FILE KEY_FILE
"""

import gc
import sys
import tempfile
from pathlib import Path

gc.set_threshold(400_000)  # as hearsafe does: imports are not looked through for garbage, here and at the end

import duckdb

from pipelines.declarations import load_declarations
from pipelines.zone import storage
from pipelines.zone.counting import count_tables
from pipelines.zone.duckdb_engine import DuckDBEngine
from pipelines.zone.packing import packing_of
from schemas.attributes import Attribute
from schemas.plan import MeasuredTable


def main(method: str, declarations: str, zone: str, key_file: str) -> None:
    """Counts and forgets them. Nothing of a plan, ledger or noise is imported."""
    declared = load_declarations(Path(declarations))
    attributes = declared.attributes
    key = bytes.fromhex(Path(key_file).read_text(encoding="ascii").strip())
    with (
        tempfile.TemporaryDirectory() as spill,
        storage.open_zone({"zone": (Path(zone), False)}, key, spill=Path(spill) / "s", memory="500MB") as connection,
    ):
        if method == "packed":
            tables = _tables(attributes)
            expected = declared.survey.expected.responses
            packing = packing_of(attributes, tables, responses=expected, memory=1 << 28)
            count_tables(DuckDBEngine(connection, "zone.core_responses"), packing, tables)
        else:
            _by_sql(connection, [a.size for a in attributes], sum(a.is_group for a in attributes))


def _tables(attributes: tuple[Attribute, ...]) -> list[MeasuredTable]:
    groups = [a for a in attributes if a.is_group]
    crossed = [(group, a) for a in attributes if not a.is_group for group in groups]
    return [
        MeasuredTable.model_construct(attributes=tuple(a.id for a in axes), shape=tuple(a.size for a in axes))
        for axes in [*((a,) for a in attributes), *crossed]
    ]


def _by_sql(connection: duckdb.DuckDBPyConnection, sizes: list[int], groups: int) -> None:
    """Keys of bit fields: shifts are twice as fast as products, which check for overflow."""
    for first in range(groups, len(sizes), 2):
        fields: list[str] = []
        shift = 0
        for column in [*range(groups), *range(first, min(first + 2, len(sizes)))]:
            fields.append(f"(a{column}::UINTEGER << {shift})")
            shift += (sizes[column] - 1).bit_length()
        query = f"SELECT {' | '.join(fields)} AS k, count(*) AS n FROM zone.core_responses GROUP BY k"
        connection.execute(query).fetchnumpy()


if __name__ == "__main__":
    main(*sys.argv[1:])
    gc.freeze()

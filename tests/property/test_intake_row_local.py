"""A row's encoding hangs on that row alone, and touches no more cells than the sensitivity of its tables allows.

This is what one resident = one bounded change rests on: no row may change what another row counts for.
"""

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.attributes import MICRO, CellRole, attributes_of, zone_columns
from tests.intake_sample import rating, survey_with, take

OPTIONS = {"a": "A", "b": {"label": "B", "also": ["b, too"]}, "c": "C", "d": "D"}
SURVEY = survey_with(
    [
        rating("r", "R", half_steps=True),
        rating("s", "S"),
        {"id": "joined", "column": "J", "type": "multi", "at_most": 2, "options": OPTIONS},
        {
            "id": "split",
            "type": "multi",
            "at_most": 2,
            "options": OPTIONS,
            "columns": {"a": "Ca", "b": "Cb", "c": "Cc"},
        },
        {"id": "n", "column": "N", "type": "numeric", "bounds": [-5, 9.5], "bins": [-5, 0, 9.5]},
    ],
    missing={"": "not_answered", "NA": "not_asked", "-99": "not_answered"},
    sources=[{"id": "web", "format": "delimited", "time": {"column": "T", "pattern": "%d/%m/%Y"}}],
    demographics=[{"id": "g", "column": "G", "categories": {"x": "X", "y": "Y"}}],
    indices=[
        {"id": "i", "items": ["r", "s"]},
        {"id": "j", "items": ["r", "s"], "score": "mean"},
    ],
)
COLUMNS = ["Email", "T", "R", "S", "J", "Ca", "Cb", "Cc", "N", "G"]
CELL = st.one_of(
    st.sampled_from(["", "1", "2.5", "5", "-99", "NA", "x", "a@b", "b@b", "0", "yes", "9.5", "1/5/2026"]),
    st.lists(st.sampled_from(["a", "b", "b, too", "c", "d", "zz", ""]), max_size=6).map(",".join),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=4),
)
ROW = st.tuples(*(CELL for _ in COLUMNS)).map(lambda row: ("a@b", "", *row[2:]) if len(row[0]) % 2 else row)


def encoded(rows: list[tuple[str, ...]]) -> tuple[list[dict[str, Any]], list[str]]:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([COLUMNS, *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        path.write_bytes(out.getvalue().encode())
        taken = take(SURVEY, path)
    return taken.rows, [q.reason for q in taken.quarantined]


@given(st.lists(ROW, max_size=6), st.lists(ROW, max_size=6))
def test_rows_do_not_change_each_other(first: list[tuple[str, ...]], second: list[tuple[str, ...]]) -> None:
    rows, reasons = encoded(first + second)
    apart = [encoded(first), encoded(second)]
    assert rows == apart[0][0] + apart[1][0]
    assert reasons == apart[0][1] + apart[1][1]


@given(st.lists(ROW, min_size=1, max_size=8))
def test_every_row_keeps_the_contribution_bound(rows: list[tuple[str, ...]]) -> None:
    for row in encoded(rows)[0]:
        for position, attribute in enumerate(attributes_of(SURVEY)):
            values = np.array([row[name] for name in zone_columns(position, attribute)])
            if attribute.kind == "single":
                assert 0 <= values[0] < attribute.size
            elif attribute.kind == "score":
                assert 0 <= values[0] <= MICRO or 2 <= -values[0] < attribute.size
            else:
                exclusive = list(attribute.roles(CellRole.NONE, CellRole.NOT_ANSWERED, CellRole.NOT_ASKED))
                ticks = values.sum() - values[exclusive].sum()
                assert set(values.tolist()) <= {0, 1}
                assert (ticks == 0 and values.sum() == 1) or (
                    1 <= ticks <= attribute.at_most and not values[exclusive].any()
                )

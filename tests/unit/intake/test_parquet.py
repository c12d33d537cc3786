from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import InputRefused
from tests.intake_sample import keyless, rating, survey_with, take

PARQUET = [{"id": "web", "format": "parquet"}]


def saved(folder: Path, **columns: object) -> Path:
    path = folder / "export.parquet"
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2", None],
        [1, 2, None],
        [1.0, 2.0, None],
        [1.0, 2.0, float("nan")],
        pa.array(["1", "2", None]).dictionary_encode(),
        pa.array([1.0, 2.0, None], pa.float32()),
        pa.array([Decimal("1.00"), Decimal("2.00"), None]),
        pa.array(["1", "2", None], pa.large_string()),
    ],
)
def test_types_become_the_text_of_a_csv(tmp_path: Path, values: object) -> None:
    taken = take(keyless([rating("a", "A.b")], sources=PARQUET), saved(tmp_path, **{"A.b": values, "A": [7, 8, 9]}))
    assert taken.cells("a") == ["1", "2", "_not_answered"]


def test_booleans_half_points_and_times(tmp_path: Path) -> None:
    survey = survey_with(
        [
            rating("a", "A", half_steps=True),
            {"id": "c", "column": "C", "type": "choice", "options": {"true": "y", "false": "n"}},
        ],
        sources=[
            {**PARQUET[0], "time": {"column": "When", "pattern": "%Y"}, "complete": {"column": "C", "in": ["TRUE"]}}
        ],
    )
    path = saved(
        tmp_path,
        Email=["a@b", "b@b", None],
        A=pa.array([1.5, 7.1, 2], pa.float32()),
        C=[True, False, True],
        When=[datetime(2026, 5, 1, 13, 45, tzinfo=UTC), None, None],
    )
    taken = take(survey, path)
    assert taken.cells("a") == ["1.5", "_invalid"]
    assert taken.cells("c") == ["true", "false"]
    assert [row["complete"] for row in taken.rows] == [True, False]
    assert [row["seen_at"] for row in taken.rows] == [1_777_643_100_000_000, -1]
    assert taken.reasons == [(3, "key_missing")]


def test_dates_as_text(tmp_path: Path) -> None:
    survey = keyless(
        [{"id": "c", "column": "C", "type": "choice", "options": {"2026-05-01": "May Day"}}], sources=PARQUET
    )
    assert take(survey, saved(tmp_path, C=[date(2026, 5, 1)])).cells("c") == ["2026-05-01"]


def test_refusals(tmp_path: Path) -> None:
    survey = keyless([rating("a", "A")], sources=PARQUET)
    path = saved(tmp_path, A=[[1], [2]])
    codes = []
    for content in (path.read_bytes(), path.read_bytes()[:-20], b"PAR1", b"A\n1\n"):
        path.write_bytes(content)
        with pytest.raises(InputRefused) as caught:
            take(survey, path)
        codes.append(caught.value.code)
    assert codes == ["column_type", "format_unreadable", "format_unreadable", "format_unreadable"]


def test_damage_inside_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, A=[str(i) for i in range(10_000)])
    content = bytearray(path.read_bytes())
    content[50:400] = b"\xff" * 350
    path.write_bytes(bytes(content))
    with pytest.raises(InputRefused) as caught:
        take(keyless([rating("a", "A")], sources=PARQUET), path)
    assert caught.value.code == "format_unreadable"


@pytest.mark.parametrize(("was", "becomes"), [(b"q_parks", b"q\xe8parks"), (b"a fine park", b"a f\xd9ne park")])
def test_text_that_is_no_utf8_is_refused(tmp_path: Path, was: bytes, becomes: bytes) -> None:
    path = saved(tmp_path, q_parks=["a fine park"] * 3, A=[7, 8, 9], email=["a@b", "c@d", "a fine park"])
    content = path.read_bytes()
    assert was in content
    survey = keyless([rating("a", "q_parks")], sources=PARQUET)
    take(survey, path)
    path.write_bytes(content.replace(was, becomes))
    with pytest.raises(InputRefused, match="not a readable Parquet file"):
        take(survey, path)

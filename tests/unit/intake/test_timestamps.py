from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.intake.timestamps import UNKNOWN, UNREADABLE, Clock
from schemas.errors import DeclarationFault
from tests.intake_sample import survey_with, take_text


def moments(pattern: str, *values: str) -> list[int]:
    return Clock(pattern).moments(pa.array(list(values), pa.string())).tolist()


def micros(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1_000_000)  # type: ignore[misc,arg-type]


def test_day_first_and_month_first() -> None:
    assert moments("%d/%m/%Y %H:%M", "3/5/2026 9:05", "03/05/2026 09:05") == [micros(2026, 5, 3, 9, 5)] * 2
    assert moments("%m/%d/%Y %H:%M", "3/5/2026 9:05") == [micros(2026, 3, 5, 9, 5)]


def test_blank_is_unknown_and_the_rest_unreadable() -> None:
    wrong = ["31/02/2026 09:05", "2026", "3/5/26 9:05", "24/13/2026 1:00", "3/5/2026 24:00", "x", "1/1/1969 0:00"]
    assert moments("%d/%m/%Y %H:%M", "", " \u00a0", *wrong) == [UNKNOWN] * 2 + [UNREADABLE] * len(wrong)


def test_white_space_around_and_between() -> None:
    assert moments("%Y-%m-%d %H:%M:%S", " 2026-05-03   09:05:01\u00a0") == [micros(2026, 5, 3, 9, 5, 1)]


def test_zones_and_month_names() -> None:
    assert moments("%Y-%m-%dT%H:%M:%S%z", "2026-05-03T09:05:01+02:00", "2026-05-03T09:05:01Z") == [
        micros(2026, 5, 3, 7, 5, 1),
        micros(2026, 5, 3, 9, 5, 1),
    ]
    assert moments("%d %b %Y %I:%M %p", "3 May 2026 9:05 PM") == [micros(2026, 5, 3, 21, 5)]


def test_typed_columns_need_no_pattern() -> None:
    typed = pa.array([micros(2026, 5, 3), None, micros(1960, 1, 1)], pa.timestamp("us"))
    assert Clock("%d").moments(typed).tolist() == [micros(2026, 5, 3), UNKNOWN, UNREADABLE]


@pytest.mark.parametrize("pattern", ["%Q", "%d %d", "%"])
def test_patterns_that_are_none(pattern: str) -> None:
    with pytest.raises(DeclarationFault) as caught:
        Clock(pattern)
    assert caught.value.code == "time_pattern"


def test_unreadable_times_are_quarantined(tmp_path: Path) -> None:
    survey = survey_with(
        sources=[{"id": "web", "format": "delimited", "time": {"column": "When", "pattern": "%d/%m/%Y"}}]
    )
    taken = take_text(survey, tmp_path, "Email,When,Q1\na@b,1/5/2026,1\nb@b,5/13/2026,1\nc@b,,1\n")
    assert taken.reasons == [(2, "time_unreadable")]
    assert taken.quarantined[0].field == "When"
    assert [row["seen_at"] for row in taken.rows] == [micros(2026, 5, 1), -1]

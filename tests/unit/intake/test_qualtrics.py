from pathlib import Path

import pytest

from tests.intake_sample import rating, survey_with, take_text

SURVEY = survey_with(
    [rating("quality", "Q1_1")],
    residents={"key": ["RecipientEmail"], "normalise": "email", "drop": ["IPAddress"]},
    sources=[
        {
            "id": "web",
            "format": "qualtrics",
            "where": {"Status": ["IP Address"]},
            "time": {"column": "RecordedDate", "pattern": "%d/%m/%Y %H:%M"},
        }
    ],
)
NAMES = "StartDate,EndDate,Status,IPAddress,Finished,RecordedDate,ResponseId,RecipientEmail,Q1_1\r\n"
LABELS = (
    "Start Date,End Date,Response Type,IP Address,Finished,Recorded Date,Response ID,Recipient Email,"
    '"How do you rate\nthe following, overall?\r\n - Quality, of life"\r\n'
)
IMPORT_IDS = (
    '"{""ImportId"":""startDate"",""timeZone"":""America/Denver""}","{""ImportId"":""endDate""}",'
    '"{""ImportId"":""status""}","{""ImportId"":""ipAddress""}","{""ImportId"":""finished""}",'
    '"{""ImportId"":""recordedDate""}","{""ImportId"":""_recordId""}","{""ImportId"":""recipientEmail""}",'
    '"{""ImportId"":""QID1"",""choiceId"":""1""}"\r\n'
)
ROWS = (
    "1/5/2026 9:00,1/5/2026 9:05,IP Address,192.0.2.1,TRUE,1/5/2026 9:05,R_1,ana@example.org,2\r\n"
    "1/5/2026 9:00,1/5/2026 9:05,Survey Preview,192.0.2.2,TRUE,1/5/2026 9:05,R_2,ben@example.org,3\r\n"
    "1/5/2026 9:00,1/5/2026 9:05,IP Address,192.0.2.3,FALSE,13/5/2026 9:05,R_3,Ana@Example.org,\r\n"
)


@pytest.mark.parametrize("header", [NAMES + LABELS + IMPORT_IDS, NAMES + IMPORT_IDS, NAMES + LABELS, NAMES])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_header_rows_that_publishers_leave(tmp_path: Path, header: str, encoding: str) -> None:
    taken = take_text(SURVEY, tmp_path, header + ROWS, encoding)
    assert (taken.read, taken.excluded, taken.quarantined) == (3, 1, [])
    assert taken.cells("quality") == ["2", "_not_answered"]
    assert [row["complete"] for row in taken.rows] == [True, False]
    assert taken.rows[0]["pseudonym"] == taken.rows[1]["pseudonym"]
    assert taken.rows[1]["seen_at"] - taken.rows[0]["seen_at"] == 12 * 86_400 * 1_000_000


def test_row_numbers_start_after_the_header(tmp_path: Path) -> None:
    taken = take_text(SURVEY, tmp_path, NAMES + LABELS + IMPORT_IDS + ROWS + "x\r\n")
    assert taken.reasons == [(4, "ragged")]


def test_rows_are_not_taken_for_labels(tmp_path: Path) -> None:
    """`IP Address` is also what a normal response has as its status."""
    taken = take_text(SURVEY, tmp_path, NAMES + ROWS)
    assert taken.read == 3

from pathlib import Path

import pytest

from schemas.errors import InputRefused
from tests.intake_sample import keyless, rating, survey_with, take_text

LONG = [
    {
        "id": "web",
        "format": "delimited",
        "layout": "long",
        "respondent": ["Household", "Person"],
        "item": "Question",
        "value": "Answer",
        "columns": {"B": "b_2026"},
    }
]
SURVEY = keyless([rating("a", "A"), rating("b", "B")], sources=LONG)
HEADER = "Household,Person,Question,Answer\n"


def test_one_record_a_respondent(tmp_path: Path) -> None:
    text = HEADER + "7,1,A,1\n7,2,A,2\n 7,1 ,b_2026,3\n8,1,other,9\n7,2,b_2026,\n"
    taken = take_text(SURVEY, tmp_path, text)
    assert taken.cells("a") == ["1", "2", "_not_answered"]
    assert taken.cells("b") == ["3", "_not_answered", "_not_answered"]
    assert [row["complete"] for row in taken.rows] == [True, True, False]


def test_the_last_of_several_answers_counts(tmp_path: Path) -> None:
    assert take_text(SURVEY, tmp_path, HEADER + "7,1,A,1\n7,1,A,2\n7,1,A,3\n").cells("a") == ["3"]


def test_composite_respondents_do_not_run_together(tmp_path: Path) -> None:
    assert len(take_text(SURVEY, tmp_path, HEADER + "1,11,A,1\n11,1,A,2\n").rows) == 2


def test_lines_without_respondent_and_ragged_lines(tmp_path: Path) -> None:
    taken = take_text(SURVEY, tmp_path, HEADER + "7,1,A,1\n, ,A,2\n7\n,2,A,3\n")
    assert taken.reasons == [(2, "respondent_missing"), (3, "ragged")]
    assert taken.cells("a") == ["1", "3"]


def test_columns_beside_the_items(tmp_path: Path) -> None:
    survey = survey_with(
        [rating("a", "A")],
        sources=[
            {
                **LONG[0],
                "respondent": ["Id"],
                "where": {"Mode": ["web"]},
                "time": {"column": "When", "pattern": "%Y-%m-%d"},
            }
        ],
        demographics=[{"id": "area", "column": "Area", "categories": {"N": "North"}}],
    )
    text = (
        "Id,Email,Mode,When,Question,Answer\n"
        "1,ana@example.org,web,2026-05-01,A,1\n"
        "1,,web,,Area,N\n"
        "2,ben@example.org,mail,2026-05-01,A,2\n"
        "3,,web,2026-05-01,A,2\n"
    )
    taken = take_text(survey, tmp_path, text)
    assert (taken.cells("a"), taken.cells("area")) == (["1"], ["N"])
    assert (taken.read, taken.excluded, taken.reasons) == (3, 1, [(4, "key_missing")])
    assert taken.rows[0]["seen_at"] == 1_777_593_600_000_000


def test_a_column_of_the_respondent_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        take_text(SURVEY, tmp_path, "Household,Question,Answer\n7,A,1\n")
    assert caught.value.code == "column_missing"


def test_lines_of_no_declared_question_refuse_no_file(tmp_path: Path) -> None:
    assert take_text(SURVEY, tmp_path, HEADER + "7,1,X,1\n").read == 1


def test_no_lines(tmp_path: Path) -> None:
    assert take_text(SURVEY, tmp_path, HEADER).read == 0
    assert take_text(SURVEY, tmp_path, HEADER + "x\n").reasons == [(1, "ragged")]

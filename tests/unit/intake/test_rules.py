from pathlib import Path

import pytest

from pipelines.intake.rules import one_of
from tests.intake_sample import keyless, rating, take_text


def source(**changes):
    return [{"id": "web", "format": "delimited", **changes}]


@pytest.mark.parametrize(
    ("declared", "value", "holds"),
    [
        (["IP Address"], " IP Address\u00a0", True),
        (["IP Address"], "ip address", False),
        (["1"], "1.0", True),
        (["1"], "01", False),
        (["TRUE"], "true", True),
        (["False"], "FALSE", True),
        (["YES"], "yes", False),
        (["", "a"], " ", True),
        (["a"], "", False),
    ],
)
def test_membership(declared: list[str], value: str, holds: bool) -> None:
    assert one_of(declared)(value) is holds


def test_where_and_eligible(tmp_path: Path) -> None:
    survey = keyless(
        [rating("a", "A")],
        sources=source(where={"Status": ["0", "IP Address"]}),
        eligible={"column": "Inside", "in": ["YES"]},
    )
    text = "Status,Inside,A\n0,YES,1\n1,YES,2\nIP Address,NO,3\nIP Address,YES,4\n,YES,1\n"
    taken = take_text(survey, tmp_path, text)
    assert taken.cells("a") == ["1", "4"]
    assert (taken.read, taken.excluded) == (5, 3)


def test_an_eligibility_column_that_a_source_lacks_is_blank(tmp_path: Path) -> None:
    eligible = {"column": "Inside", "in": ["YES", ""]}
    survey = keyless([rating("a", "A")], sources=source(absent=["Inside"]), eligible=eligible)
    assert take_text(survey, tmp_path, "A\n1\n").read == 1
    assert len(take_text(survey, tmp_path, "A\n1\n").rows) == 1


def test_declared_completeness(tmp_path: Path) -> None:
    survey = keyless([rating("a", "A")], sources=source(complete={"column": "Finished", "in": ["TRUE", "1"]}))
    taken = take_text(survey, tmp_path, "Finished,A\nTRUE,\n0,1\n1,2\n")
    assert [row["complete"] for row in taken.rows] == [True, False, True]


def test_complete_means_any_question_answered(tmp_path: Path) -> None:
    multi = {
        "id": "m",
        "type": "multi",
        "at_most": 2,
        "options": {"x": "X", "y": "Y"},
        "columns": {"x": "mx", "y": "my"},
    }
    survey = keyless(
        [rating("a", "A"), multi],
        demographics=[{"id": "d", "column": "D", "categories": {"1": "one"}}],
    )
    text = "A,mx,my,D\n5,,,\n,,,1\n,1,,\nwhat,,,\n,0,0,1\n"
    taken = take_text(survey, tmp_path, text)
    assert [row["complete"] for row in taken.rows] == [True, False, True, True, False]


def test_excluded_rows_need_no_key(tmp_path: Path) -> None:
    survey = keyless([rating("a", "A")], sources=source(where={"Status": ["0"]}))
    survey = survey.model_copy(update={"residents": survey.residents.model_copy(update={"key": ("Email",)})})
    taken = take_text(survey, tmp_path, "Email,Status,A\n,1,1\n,0,1\nana,0,1\n")
    assert (taken.excluded, taken.reasons, len(taken.rows)) == (1, [(2, "key_missing")], 1)

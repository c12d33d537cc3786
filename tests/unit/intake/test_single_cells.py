from pathlib import Path

import pytest

from tests.intake_sample import RATING, keyless, rating, take_text

MISSING = {"": "not_answered", "NA": "not_asked", "-99": "not_answered", "5": "not_asked"}


def cells(folder: Path, question: dict, values: list[str], **changes) -> list[str]:
    quoted = "".join('"' + value.replace('"', '""') + '",x\n' for value in values)
    return take_text(keyless([question], **changes), folder, "A,other\n" + quoted).cells(question["id"])


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("1", "1"),
        ("\u00a0 1\t", "1"),
        ("1.0", "1"),
        ("1.", "1"),
        ("01", "_invalid"),
        ("+1", "_invalid"),
        ("1e0", "_invalid"),
        ("1,0", "_invalid"),
        ("5", "5"),
        ("5.0", "5"),
        ("great", "1"),
        ("GREAT", "_invalid"),
        ("77", "_invalid"),
        ("", "_not_answered"),
        (" \u00a0", "_not_answered"),
        ("NA", "_not_asked"),
        ("na", "_invalid"),
        ("-99", "_not_answered"),
        ("-99.0", "_not_answered"),
        ("_not_answered", "_invalid"),
        ("_invalid", "_invalid"),
        ("Excellent", "_invalid"),
        ("\U0001f600", "_invalid"),
    ],
)
def test_rating(tmp_path: Path, value: str, cell: str) -> None:
    options = RATING | {"1": {"label": "Excellent", "also": ["great"]}}
    question = rating("a", "A", options=options)
    assert cells(tmp_path, question, [value], missing=MISSING) == [cell]


def test_half_points(tmp_path: Path) -> None:
    question = rating("a", "A", half_steps=True)
    values = ["1.5", "1.50", "3.5", "4.5", "0.5", "1.25"]
    assert cells(tmp_path, question, values) == ["1.5", "1.5", "3.5", "_invalid", "_invalid", "_invalid"]


def test_codes_that_look_like_numbers_keep_their_spelling(tmp_path: Path) -> None:
    question = {"id": "a", "column": "A", "type": "choice", "options": {"01": "one", "1": "other one", "2.0": "two"}}
    assert cells(tmp_path, question, ["01", "1", "1.0", "2", "2.0", "02"]) == ["01", "1", "1", "2.0", "2.0", "_invalid"]


def test_accents_in_both_unicode_forms(tmp_path: Path) -> None:
    question = {"id": "a", "column": "A", "type": "choice", "options": {"Sí": "yes", "No\u0301": "no"}}
    assert cells(tmp_path, question, ["Si\u0301", "Sí", "Nó"]) == ["Sí", "Sí", "No\u0301"]


def test_a_blank_that_the_survey_does_not_list(tmp_path: Path) -> None:
    assert cells(tmp_path, rating("a", "A"), ["", "NA"], missing={"NA": "not_asked"}) == ["_not_answered", "_not_asked"]
    assert cells(tmp_path, rating("a", "A"), [""], missing={"": "not_asked"}) == ["_not_asked"]


def test_nps(tmp_path: Path) -> None:
    question = {"id": "n", "column": "A", "type": "nps"}
    values = ["0", "10", "10.0", "11", "-1", "7.5", ""]
    assert cells(tmp_path, question, values) == ["0", "10", "10", "_invalid", "_invalid", "_invalid", "_not_answered"]


def test_demographics_know_no_not_asked(tmp_path: Path) -> None:
    survey = keyless(
        [rating("a", "A")],
        missing=MISSING,
        demographics=[{"id": "d", "column": "D", "categories": {"N": {"label": "North", "also": ["1"]}}}],
    )
    taken = take_text(survey, tmp_path, "A,D\n1,N\n1,1.0\n1,NA\n1,\n1,X\n")
    assert taken.cells("d") == ["N", "N", "_not_answered", "_not_answered", "_invalid"]

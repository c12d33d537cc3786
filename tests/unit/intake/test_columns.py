from pathlib import Path

import pytest

from schemas.errors import InputRefused
from tests.intake_sample import keyless, rating, take_text


def source(**changes):
    return [{"id": "web", "format": "delimited", **changes}]


def test_renamed_columns(tmp_path: Path) -> None:
    survey = keyless([rating("a", "A")], sources=source(columns={"A": "a_2013"}))
    assert take_text(survey, tmp_path, "a_2013\n2\n").cells("a") == ["2"]


def test_names_match_up_to_white_space(tmp_path: Path) -> None:
    survey = keyless([rating("a", "How are you?")])
    assert take_text(survey, tmp_path, '"How  are\nyou? ",x\n2,1\n').cells("a") == ["2"]


def test_exact_spelling_wins_over_white_space(tmp_path: Path) -> None:
    assert take_text(keyless([rating("a", "A")]), tmp_path, "A,A \n2,3\n").cells("a") == ["2"]


def test_absent_columns_were_not_asked(tmp_path: Path) -> None:
    survey = keyless(
        [
            rating("a", "A"),
            rating("b", "B"),
            {"id": "m", "column": "M", "type": "multi", "at_most": 1, "options": {"x": "x"}},
            {"id": "n", "column": "N", "type": "numeric", "bounds": [0, 9], "bins": [0, 5, 9]},
        ],
        sources=source(absent=["B", "M", "N", "D"]),
        demographics=[{"id": "d", "column": "D", "categories": {"1": "one"}}],
    )
    taken = take_text(survey, tmp_path, "A\n2\n")
    assert (taken.cells("b"), taken.cells("m"), taken.cells("n")) == (["_not_asked"], [["_not_asked"]], ["_not_asked"])
    assert taken.cells("n__mean") == [-3]
    assert taken.cells("d") == ["_not_answered"]


def test_a_missing_column_is_named_with_what_needs_it_and_what_looks_like_it(tmp_path: Path) -> None:
    survey = keyless([rating("quality", "Quality of life"), rating("next", "Next")])
    with pytest.raises(InputRefused) as caught:
        take_text(survey, tmp_path, "Quality of live,Other,Next\n1,2,3\n")
    line = caught.value.line()
    assert "'Quality of life'" in line
    assert "question quality" in line
    assert "'Quality of live'" in line
    assert "'Other'" not in line


def test_a_first_record_that_may_be_a_respondents_is_not_quoted(tmp_path: Path) -> None:
    """Without a header the first answers stand in its place, and one may look like a column's name."""
    survey = keyless([rating("age", "Q40"), rating("next", "Next")])
    with pytest.raises(InputRefused) as caught:
        take_text(survey, tmp_path, "40,Nexte\n41,3\n")
    line = caught.value.line()
    assert "'40'" not in line
    assert "Similar" not in line
    assert "check that the file begins with one" in line


def test_two_header_rows_compose_names(tmp_path: Path) -> None:
    """SurveyMonkey writes a question once above its choices."""
    survey = keyless(
        [
            {
                "id": "m",
                "type": "multi",
                "at_most": 2,
                "options": {"pool": "Pool", "gym": "Gym"},
                "columns": {"pool": "Which did you use? | Pool", "gym": "Which did you use? | Gym"},
            },
            rating("a", "Rate us"),
        ],
        sources=source(header_rows=2),
    )
    text = "Which did you use?,,Rate us\nPool,Gym,Response\nPool,,2\nPool,Gym,3\n"
    taken = take_text(survey, tmp_path, text)
    assert taken.cells("m") == [["pool"], ["pool", "gym"]]
    assert taken.cells("a") == ["2", "3"]


def test_fewer_records_than_header_rows(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        take_text(keyless([rating("a", "A")], sources=source(header_rows=3)), tmp_path, "A\n1\n")
    assert caught.value.code == "header_missing"

from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.intake.numeric import number_in
from schemas.attributes import MICRO
from tests.intake_sample import keyless, take_text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("12", "12"),
        ("012", "12"),
        ("+1.50", "1.50"),
        ("-3", "-3"),
        ("\u22123", "-3"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("1,234", "1234"),
        ("1,234,567.5", "1234567.5"),
        ("$25,000", "25000"),
        ("-$5", "-5"),
        ("€ 5", "5"),
    ],
)
def test_numbers(value: str, number: str) -> None:
    assert number_in(value) == Decimal(number)


@pytest.mark.parametrize(
    "value",
    ["", "NaN", "inf", "-Infinity", "1e999", "1e-999", "1e1000000000", "7,5", "12,34", "0,123", "1,2345", "1 000", "5%", "five",
     "$25,000 - $49,999", "0x10", "1_000", "٣", "9" * 400, "--1", "1.2.3"],
)  # fmt: skip
def test_what_is_no_number(value: str) -> None:
    assert number_in(value) is None


QUESTION = {"id": "n", "column": "N", "type": "numeric", "bounds": [0, 90], "bins": [0, 2, 5.5, 90]}


def test_bins_and_scores(tmp_path: Path) -> None:
    values = ["0", "2", "5.49", "5.5", "90", "90.0", "1.999", "45"]
    taken = take_text(keyless([QUESTION]), tmp_path, "N\n" + "\n".join(values) + "\n")
    assert taken.cells("n") == ["0", "2", "2", "5.5", "5.5", "5.5", "0", "5.5"]
    assert taken.cells("n__mean") == [0, 22_222, 61_000, 61_111, MICRO, MICRO, 22_211, 500_000]


def test_missing_and_invalid(tmp_path: Path) -> None:
    survey = keyless([QUESTION], missing={"-99": "not_answered", "88": "not_asked"})
    taken = take_text(survey, tmp_path, 'N\n" "\n-99\n-99.0\n88\n91\n-1\n1e999\nx\n')
    assert taken.cells("n") == ["_not_answered"] * 3 + ["_not_asked"] + ["_invalid"] * 4
    assert taken.cells("n__mean") == [-2, -2, -2, -3, -4, -4, -4, -4]


def test_bounds_with_fractions(tmp_path: Path) -> None:
    question = {**QUESTION, "bounds": [0.1, 0.3], "bins": [0.1, 0.2, 0.3]}
    taken = take_text(keyless([question]), tmp_path, "N\n0.1\n0.2\n0.3\n0.09999\n")
    assert taken.cells("n") == ["0.1", "0.2", "0.2", "_invalid"]
    assert taken.cells("n__mean")[:3] == [0, 500_000, MICRO]

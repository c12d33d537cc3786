from pathlib import Path

import pytest

from pipelines.intake.multi import splitter
from tests.intake_sample import keyless, take_text

BOATS = {
    "boat": {"label": "Boat", "also": ["A boat, kayak, or canoe"]},
    "Pier": "Pier",
    "Pier, fixed": "Fixed",
    "3": "Beach",
}


def joined(folder: Path, values: list[str], *, at_most: int = 4, separator: str = ",", missing=None, options=None):
    question = {
        "id": "m",
        "column": "M",
        "type": "multi",
        "at_most": at_most,
        "separator": separator,
        "options": options or BOATS,
    }
    survey = keyless([question], missing=missing or {"": "not_answered", "NA": "not_asked"})
    return take_text(survey, folder, "M\tx\n" + "".join(f"{value}\tx\n" for value in values)).cells("m")


@pytest.mark.parametrize(
    ("value", "ticks"),
    [
        ("Pier", ["Pier"]),
        ("A boat, kayak, or canoe,Pier", ["boat", "Pier"]),
        ("Pier , A boat, kayak, or canoe , ", ["boat", "Pier"]),
        ("Pier,fixed", ["Pier"]),
        ("Pier, fixed", ["Pier, fixed"]),
        ("Pier, fixed,Pier", ["Pier", "Pier, fixed"]),
        ("Pier,Pier", ["Pier"]),
        ("Pierre", ["_invalid"]),
        ("Jetty,Dock, Pier", ["Pier"]),
        ("boat,3.0", ["boat", "3"]),
        (",,", ["_not_answered"]),
        ("", ["_not_answered"]),
        ("NA", ["_not_asked"]),
        ("NA,Pier", ["Pier"]),
        ("_none", ["_invalid"]),
    ],
)
def test_joined_cells(tmp_path: Path, value: str, ticks: list[str]) -> None:
    assert joined(tmp_path, [value]) == [ticks]


@pytest.mark.parametrize(
    ("separator", "value"),
    [(";", "a;b;"), ("; ", "a;b"), (" ", "a  b"), ("|", "a|b"), ("||", "a || b"), ("\n", '"a\nb"')],
)
def test_separators(tmp_path: Path, separator: str, value: str) -> None:
    assert joined(tmp_path, [value], separator=separator, options={"a": "A", "b": "B", "c": "C", "d": "D"}) == [
        ["a", "b"]
    ]


def test_excess_ticks_are_cut_in_declared_order(tmp_path: Path) -> None:
    values = ["3,Pier,boat", "Jetty,3,Pier", "Jetty,3", "Jetty"]
    assert joined(tmp_path, values, at_most=2) == [["boat", "Pier"], ["Pier", "3"], ["3"], ["_invalid"]]


def test_an_option_that_is_also_a_missing_value(tmp_path: Path) -> None:
    options = {"NA": "North America", "EU": "Europe", "c": "C", "d": "D"}
    assert joined(tmp_path, ["NA", "EU,NA"], options=options) == [["NA"], ["NA", "EU"]]


def test_splitting_takes_the_longest_known_text() -> None:
    split = splitter(["White", "White, non-Hispanic", "Asian/Pacific Islander"], ",")
    assert split("White, non-Hispanic, Asian/Pacific Islander") == ["White, non-Hispanic", "Asian/Pacific Islander"]
    assert split("White, other") == ["White", "other"]


def columns(folder: Path, rows: list[str], missing=None, absent=(), **changes):
    question = {
        "id": "m",
        "type": "multi",
        "at_most": 2,
        "options": {
            "0": "Zero",
            "b": {"label": "Bike", "also": ["bicycle"]},
            "c": {"label": {"en": "Car", "es": "Coche"}},
        },
        "columns": {"0": "m0", "b": "mb", "c": "mc"},
    } | changes
    survey = keyless(
        [question],
        missing=missing or {"": "not_answered", "NA": "not_asked", "-99": "not_answered"},
        sources=[{"id": "web", "format": "delimited", "absent": list(absent)}],
    )
    return take_text(survey, folder, "m0,mb,mc\n" + "".join(f"{row}\n" for row in rows)).cells("m")


@pytest.mark.parametrize(
    ("row", "ticks"),
    [
        ("1,,1", ["0", "c"]),
        ("1.0,0,TRUE", ["0", "c"]),
        ("Y, ,n", ["0"]),
        (",b,", ["b"]),
        (",Bike,coche", ["b", "c"]),
        (",BICYCLE,0.0", ["b"]),
        ("0,0,0", ["_none"]),
        (",,", ["_none"]),
        ("NA,NA,NA", ["_not_asked"]),
        ("NA,NA,", ["_none"]),
        ("-99,-99,-99.0", ["_not_answered"]),
        ("-99,NA,NA", ["_not_answered"]),
        ("2,,", ["_invalid"]),
        ("2,1,maybe", ["b"]),
        ("1,1,1", ["0", "b"]),
        ("1,1,7", ["0", "b"]),
    ],
)
def test_columns_per_option(tmp_path: Path, row: str, ticks: list[str]) -> None:
    assert columns(tmp_path, [row]) == [ticks]


def test_blank_that_means_not_asked(tmp_path: Path) -> None:
    assert columns(tmp_path, [",,", "1,,"], missing={"": "not_asked"}) == [["_not_asked"], ["0"]]


def test_absent_columns_of_one_option_and_of_all(tmp_path: Path) -> None:
    assert columns(tmp_path, ["1,1,1", ",,"], absent=["m0"]) == [["b", "c"], ["_none"]]
    assert columns(tmp_path, ["1,1,1"], absent=["m0", "mb", "mc"]) == [["_not_asked"]]

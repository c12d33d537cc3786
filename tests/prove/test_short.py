"""Every suite of `make prove` in its short form; in its extended form in CI; and the frame itself."""

from pathlib import Path

import pytest

from tests.prove.frame import Effort, Figure, Level, NotHere, headline_line
from tests.prove.registry import suites

SUITES = suites()


def check(name: str, level: Level, folder: Path) -> None:
    try:
        figures = list(SUITES[name].run(Effort(level, folder)))
    except NotHere as missing:
        pytest.skip(str(missing))
    assert figures
    assert not [figure.line() for figure in figures if not figure.holds]


@pytest.mark.prove
@pytest.mark.parametrize("name", [name for name, suite in SUITES.items() if "short" in suite.levels])
def test_short_form(name: str, tmp_path: Path) -> None:
    check(name, "short", tmp_path)


@pytest.mark.extended
@pytest.mark.parametrize("name", [name for name, suite in SUITES.items() if "extended" in suite.levels])
def test_extended_form(name: str, tmp_path: Path) -> None:
    check(name, "extended", tmp_path)


@pytest.mark.parametrize(
    ("value", "relation", "holds"),
    [(3, "=", True), (2, "=", False), (2, "<=", True), (4, ">=", True), (2, ">=", False)],
)
def test_a_figure_keeps_its_bound_or_not(value: int, relation: str, holds: bool) -> None:
    assert Figure("x", value, relation, 3).holds == holds


def test_headlines_are_false_where_nothing_was_tried() -> None:
    tried = Figure("kills", 0, "=", 0, headline="overspends", trials=3000)
    assert headline_line("overspends", [tried]) == ("0 overspends in 3,000 kills", True)
    assert not headline_line("overspends", [])[1]
    caught = Figure("bugs", 11, "=", 12, headline="bugs", trials=12)
    assert headline_line("bugs", [caught]) == ("11/12 planted bugs caught", False)
    assert headline_line("rollbacks", [Figure("old ledgers", 0, "=", 0, headline="rollbacks", trials=50)])[1]
    assert not headline_line("rollbacks", [Figure("old ledgers", 1, "=", 0, headline="rollbacks", trials=50)])[1]

"""Figures say what a plain calculation on rows says."""

import numpy as np
import pytest

from privacy.statistics import figures_of
from schemas.attributes import CellRole
from tests.unit.privacy.estimating import by_id, riverbend, simulate

SURVEY = riverbend()
ATTRIBUTES = by_id(SURVEY)
ROWS = simulate(ATTRIBUTES, 400, np.random.default_rng(1))
FIGURES = figures_of(SURVEY, ATTRIBUTES)


def value(name, statistic, option=None):
    figures = FIGURES[name]
    (row,) = [i for i, f in enumerate(figures.figures) if (f.statistic, f.option) == (statistic, option)]
    counts = ROWS[name].sum(axis=0) / ATTRIBUTES[name].unit
    return figures.values[row] @ counts / (figures.base[row] @ counts + figures.people[row, 0] * 400)


def codes(name):
    return np.array([cell.code for cell in ATTRIBUTES[name].cells])[ROWS[name].argmax(axis=1)]


def test_rating():
    answers = codes("quality")
    scored = answers[np.isin(answers, list("1234"))]
    assert value("quality", "pct", "2") == pytest.approx(100 * (scored == "2").mean())
    assert value("quality", "pct_positive") == pytest.approx(100 * np.isin(scored, ["1", "2"]).mean())
    assert value("quality", "mean") == pytest.approx(scored.astype(float).mean())
    either = answers[np.isin(answers, list("12345"))]
    assert value("quality", "pct_no_opinion") == pytest.approx(100 * (either == "5").mean())


def test_nps():
    answers = codes("recommend")
    points = answers[~np.char.startswith(answers, "_")].astype(int)
    assert value("recommend", "nps") == pytest.approx(100 * ((points >= 9).mean() - (points <= 6).mean()))
    assert value("recommend", "mean") == pytest.approx(points.mean())


def test_numeric_mean_comes_from_the_bounded_sum():
    rows = ROWS["years__mean"]
    with_number = rows[:, :2].sum(axis=1) > 0
    assert value("years__mean", "mean") == pytest.approx(90 * rows[with_number, 0].mean() / 1e6)
    assert FIGURES["years__mean"].figures[0].subject == "years"
    assert FIGURES["years__mean"].figures[0].moments == ((2.5, 6.25), (12.5, 56.25), (55.0, 1225.0))


def test_index_is_a_score_in_per_cent():
    rows = ROWS["safety"]
    assert value("safety", "index") == pytest.approx(100 * rows[rows[:, 2] == 0, 0].mean() / 1e6)


def test_multi_is_per_person_asked():
    outside = ATTRIBUTES["services"].roles(CellRole.NOT_ANSWERED, CellRole.NOT_ASKED, CellRole.INVALID)
    asked = ROWS["services"][:, list(outside)].sum(axis=1) == 0
    assert value("services", "pct", "b") == pytest.approx(100 * ROWS["services"][asked, 1].mean())


def test_a_choice_has_no_mean():
    assert {f.statistic for f in FIGURES["channel"].figures} == {"pct"}


def test_a_point_is_a_hundredth_of_the_range_of_a_score():
    quality = FIGURES["quality"]
    (mean,) = [i for i, f in enumerate(quality.figures) if f.statistic == "mean"]
    assert quality.points[mean, 0] == pytest.approx(100 / 3)
    assert quality.points[0, 0] == 1

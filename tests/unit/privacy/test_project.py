"""Projections are feasible, nearest, and agree to floating point."""

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from privacy.project import onto_capped_sum, onto_margins, onto_simplex, product_table, rounded_to_margins
from privacy.project_multi import MultiCells, feasible_crosstab, feasible_pair_of_multis, feasible_topline
from privacy.project_three import families, fitted_three_way


def test_simplex_of_a_known_case():
    nearest = onto_simplex(np.array([[0.5, -0.5, 2.0], [1.0, 1.0, 1.0]]), np.array([1.0, 6.0]))
    assert nearest == pytest.approx(np.array([[0, 0, 1.0], [2, 2, 2]]))


@pytest.mark.parametrize("total", [0.0, 1e-6, 40.0])
@pytest.mark.parametrize("scale", [1.0, 1e12])
def test_simplex_keeps_the_total_whatever_comes(total, scale):
    values = np.random.default_rng(2).normal(scale=scale, size=(50, 7))
    nearest = onto_simplex(values, np.full(50, total))
    assert (nearest >= 0).all() and nearest.sum(axis=1) == pytest.approx(total, rel=1e-12)


def test_capped_sum_is_the_nearest_point():
    rng = np.random.default_rng(3)
    values, caps = rng.normal(scale=5, size=(20, 6)), rng.random((20, 6)) * 4
    totals = caps.sum(axis=1) * rng.random(20)
    nearest = onto_capped_sum(values, totals, caps)
    assert nearest.sum(axis=1) == pytest.approx(totals)
    assert (nearest >= 0).all() and (nearest <= caps).all()
    for row in range(3):
        other = minimize(
            lambda x, row=row: ((x - values[row]) ** 2).sum(), nearest[row] * 0.9, bounds=[(0, c) for c in caps[row]],
            constraints={"type": "eq", "fun": lambda x, row=row: x.sum() - totals[row]}, method="SLSQP",
        )  # fmt: skip
        assert nearest[row] == pytest.approx(other.x, abs=1e-4)


def margins(rng, count, rows, columns, total):
    def one(n):
        shares = rng.dirichlet(np.full(n, 0.5), size=count)
        return total * shares

    return one(rows), one(columns)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 30.0, 1e6, 1e12])
def test_margins_are_kept_whatever_the_noise(scale):
    rng = np.random.default_rng(5)
    rows, columns = margins(rng, 40, 6, 8, 500.0)
    fitted = onto_margins(rng.normal(scale=scale, size=(40, 6, 8)), rows, columns)
    assert np.isfinite(fitted).all() and (fitted >= 0).all()
    assert np.abs(fitted.sum(axis=2) - rows).max() < 1e-9 * 500
    assert np.abs(fitted.sum(axis=1) - columns).max() < 1e-9 * 500


def test_onto_margins_is_the_nearest_table():
    """No feasible table lies beyond the nearest one in the direction of the wanted one (a linear programme finds it)."""
    rng = np.random.default_rng(6)
    rows, columns = margins(rng, 10, 3, 4, 100.0)
    values = rng.normal(10, 12, size=(10, 3, 4))
    fitted = onto_margins(values, rows, columns)
    cells = np.eye(12).reshape(12, 3, 4)
    design = np.hstack([cells.sum(axis=2), cells.sum(axis=1)]).T
    for table in range(10):
        direction = (values[table] - fitted[table]).ravel()
        wanted = np.concatenate([rows[table], columns[table]])
        best = linprog(-direction, A_eq=design, b_eq=wanted, bounds=(0, None))
        assert -best.fun <= direction @ fitted[table].ravel() + 1e-3 * np.linalg.norm(direction)


def test_a_feasible_table_stays():
    rng = np.random.default_rng(7)
    table = rng.integers(0, 9, size=(5, 4, 6)).astype(float)
    assert onto_margins(table, table.sum(axis=2), table.sum(axis=1)) == pytest.approx(table, abs=1e-9)


def test_rounding_reaches_empty_margins():
    fitted = rounded_to_margins(np.ones((1, 2, 3)), np.array([[0.0, 5.0]]), np.array([[5.0, 0.0, 0.0]]))
    assert fitted[0] == pytest.approx(np.array([[0, 0, 0], [5, 0, 0]]))


def sums(table):
    return table.sum(axis=2), table.sum(axis=1), table.sum(axis=0)


def test_three_way_from_the_product_has_no_three_way_interaction():
    rng = np.random.default_rng(8)
    two_way = rng.random((2, 2, 2))
    ones = two_way.sum(axis=(1, 2)), two_way.sum(axis=(0, 2)), two_way.sum(axis=(0, 1))
    fitted, mixing = fitted_three_way(None, sums(two_way), product_table(*ones))
    ratios = fitted[0, 0] * fitted[1, 1][::-1] / (fitted[0, 1] * fitted[1, 0][::-1])
    odds = fitted[0, 0, :] * fitted[1, 1, :] / (fitted[0, 1, :] * fitted[1, 0, :])
    assert ratios.shape == (2,) and odds[0] == pytest.approx(odds[1], rel=1e-6)
    assert mixing < 1e-9
    for own, wanted in zip(sums(fitted), sums(two_way), strict=True):
        assert own == pytest.approx(wanted, rel=1e-9)


def test_impossible_two_way_tables_are_mixed_until_possible():
    even, odd = np.array([[1.0, 0], [0, 1]]), np.array([[0, 1.0], [1, 0]])
    product = np.full((2, 2, 2), 0.25)
    fitted, mixing = fitted_three_way(None, (even, even, odd), product)
    assert 0 < mixing <= 1
    assert ((1 - mixing) * fitted + mixing * product >= -1e-12).all()


def test_families_share_pairs():
    tables = [("a", "b", "c"), ("d", "e", "f"), ("a", "b", "d"), ("a", "d", "g")]
    found = sorted(sorted(family) for family in families(tables))
    assert found == [[("a", "b", "c"), ("a", "b", "d"), ("a", "d", "g")], [("d", "e", "f")]]


MULTI = MultiCells(options=(0, 1, 2), exclusive=(3, 4), at_most=2)


@pytest.mark.parametrize("scale", [0.1, 10.0, 1e6])
def test_multi_counts_are_those_of_people(scale):
    rng = np.random.default_rng(9)
    for total in (1e-6, 50.0):
        topline = feasible_topline(rng.normal(scale=scale, size=5), MULTI, total)
        tickers = total - topline[3:].sum()
        assert (topline >= 0).all() and tickers >= -1e-12 * total and (topline[:3] <= tickers * (1 + 1e-9)).all()
        assert tickers * (1 - 1e-9) <= topline[:3].sum() <= 2 * tickers * (1 + 1e-9)
        groups = rng.dirichlet(np.ones(4)) * total
        table, people = feasible_crosstab(rng.normal(scale=scale, size=(5, 4)), topline, groups, MULTI)
        assert table.sum(axis=1) == pytest.approx(topline, rel=1e-9, abs=1e-9 * total)
        assert people.sum(axis=0) == pytest.approx(groups, rel=1e-9, abs=1e-9 * total)
        assert (table >= 0).all() and (table[:3] <= people[-1] * (1 + 1e-9)).all()


def test_pair_of_multis_stays_between_what_must_and_what_can_coincide():
    fitted = feasible_pair_of_multis(np.array([[-5.0, 100.0]]), np.array([8.0]), np.array([7.0, 3.0]), 10.0)
    assert fitted.tolist() == [[5.0, 3.0]]

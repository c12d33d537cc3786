"""Residual components against explicit least squares."""

from itertools import combinations
from math import inf, prod

import numpy as np
import pytest
from numpy.typing import NDArray

from privacy.residual import cell_variance, component_precisions, components_of, universe_of
from schemas.attributes import Attribute, Cell, CellRole
from schemas.plan import MeasuredTable


def attribute(name: str, size: int, **more: object) -> Attribute:
    cells = tuple(Cell(code=str(c), label=str(c), role=CellRole.SUBSTANTIVE) for c in range(size))
    return Attribute.model_validate(
        {"id": name, "kind": "single", "origin": "question", "label": name, "cells": cells, **more}
    )


def measured(ids: tuple[str, ...], attributes: dict[str, Attribute], scale: float) -> MeasuredTable:
    return MeasuredTable(
        attributes=ids,
        shape=tuple(attributes[i].size for i in ids),
        unit=1,
        l1=1,
        l2_squared=1,
        mechanism="discrete_gaussian",
        scale=scale,
        charge_nano_rho=1,
        charge_nano_pure_epsilon=None,
    )


def marginal_matrix(ids: tuple[str, ...], attributes: dict[str, Attribute]) -> NDArray[np.float64]:
    """Sums of the full table's cells: cells of the marginal × cells of the full table."""
    whole = np.ones((1, 1))
    for name, axis in attributes.items():
        whole = np.kron(whole, np.eye(axis.size) if name in ids else np.ones((1, axis.size)))
    return whole


def gls_cell_variances(
    table: tuple[str, ...], tables: list[MeasuredTable], attributes: dict[str, Attribute]
) -> NDArray[np.float64]:
    """Variances of a marginal under generalised least squares over the full table, by brute force."""
    information = np.zeros((prod(a.size for a in attributes.values()),) * 2)
    for one in tables:
        rows = marginal_matrix(one.attributes, attributes)
        information += rows.T @ rows / one.scale**2
    wanted = marginal_matrix(table, attributes)
    return np.diag(wanted @ np.linalg.pinv(information) @ wanted.T)


@pytest.mark.parametrize("seed", range(8))
def test_cell_variance_is_that_of_generalised_least_squares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    attributes = {name: attribute(name, int(size)) for name, size in zip("abcd", rng.integers(2, 4, 4), strict=True)}
    every = [ids for size in range(1, 4) for ids in combinations("abcd", size)]
    chosen = [every[i] for i in rng.choice(len(every), 6, replace=False)]
    tables = [measured(ids, attributes, float(rng.uniform(1, 20))) for ids in chosen]
    precisions = component_precisions(tables, attributes)
    for table in {subset for ids in chosen for subset in components_of(ids)}:
        brute = gls_cell_variances(table, tables, attributes)
        assert np.allclose(brute, cell_variance(table, attributes, precisions), rtol=1e-6)


def test_a_component_nobody_measured_is_not_known() -> None:
    attributes = {name: attribute(name, 3) for name in "ab"}
    precisions = component_precisions(
        [measured(("a",), attributes, 2.0), measured(("b",), attributes, 2.0)], attributes
    )
    assert cell_variance(("a", "b"), attributes, precisions) == inf
    assert precisions["", ("a",)] == pytest.approx(0.25)
    assert precisions["", ()] == pytest.approx(2 * 0.25 / 3)


def test_a_multi_has_its_own_total() -> None:
    attributes = {"a": attribute("a", 3), "m": attribute("m", 4, kind="multi", at_most=2)}
    precisions = component_precisions(
        [measured(("a",), attributes, 1.0), measured(("a", "m"), attributes, 1.0)], attributes
    )
    assert universe_of((attributes["a"], attributes["m"])) == "m"
    assert precisions["", ("a",)] == pytest.approx(1.0)
    assert precisions["m", ("a",)] == pytest.approx(1 / 4)
    assert ("", ("m",)) not in precisions


def test_noise_counts_in_respondents() -> None:
    attributes = {"s": attribute("s", 3, kind="score", origin="index", unit=1_000_000)}
    table = measured(("s",), attributes, 5e6).model_copy(update={"unit": 1_000_000})
    assert component_precisions([table], attributes)["", ("s",)] == pytest.approx(1 / 25)

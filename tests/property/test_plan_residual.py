"""Random measured tables: cell variances equal generalised least squares, and more noise never helps."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.residual import cell_variance, component_precisions, components_of
from tests.unit.privacy.test_residual import attribute, gls_cell_variances, measured

EVERY = [ids for size in range(1, 4) for ids in combinations("abc", size)]


@given(
    st.lists(st.integers(2, 4), min_size=3, max_size=3),
    st.dictionaries(st.sampled_from(EVERY), st.floats(0.5, 50), min_size=1, max_size=5),
)
@settings(max_examples=25)
def test_cell_variance_is_that_of_generalised_least_squares(
    sizes: list[int], scales: dict[tuple[str, ...], float]
) -> None:
    attributes = {name: attribute(name, size) for name, size in zip("abc", sizes, strict=True)}
    tables = [measured(ids, attributes, scale) for ids, scale in scales.items()]
    precisions = component_precisions(tables, attributes)
    for table in {subset for ids in scales for subset in components_of(ids)}:
        variance = cell_variance(table, attributes, precisions)
        assert np.allclose(gls_cell_variances(table, tables, attributes), variance, rtol=1e-5)
        if table in scales:
            assert variance <= scales[table] ** 2 * (1 + 1e-9)


@given(st.dictionaries(st.sampled_from(EVERY), st.floats(0.5, 50), min_size=1, max_size=5), st.data())
def test_measuring_more_never_hurts(scales: dict[tuple[str, ...], float], data: st.DataObject) -> None:
    attributes = {name: attribute(name, 3) for name in "abc"}
    tables = [measured(ids, attributes, scale) for ids, scale in scales.items()]
    fewer = [table for table in tables if data.draw(st.booleans())]
    with_all, with_fewer = (component_precisions(some, attributes) for some in (tables, fewer))
    for table in scales:
        less = cell_variance(table, attributes, with_fewer)
        assert cell_variance(table, attributes, with_all) <= less * (1 + 1e-12)
    assert all(with_all[key] >= value * (1 - 1e-12) for key, value in with_fewer.items())


def test_the_oracle_refuses_nothing_silently() -> None:
    attributes = {name: attribute(name, 2) for name in "abc"}
    table = measured(("a",), attributes, 3.0)
    assert gls_cell_variances(("a",), [table], attributes) == pytest.approx([9.0, 9.0])

"""Tilted tables: the wanted net score, the same margins, no negative cell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.group_tables import feasible_effect, net_weights, tilt
from schemas.attributes import attributes_of
from schemas.nets import net_attributes
from tests.unit.privacy.estimating import riverbend

SURVEY = riverbend()
ATTRIBUTES = {a.id: a for a in attributes_of(SURVEY)}
NETS = {a.of: a for a in net_attributes(SURVEY, attributes_of(SURVEY))}
GROUPS = np.array([500.0, 300.0, 150.0, 50.0])


@pytest.mark.parametrize("name", ["quality", "recommend", "safety"])
def test_a_tilt_moves_the_net_score_by_one_and_the_total_by_none(name: str) -> None:
    attribute, weights = ATTRIBUTES[name], net_weights(ATTRIBUTES[name], NETS[name])
    counts = np.arange(attribute.size, 0, -1.0) * 1000 / sum(range(attribute.size + 1))
    direction = tilt(counts, attribute, weights)
    assert direction.sum() == pytest.approx(0)
    assert direction @ weights == pytest.approx(1)
    assert not direction[[i for i, cell in enumerate(attribute.cells) if cell.role.value != "substantive"]].any()


def test_where_nobody_can_change_nothing_does() -> None:
    attribute, weights = ATTRIBUTES["quality"], net_weights(ATTRIBUTES["quality"], NETS["quality"])
    for counts in (np.zeros(8), np.eye(8)[0] * 100, np.eye(8)[5] * 100):
        assert not tilt(counts, attribute, weights).any()


@given(st.lists(st.floats(-1e4, 1e4), min_size=4, max_size=4), st.lists(st.floats(0, 400), min_size=8, max_size=8))
def test_an_effect_made_feasible_leaves_no_cell_negative(effect: list[float], cells: list[float]) -> None:
    counts = np.array(cells)
    if counts.sum() < 1:
        return
    counts = counts * 1000 / counts.sum()
    attribute, weights = ATTRIBUTES["quality"], net_weights(ATTRIBUTES["quality"], NETS["quality"])
    direction = tilt(counts, attribute, weights)
    inside = feasible_effect(np.array(effect), direction, counts, GROUPS)
    table = np.outer(GROUPS, counts) / 1000 + np.outer(inside, direction)
    assert table.min() > -1e-6
    assert inside.sum() == pytest.approx(0, abs=1e-6)
    assert table.sum(axis=0) == pytest.approx(counts, abs=1e-6)
    assert table.sum(axis=1) == pytest.approx(GROUPS, abs=1e-6)


def test_a_feasible_effect_stays() -> None:
    counts = np.array([300.0, 300, 200, 100, 50, 50, 0, 0])
    direction = tilt(counts, ATTRIBUTES["quality"], net_weights(ATTRIBUTES["quality"], NETS["quality"]))
    effect = np.array([20.0, -10.0, -8.0, -2.0])
    assert feasible_effect(effect, direction, counts, GROUPS) == pytest.approx(effect)

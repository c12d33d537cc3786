"""Exact counting equals an independent count row by row, for every kind of attribute and their crosstabs."""

import itertools
import random

import duckdb
import numpy as np
import pytest

from pipelines.zone.counting import count_tables
from pipelines.zone.crossing_room import EngineFor
from pipelines.zone.duckdb_engine import DuckDBEngine
from pipelines.zone.packing import Amount, packing_of
from pipelines.zone.portable_sql import is_over_each_once
from privacy.sensitivity import table_sensitivity
from schemas.attributes import MICRO
from schemas.errors import InternalFault
from tests.counting_sample import (
    AREA,
    ATTRIBUTES,
    RATING,
    PortableEngine,
    a_row,
    a_table,
    expected,
    relation,
    require_every_table,
)


@pytest.mark.parametrize("engine_for", [DuckDBEngine, PortableEngine])
@pytest.mark.parametrize("responses", [1, 10_000_000])
@pytest.mark.parametrize("size", [0, 1, 400])
def test_every_table_up_to_three_axes_equals_a_count_by_hand(size: int, responses: int, engine_for: EngineFor) -> None:
    rng = random.Random(7)
    rows = [a_row(rng) for _ in range(size)]
    with duckdb.connect() as connection:
        relation(connection, rows)
        require_every_table(engine_for(connection, "core_responses"), rows, responses)


@pytest.mark.parametrize("value", ["3", "255", "NULL"])
def test_an_answer_of_an_engine_outside_the_domain_is_refused_and_not_said(value: str) -> None:
    measured = (a_table((AREA, RATING)),)
    packing = packing_of(ATTRIBUTES, measured, responses=1, memory=1 << 20)
    with duckdb.connect() as connection:
        relation(connection, [a_row(random.Random(7)) for _ in range(3)])
        connection.execute(f"UPDATE core_responses SET a0 = {value} WHERE rowid = 1")
        with pytest.raises(InternalFault, match="outside the declared domain") as refused:
            count_tables(PortableEngine(connection, "core_responses"), packing, measured)
    assert value not in str(refused.value)


def test_one_more_respondent_moves_a_table_by_at_most_its_sensitivity_and_reaches_it() -> None:
    rng = random.Random(11)
    largest: dict[str, tuple[int, int]] = {}
    for _ in range(300):
        row = a_row(rng)
        for width in (1, 2):
            for axes in itertools.combinations(ATTRIBUTES, width):
                moved = expected([row], axes)
                bound = table_sensitivity(axes, shared_keys=False)
                change = (int(np.abs(moved).sum()), int((moved.astype(object) ** 2).sum()))
                assert change[0] <= bound.l1 and change[1] <= bound.l2_squared
                before = largest.get(str(axes), (0, 0))
                largest[str(axes)] = (max(before[0], change[0]), max(before[1], change[1]))
    for width in (1, 2):
        for axes in itertools.combinations(ATTRIBUTES, width):
            bound = table_sensitivity(axes, shared_keys=False)
            assert largest[str(axes)] == (bound.l1, bound.l2_squared)


@pytest.mark.parametrize(
    ("people", "units", "once"),
    [
        ([3, 2], [MICRO, 0], True),
        ([3, 2], [3 * MICRO, 2 * MICRO], True),
        ([6, 4], [0, 0], False),
        ([7, -2], [0, 0], False),
        ([3, 2], [3 * MICRO + 1, 0], False),
        ([3, 2], [-1, 0], False),
    ],
)
def test_an_answer_is_over_each_respondent_once(people: list[int], units: list[int], once: bool) -> None:
    totals = {None: np.array(people), Amount("a1"): np.array(units)}
    assert is_over_each_once(totals, rows=5) == once

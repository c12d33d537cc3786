"""Whatever the plan, the data and the noise: published tables are possible counts and agree with one another."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from privacy.estimate import Estimates
from privacy.summary import summarise
from schemas.attributes import Attribute
from tests.unit.privacy.estimating import by_id, estimated, policy, riverbend, simulate

SURVEY = riverbend()
ATTRIBUTES = by_id(SURVEY)
ORDER = list(ATTRIBUTES)
ROWS = {people: simulate(ATTRIBUTES, people, np.random.default_rng(people)) for people in (1, 30, 600)}
CLOSE = 1e-9


def ordered(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names, key=ORDER.index))


def scores(table: tuple[str, ...]) -> int:
    return sum(ATTRIBUTES[name].kind == "score" for name in table)


TABLES = [
    ordered(names)
    for size in (1, 2, 3)
    for names in combinations(ORDER, size)
    if scores(names) < 2 and np.prod([ATTRIBUTES[n].size for n in names]) < 700
]
SCALES = st.sampled_from([1e-6, 0.5, 8.0, 60.0, 1e4, 1e9])
WORKLOADS = st.lists(st.sampled_from(TABLES), min_size=1, max_size=7, unique=True)


def multis(table: tuple[str, ...]) -> list[Attribute]:
    return [ATTRIBUTES[name] for name in table if ATTRIBUTES[name].kind == "multi"]


def assert_agree(estimates: Estimates) -> None:
    """Non-negative, finite, and every margin over an axis of people equals the smaller table where that is published."""
    assert np.isfinite(estimates.total) and estimates.total > 0
    for table in estimates.tables.values():
        assert np.isfinite(table.counts).all() and (table.counts >= 0).all()
        assert np.isfinite(table.noise_variance).all() and (table.noise_variance >= 0).all()
        names = table.attributes
        if len(multis(names)) == 0:
            assert abs(table.counts.sum() - estimates.total) <= CLOSE * estimates.total
        if len(multis(names)) > 1:
            continue
        for size in range(1, len(names)):
            for kept in combinations(names, size):
                summed = tuple(i for i, name in enumerate(names) if name not in kept)
                smaller = estimates.tables.get("*".join(kept))
                if smaller is None or any(ATTRIBUTES[names[i]].kind == "multi" for i in summed):
                    continue
                assert np.abs(table.counts.sum(axis=summed) - smaller.counts).max() <= CLOSE * estimates.total
        for multi in multis(names):
            assert_ticks_within_people(estimates, names, multi)


def assert_ticks_within_people(estimates: Estimates, names: tuple[str, ...], multi: Attribute) -> None:
    counts = np.moveaxis(estimates.tables["*".join(names)].counts, names.index(multi.id), 0)
    groups = estimates.tables.get("*".join(name for name in names if name != multi.id))
    people = np.array(estimates.total) if len(names) == 1 else groups.counts if groups is not None else None
    if people is None:
        return
    tickers = people - counts[3:].sum(axis=0)
    assert (tickers >= -CLOSE * estimates.total).all()
    assert (counts[:3] <= tickers + CLOSE * estimates.total).all()


@given(measured=WORKLOADS, extra=st.lists(st.sampled_from(TABLES), max_size=4), scales=st.lists(SCALES, min_size=7, max_size=7),
       people=st.sampled_from(sorted(ROWS)), seed=st.integers(0, 2**32 - 1))  # fmt: skip
def test_tables_agree(measured, extra, scales, people, seed):
    shown = list(dict.fromkeys([*measured, *extra]))
    noise = dict(zip(measured, scales, strict=False))
    plan, estimates = estimated(ATTRIBUTES, ROWS[people], noise, shown, np.random.default_rng(seed))
    used = {name for table in shown for name in table}
    assert set(estimates.tables) == {"*".join(t) for t in shown} | used
    assert_agree(estimates)
    for row in summarise(SURVEY, policy(), plan, ATTRIBUTES, estimates):
        assert row.reason == "undefined" or (row.low is not None and row.low <= row.value <= row.high)


@given(data=st.data(), scale=st.sampled_from([1.0, 100.0]))
def test_numbers_of_rows_and_tables_are_those_of_the_plan(data, scale):
    measured = data.draw(WORKLOADS)
    sets = []
    for people, seed in ((1, 1), (600, 2)):
        plan, estimates = estimated(
            ATTRIBUTES, ROWS[people], dict.fromkeys(measured, scale), measured, np.random.default_rng(seed)
        )
        rows = summarise(SURVEY, policy(), plan, ATTRIBUTES, estimates)
        sets.append([(r.subject, r.statistic, r.option, r.group_attribute, r.group, r.weighted) for r in rows])
    assert sets[0] == sets[1]

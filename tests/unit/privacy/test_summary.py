"""Rows: which there are depends on the plan, what they say on the estimates, what they admit on the policy."""

from itertools import combinations

import numpy as np
import pytest

from privacy.prior import expected_interaction
from privacy.summary import summarise
from schemas.released import REASONS
from tests.unit.privacy.estimating import by_id, estimated, exact_table, policy, riverbend, simulate

SURVEY = riverbend()
ATTRIBUTES = by_id(SURVEY)
GROUPS = ("age", "district", "tenure")
TABLES = (
    [(n,) for n in ATTRIBUTES]
    + list(combinations(GROUPS, 2))
    + [(g, n) for n in ATTRIBUTES if n not in GROUPS for g in GROUPS]
)


def rows_of(scale, people=800, measured=None, shown=None, seed=1, **changes):
    rng = np.random.default_rng(seed)
    data = simulate(ATTRIBUTES, people, rng)
    plan, estimates = estimated(ATTRIBUTES, data, dict.fromkeys(measured or TABLES, scale), shown or TABLES, rng)
    given = policy(**changes)
    believed = expected_interaction(given.prior.interaction, SURVEY.expected.responses)
    plan = plan.model_copy(update={"interaction": believed})
    return data, estimates, summarise(SURVEY, given, plan, ATTRIBUTES, estimates)


def key(row):
    return row.subject, row.statistic, row.option, row.group_attribute, row.group, row.weighted


def one(rows, *wanted):
    (row,) = [row for row in rows if key(row) == wanted]
    return row


def test_the_row_set_does_not_depend_on_the_answers():
    sets = [[key(row) for row in rows_of(scale, people, seed=seed)[2]] for scale, people, seed in
            ((1e-6, 800, 1), (30.0, 100, 2), (1e9, 40, 3))]  # fmt: skip
    assert sets[0] == sets[1] == sets[2]
    assert len(set(sets[0])) == len(sets[0])


def test_values_at_vanishing_noise_are_those_of_the_rows():
    data, _, rows = rows_of(1e-6)
    table = exact_table(data, ("age", "quality"))
    young = table[0]
    assert one(rows, "quality", "pct_positive", None, "age", "1", False).value == pytest.approx(
        100 * young[:2].sum() / young[:4].sum()
    )
    assert one(rows, "age", "population", "2", None, None, False).value == pytest.approx(table[1].sum())
    asked = table.sum()
    special = exact_table(data, ("services",))[4:].sum()
    ticks = exact_table(data, ("services",))[0]
    assert one(rows, "services", "pct", "a", None, None, False).value == pytest.approx(100 * ticks / (asked - special))
    district = exact_table(data, ("district", "years__mean"))[0] / 1e6
    assert one(rows, "years", "mean", None, "district", "N", False).value == pytest.approx(
        90 * district[0] / district[:2].sum()
    )
    index = exact_table(data, ("safety",)) / 1e6
    assert one(rows, "safety", "index", None, None, None, False).value == pytest.approx(
        100 * index[0] / index[:2].sum()
    )


@pytest.mark.parametrize("scale", [1e-6, 5.0, 100.0, 1e6, 1e10])
def test_every_row_is_sane(scale):
    for row in rows_of(scale)[2]:
        assert row.reason == "" if row.publishable else row.reason in REASONS
        numbers = (row.value, row.low, row.high, row.moe, row.sampling_moe, row.noise_moe, row.bias_moe)
        if row.reason == "undefined":
            assert numbers == (None,) * 7
            continue
        assert np.isfinite(numbers).all() and np.isfinite(row.base)
        assert row.low <= row.value <= row.high
        assert min(numbers[3:]) >= 0
        if row.unit == "percent":
            assert row.low >= 0 and row.high <= 100
        assert isinstance(row.value, float) and isinstance(row.publishable, bool)


def test_small_noise_publishes_and_large_noise_does_not():
    _, _, quiet = rows_of(1e-6)
    assert one(quiet, "quality", "pct_positive", None, None, None, False).publishable
    _, _, loud = rows_of(1e4)
    assert not any(row.publishable for row in loud)


def test_a_group_that_nobody_measured_is_everybody_and_never_published():
    ones = [(n,) for n in ATTRIBUTES]
    _, _, rows = rows_of(1.0, measured=ones)
    everybody = one(rows, "quality", "pct_positive", None, None, None, False)
    group = one(rows, "quality", "pct_positive", None, "age", "1", False)
    assert group.value == pytest.approx(everybody.value)
    assert group.sampling_moe == pytest.approx(everybody.sampling_moe)
    assert group.bias_moe > 0 and group.model_based and group.reason == "no_information"
    weighted = one(rows, "quality", "pct_positive", None, None, None, True)
    assert weighted.model_based and weighted.bias_moe > 0
    assert weighted.value == pytest.approx(everybody.value)


def test_bias_grows_with_the_prior():
    ones = [(n,) for n in ATTRIBUTES]
    margins = [
        one(
            rows_of(1.0, measured=ones, prior={"interaction": k})[2], "quality", "mean", None, "age", "1", False
        ).bias_moe
        for k in (1, 3, 6)
    ]
    energies = [expected_interaction(k, SURVEY.expected.responses) for k in (1, 3)]
    assert margins[1] == pytest.approx(margins[0] * (energies[1] / energies[0]) ** 0.5)
    assert margins[2] > margins[1]


def test_an_unmeasured_topline_knows_nothing():
    _, _, rows = rows_of(1.0, measured=[("age",)], shown=[("age",), ("quality",)])
    row = one(rows, "quality", "pct_positive", None, None, None, False)
    assert row.reason == "no_information" and row.model_based
    assert (row.low, row.high) == (0, 100)


def test_weighted_rows_move_towards_the_targets():
    _, _, rows = rows_of(1e-6)
    plain = one(rows, "quality", "pct_positive", None, None, None, False)
    weighted = one(rows, "quality", "pct_positive", None, None, None, True)
    assert weighted.value != pytest.approx(plain.value, abs=1e-3)
    assert weighted.sampling_moe > plain.sampling_moe and not weighted.model_based
    assert weighted.bias_moe == pytest.approx(0, abs=1e-3)


def test_without_targets_nothing_is_weighted():
    survey = riverbend(demographics=[{"id": "age", "column": "a", "categories": {"1": "x", "2": "y"}}])
    attributes, rng = by_id(survey), np.random.default_rng(3)
    data = simulate(attributes, 200, rng)
    plan, estimates = estimated(attributes, data, {("quality",): 1.0}, [("quality",)], rng)
    assert not any(row.weighted for row in summarise(survey, policy(), plan, attributes, estimates))


def test_a_table_that_the_plan_calls_uninformative_is_not_published():
    rng = np.random.default_rng(1)
    data = simulate(ATTRIBUTES, 800, rng)
    plan, _ = estimated(ATTRIBUTES, data, dict.fromkeys(TABLES, 1e-6), TABLES, rng)
    doubtful = plan.model_copy(
        update={"published": tuple(t.model_copy(update={"informative": False}) for t in plan.published)}
    )
    from privacy.estimate import estimate
    from tests.unit.privacy.estimating import released

    exact = {t.id: exact_table(data, t.attributes) for t in plan.measured}
    found = summarise(
        SURVEY, policy(), doubtful, ATTRIBUTES, estimate(doubtful, ATTRIBUTES, released(plan, exact, rng), None)
    )
    assert one(found, "quality", "pct_positive", None, "age", "1", False).reason == "no_information"
    assert one(found, "quality", "pct_positive", None, None, None, False).publishable

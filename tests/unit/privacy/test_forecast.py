"""Forecasts from public numbers: ranges that hold the middle, fall with the loss and know when nothing is known."""

from math import sqrt

import pytest

from privacy.prior import prior_variance, public_belief
from schemas.attributes import attributes_of
from schemas.plan import Plan, PublishedTable
from tests.planning_sample import MULTI, NUMERIC, plan_of, small_policy, small_survey

SURVEY = small_survey(questions=6, groups=(4, 2), responses=2000, extra=(MULTI, NUMERIC))


def tables(plan: Plan) -> dict[str, PublishedTable]:
    return {table.id: table for table in plan.published}


def test_the_range_holds_the_middle() -> None:
    for table in plan_of(SURVEY, small_policy()).published:
        margin = table.forecast
        middle = sqrt(margin.sampling_points**2 + margin.noise_points**2)
        assert margin.low_points <= min(middle, 100) + 0.02
        assert min(middle, 100) <= margin.high_points + 0.02


def test_sampling_is_the_textbook_margin() -> None:
    topline = tables(plan_of(SURVEY, small_policy()))["q0"].forecast
    assert topline.sampling_points == pytest.approx(1.959964 * sqrt(0.25 / (0.9 * 2000)) * 100, abs=0.006)
    assert topline.base == 2000


def test_with_vanishing_noise_only_sampling_is_left() -> None:
    for table in plan_of(SURVEY, small_policy(spend={"rho": 1e6})).published:
        assert table.measured
        assert table.informative
        assert table.forecast.noise_points < 0.1


def test_more_loss_never_widens_a_topline() -> None:
    noise = [
        tables(plan_of(SURVEY, small_policy(spend={"epsilon": e})))["q0"].forecast.noise_points for e in (0.5, 1, 4)
    ]
    assert noise[0] > noise[1] > noise[2]


def test_an_unmeasured_crosstab_rests_on_the_prior_and_says_so() -> None:
    poor = small_policy(spend={"epsilon": 0.2})
    survey = small_survey(questions=6, groups=(4, 2), responses=300)
    crosstab = tables(plan_of(survey, poor))["g0*q0"]
    assert (crosstab.measured, crosstab.informative, crosstab.share_of_loss) == (False, False, 0.0)
    bolder = tables(
        plan_of(survey, poor.model_copy(update={"prior": poor.prior.model_copy(update={"interaction": 6})}))
    )
    assert bolder["g0*q0"].forecast.noise_points > crosstab.forecast.noise_points


def test_one_way_tables_are_always_informative() -> None:
    plan = plan_of(small_survey(questions=40, responses=100), small_policy(spend={"epsilon": 0.1}))
    assert all(table.informative for table in plan.published if len(table.attributes) == 1)


def test_declared_shares_give_the_smallest_base() -> None:
    survey = small_survey(groups=(3,), responses=1000, targets={"0": 0.6, "1": 0.35, "2": 0.05})
    assert tables(plan_of(survey, small_policy()))["g0*q0"].forecast.base == pytest.approx(50)


def test_the_prior_is_uniform_samplings_energy_times_the_belief() -> None:
    survey = small_survey(questions=1, groups=(4,), indices=0, responses=900)
    attributes = attributes_of(survey)
    by_id = {attribute.id: attribute for attribute in attributes}
    variance = prior_variance(("g0", "q0"), (), by_id, public_belief(survey, attributes, 2.0))
    energy = 2.0 * 900 * (1 - 1 / 4) * (1 - 1 / 5)
    assert variance == pytest.approx(energy / ((by_id["g0"].size - 1) * (by_id["q0"].size - 1)))


def test_nothing_is_believed_about_main_effects_and_demographics() -> None:
    survey = small_survey(groups=(4, 3), extra=(MULTI,))
    attributes = attributes_of(survey)
    by_id = {attribute.id: attribute for attribute in attributes}
    belief = public_belief(survey, attributes, 2.0)
    multi = (by_id["used"],)
    free = [((), ()), (("q0",), ()), (("g0",), ()), (("g0", "g1"), ()), ((), multi), (("used",), multi)]
    assert all(prior_variance(component, universe, by_id, belief) == float("inf") for component, universe in free)
    held = [(("g0", "q0"), ()), (("g0",), multi), (("g0", "used"), multi)]
    assert all(0 < prior_variance(component, universe, by_id, belief) < 1e5 for component, universe in held)

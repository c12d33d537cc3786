"""Laplace noise and the choice between families: where they cross, what the caps leave of pure ε, and local optima."""

import re

import numpy as np
import pytest

from privacy.allocate import allocate, optimal_shares, raise_to_floors
from privacy.noise_family import Problem, problem_of
from privacy.prior import public_belief
from privacy.workload import net_candidates, wanted_tables, with_optional_details
from schemas.attributes import attributes_of
from schemas.nets import NET, net_attributes
from schemas.plan import NANO
from schemas.survey import Survey
from tests.planning_sample import MULTI, plan_of, small_policy, small_survey

ONE_WAY = {"crosstabs": {"others": "none"}, "demographics": "single", "indices": "none"}


def problem_for(survey: Survey) -> Problem:
    attributes, policy = attributes_of(survey), small_policy()
    nets, blocks = net_attributes(survey, attributes), {index.id: index.items for index in survey.indices}
    belief = public_belief(survey, attributes, 3.0)
    tables = wanted_tables(policy, attributes, belief)
    scores = net_candidates(tables, nets, blocks, policy, belief)
    by_id = {attribute.id: attribute for attribute in (*attributes, *nets)}
    return problem_of(with_optional_details(tables, scores, policy), scores, by_id, belief, shared_keys=False)


def errors_in(reason: str) -> tuple[float, float]:
    """Expected errors with Gaussian and with Laplace noise, as the plan says them."""
    gaussian, laplace = re.findall(r"([0-9.e+]+) (?:people )?with (?:Gaussian|Laplace)", reason)
    return float(gaussian), float(laplace)


@pytest.mark.parametrize(("questions", "noise"), [(2, "laplace"), (9, "laplace"), (12, "gaussian"), (40, "gaussian")])
def test_families_cross_at_about_eleven_questions(questions: int, noise: str) -> None:
    """One-choice questions at ε = 1 and δ = 1e-6: 2n² against n/(2ρ) of variance, equal at n = 1/(4ρ)."""
    survey = small_survey(questions=questions, groups=(), indices=0, responses=3000)
    plan = plan_of(survey, small_policy(noise="auto", spend={"epsilon": 1}, workload=ONE_WAY))
    gaussian, laplace = errors_in(plan.noise_reason)
    assert plan.noise == noise
    assert (laplace < gaussian) == (noise == "laplace")
    assert plan.noise_reason.startswith("at epsilon 1 the expected error")
    assert plan.epsilon is not None
    assert 0.998 < plan.epsilon <= 1


def test_caps_in_rho_take_from_laplace_what_few_tables_would_gain() -> None:
    """Three tables at pure ε = 1 cost ρ = 1/6, far more than ε = 1 at δ is worth, and the reason says so."""
    survey = small_survey(questions=3, groups=(), indices=0, responses=3000)
    spend = {"epsilon": 1}
    free = plan_of(survey, small_policy(noise="auto", spend=spend, workload=ONE_WAY))
    bound = plan_of(survey, small_policy(noise="auto", spend=spend, cap={"epsilon": 1}, workload=ONE_WAY))
    assert (free.noise, bound.noise) == ("laplace", "gaussian")
    assert "caps in rho let Laplace noise use epsilon 0.3" in bound.noise_reason
    assert "caps in rho" not in free.noise_reason


def test_a_net_score_under_laplace_noise_is_worth_its_unit() -> None:
    """Its L1 sensitivity is one respondent, as of a count; ρ is booked as ε²/2 beside pure ε."""
    plan = plan_of(small_survey(responses=6000), small_policy(noise="laplace", spend={"epsilon": 8}))
    nets = [table for table in plan.measured if table.id.endswith(NET)]
    assert nets
    for table in nets:
        assert table.l1 == table.unit
        assert table.l2_squared == table.unit**2
        assert table.charge_nano_pure_epsilon is not None
        pure = table.charge_nano_pure_epsilon / NANO
        assert table.noise_sd == pytest.approx(2**0.5 / pure, rel=1e-6)
        assert table.charge_nano_rho == pytest.approx(pure**2 / 2 * NANO, rel=1e-6, abs=1)
    charges = [table.charge_nano_pure_epsilon or 0 for table in plan.measured]
    assert plan.charge_nano_pure_epsilon == sum(charges) <= 8 * NANO


@pytest.mark.parametrize("epsilon", [3, 8])
def test_no_random_start_beats_the_split_for_laplace(epsilon: float) -> None:
    """Not convex: the starts tried must do as well as thirty others, net scores among the candidates."""
    problem = problem_for(small_survey(questions=6, groups=(3, 2), responses=5000, extra=(MULTI,)))
    whole = epsilon**2 / (2 * problem.l1**2)
    found = allocate(problem.design, whole, 2)
    kept = np.isin(np.arange(len(whole)), found.measured)
    design, rng = problem.design.without(kept), np.random.default_rng(5)
    for _ in range(30):
        start = raise_to_floors(np.exp(rng.normal(0, 2, len(found.measured))), design.floors)
        assert optimal_shares(design, whole[kept], 2, start).objective >= found.objective * 0.99


@pytest.mark.parametrize("epsilon", [3, 8])
def test_one_table_more_or_less_gains_nothing_for_laplace(epsilon: float) -> None:
    """The greedy choice of what is measured: adding or leaving out any single optional table gains less than 3 %."""
    problem = problem_for(small_survey(questions=5, groups=(3, 2), responses=3000))
    whole = epsilon**2 / (2 * problem.l1**2)
    found = allocate(problem.design, whole, 2)
    kept = np.isin(np.arange(len(whole)), found.measured)
    best = problem.design.without(kept).objective(found.precisions)
    for position in np.flatnonzero(problem.design.optional):
        other = kept.copy()
        other[position] = not other[position]
        split = optimal_shares(problem.design.without(other), whole[other], 2)
        assert split.objective >= best * 0.97

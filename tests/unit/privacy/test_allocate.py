"""The split of the loss: optimal by certificate and by another solver, within its minimum shares, and fast."""

import time
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from privacy.allocate import GAP, KNOWN, Design, allocate, design_of, optimal_shares, raise_to_floors
from privacy.prior import public_belief
from privacy.workload import net_candidates, wanted_tables, with_optional_details
from schemas.attributes import attributes_of
from schemas.nets import net_attributes
from schemas.survey import Survey
from tests.planning_sample import MULTI, small_policy, small_survey


def design_for(survey: Survey, others: str = "forecast", interaction: float = 3.0) -> Design:
    attributes = attributes_of(survey)
    belief = public_belief(survey, attributes, interaction)
    policy = small_policy(workload={"crosstabs": {"others": others, "priority": [["q0", "g0"]]}})
    tables = wanted_tables(policy, attributes, belief)
    blocks = {index.id: index.items for index in survey.indices}
    nets = net_candidates(tables, net_attributes(survey, attributes), blocks, policy, belief)
    return design_of(with_optional_details(tables, nets, policy), nets, {a.id: a for a in attributes}, belief)


def even(design: Design, precision: float) -> NDArray[np.float64]:
    return np.full(len(design.floors), precision)


SMALL = small_survey(questions=2, groups=(3,), indices=0, responses=2000)


@pytest.mark.parametrize("precision", [0.01, 1.0, 100.0])
def test_another_solver_finds_the_same_optimum(precision: float) -> None:
    design = design_for(SMALL)
    whole = even(design, precision)
    found = optimal_shares(design, whole, 1)
    other = minimize(
        lambda shares: design.objective(whole * shares) / found.objective,
        raise_to_floors(np.ones(len(whole)), design.floors),
        bounds=[(floor + 1e-9, 1) for floor in design.floors],
        constraints={"type": "eq", "fun": lambda shares: np.sum(shares) - 1},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert found.objective <= other.fun * found.objective * (1 + 2 * GAP)


def test_no_split_beats_the_certified_bound() -> None:
    design = design_for(small_survey(extra=(MULTI,)))
    whole = even(design, 5.0)
    found = optimal_shares(design, whole, 1)
    assert 0 <= found.gap <= GAP * found.objective
    rng = np.random.default_rng(3)
    for _ in range(300):
        noise = np.exp(rng.normal(0, 0.5, len(whole)))
        shares = raise_to_floors(found.shares * noise + 1e-12, design.floors)
        assert design.objective(whole * shares) >= found.objective - found.gap - 1e-9


@pytest.mark.parametrize("power", [1, 2])
def test_the_search_never_goes_up(power: int, monkeypatch: pytest.MonkeyPatch) -> None:
    design = design_for(small_survey())
    whole = even(design, 2.0)
    values: list[float] = []
    for rounds in range(1, 30):
        monkeypatch.setattr("privacy.allocate.MOST_ROUNDS", rounds)
        values.append(optimal_shares(design, whole, power).objective)
    assert all(later <= sooner * (1 + 1e-12) for sooner, later in pairwise(values))


def test_minimum_shares_are_kept_and_all_is_split() -> None:
    design = design_for(small_survey(questions=30, indices=3))
    for power, precision in ((1, 0.1), (1, 1e4), (2, 1.0)):
        found = allocate(design, even(design, precision), power)
        assert np.all(found.shares >= design.floors[found.measured] * (1 - 1e-12))
        assert np.sum(found.shares) == pytest.approx(1)


def test_raise_to_floors_is_exact() -> None:
    floors = np.array([0.3, 0.1, 0.0, 0.0])
    shares = raise_to_floors(np.array([1.0, 4.0, 2.0, 0.0]), floors)
    assert np.allclose(shares, [0.3, 0.7 * 4 / 6, 0.7 * 2 / 6, 0.0])
    assert np.allclose(raise_to_floors(np.ones(4), np.zeros(4)), 0.25)


def test_what_cannot_be_known_is_not_measured() -> None:
    design = design_for(small_survey(questions=40, responses=300))
    found = allocate(design, even(design, 0.02), 1)
    assert not design.optional[found.measured].any()


def test_every_optional_table_measured_can_be_known() -> None:
    design = design_for(small_survey(questions=8, groups=(2, 8), responses=8000))
    for precision in (0.003, 0.01, 0.03, 0.1, 1.0, 1e6):
        found = allocate(design, even(design, precision), 1)
        left = np.isin(np.arange(len(design.floors)), found.measured)
        known = design.without(left).known_parts(found.precisions)
        optional = design.optional[found.measured]
        assert np.all(known[optional] >= design.least_known[found.measured][optional] * 0.999)
    tables = np.flatnonzero(design.least_known == KNOWN)
    assert set(tables) <= set(found.measured), "with vanishing noise every table is measured"


def test_several_starts_do_not_lose_to_one() -> None:
    design = design_for(small_survey(questions=3, groups=(4,), responses=3000), others="all")
    whole = even(design, 1.0)
    assert allocate(design, whole, 2).objective <= optimal_shares(design, whole, 2).objective * (1 + 1e-9)


def test_two_hundred_questions_by_eight_demographics_take_well_under_a_second() -> None:
    design = design_for(small_survey(questions=200, groups=(7, 3, 2, 4, 5, 6, 3, 8), indices=14, responses=5000))
    started = time.process_time()
    found = allocate(design, even(design, 0.2), 1)
    assert time.process_time() - started < 1
    assert found.rounds < 500

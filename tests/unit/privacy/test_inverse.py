"""The ε that wished-for margins need: smallest, monotone in the wish, and none where no noise is to blame."""

import pytest

from privacy.inverse import MOST, SEARCHED, epsilon_for, holds, looked_at, named, spending
from schemas.errors import DeclarationFault
from tests.planning_sample import plan_of, small_policy, small_survey

SURVEY = small_survey(questions=4, groups=(2, 3), responses=4000)
POLICY = small_policy()


def smallest_by_looking(targets: dict[str, float]) -> float:
    """The first ε of a coarse grid at which the targets hold, found without bisection."""
    return next(e for e in SEARCHED[::200] if holds(looked_at(SURVEY, spending(POLICY, e)), targets))


@pytest.mark.parametrize("targets", [{"q0": 3.0}, {"topline": 2.5}, {"g0*q0": 8.0}, {"q0": 3.0, "index_crosstab": 7.0}])
def test_it_holds_there_and_nowhere_below(targets: dict[str, float]) -> None:
    found = epsilon_for(SURVEY, POLICY, targets)
    assert found is not None
    assert holds(plan_of(SURVEY, spending(POLICY, found)), targets)
    before = SEARCHED[SEARCHED.index(found) - 1]
    assert not holds(plan_of(SURVEY, spending(POLICY, before)), targets)
    coarse = smallest_by_looking(targets)
    assert SEARCHED.index(coarse) - 200 < SEARCHED.index(found) <= SEARCHED.index(coarse)


def test_a_stricter_wish_never_needs_less() -> None:
    found = [epsilon_for(SURVEY, POLICY, {"g1*q1": points}) for points in (16.0, 5.2, 4.2, 3.95)]
    known = [epsilon for epsilon in found if epsilon is not None]
    assert len(known) == len(found)
    assert known == sorted(known)
    assert known[0] < known[-1]
    both = epsilon_for(SURVEY, POLICY, {"g1*q1": 5.2, "q0": 2.35})
    alone = epsilon_for(SURVEY, POLICY, {"g1*q1": 5.2})
    assert both is not None
    assert alone is not None
    assert both >= alone


def test_the_middle_of_the_forecast_asks_for_less_than_its_cautious_end() -> None:
    middle, high = (epsilon_for(SURVEY, POLICY, {"q0": 2.5}, end=end) for end in ("middle", "high"))
    assert middle is not None
    assert high is not None
    assert middle < high


def test_no_loss_buys_less_than_the_sampling_error() -> None:
    assert epsilon_for(SURVEY, POLICY, {"q0": 1.0}) is None


def test_a_narrow_margin_that_only_a_belief_gives_is_not_bought() -> None:
    """Groups believed alike have narrow margins unmeasured: the wish waits until the table is known."""
    alike = small_policy(interaction=0.01)
    poor = plan_of(SURVEY, spending(alike, 0.05))
    (table,) = named(poor, "g0*q0")
    assert not table.informative
    found = epsilon_for(SURVEY, alike, {"g0*q0": table.forecast.high_points})
    assert found is None or found > 0.05


def test_caps_do_not_count_but_a_cap_on_pure_epsilon_asks_for_laplace() -> None:
    tight = small_policy(cap={"epsilon": 0.1}, spend={"epsilon": 0.1})
    assert epsilon_for(SURVEY, tight, {"q0": 3.0}) == epsilon_for(SURVEY, POLICY, {"q0": 3.0})
    pure = small_policy(noise="auto", cap={"rho": 1e6, "pure_epsilon": 1}, spend={"epsilon": 1})
    laplace = small_policy(noise="laplace")
    assert epsilon_for(SURVEY, pure, {"q0": 3.0}) == epsilon_for(SURVEY, laplace, {"q0": 3.0})


def test_a_spend_in_rho_has_an_inverse_too() -> None:
    assert epsilon_for(SURVEY, small_policy(spend={"rho": 0.1}), {"q0": 3.0}) == epsilon_for(
        SURVEY, POLICY, {"q0": 3.0}
    )


def test_tables_are_named_in_any_order_and_unknown_ones_are_refused() -> None:
    plan = plan_of(SURVEY, POLICY)
    assert named(plan, "q0*g0") == named(plan, "g0*q0")
    assert {table.kind for table in named(plan, "topline")} == {"topline"}
    with pytest.raises(DeclarationFault, match="neither a table"):
        epsilon_for(SURVEY, POLICY, {"nowhere": 5.0})


def test_what_is_searched_can_be_written_into_a_policy() -> None:
    assert (SEARCHED[0], SEARCHED[-1]) == (0.01, MOST)
    assert list(SEARCHED) == sorted(set(SEARCHED))
    assert all(float(f"{epsilon:.3g}") == epsilon for epsilon in SEARCHED)

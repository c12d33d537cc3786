"""Laws of every plan, over random surveys and policies."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.mechanisms import privacy_map
from privacy.sensitivity import table_sensitivity
from schemas.attributes import attributes_of
from schemas.canonical import digest
from schemas.nets import with_nets
from schemas.plan import NANO, nano
from schemas.policy import Policy
from schemas.survey import Survey
from tests.planning_sample import MULTI, NPS, NUMERIC, RANKING, plan_of, small_policy, small_survey


@st.composite
def surveys(draw: st.DrawFn) -> Survey:
    return small_survey(
        questions=draw(st.integers(1, 5)),
        groups=tuple(draw(st.lists(st.integers(1, 6), max_size=3))),
        indices=draw(st.integers(0, 2)),
        responses=draw(st.sampled_from([1, 50, 600, 20_000])),
        extra=tuple(draw(st.lists(st.sampled_from([MULTI, NUMERIC, NPS, RANKING]), unique_by=lambda q: str(q["id"])))),
        verified=draw(st.booleans()),
    )


@st.composite
def policies(draw: st.DrawFn, **fixed: Any) -> Policy:
    return small_policy(
        **{
            "spend": {"epsilon": draw(st.floats(0.05, 50))},
            "noise": draw(st.sampled_from(["auto", "gaussian", "laplace"])),
            "shared_keys": draw(st.booleans()),
            "interaction": draw(st.sampled_from([0.5, 3.0, 100.0])),
            "delta": draw(st.sampled_from([1e-9, 1e-6, 1e-3])),
            "workload": {
                "crosstabs": {"others": draw(st.sampled_from(["forecast", "all", "none"]))},
                "demographics": draw(st.sampled_from(["pairs", "single"])),
                "emphasis": draw(st.dictionaries(st.sampled_from(["toplines", "others"]), st.floats(0.01, 100))),
            },
            **fixed,
        }
    )


@given(surveys(), policies())
def test_a_plan_spends_what_it_may_and_charges_what_opendp_says(survey: Survey, policy: Policy) -> None:
    plan = plan_of(survey, policy)
    attributes = {attribute.id: attribute for attribute in with_nets(survey, attributes_of(survey))}
    assert plan.charge_nano_rho <= plan.spend_nano_rho
    if plan.noise == "gaussian":
        assert plan.charge_nano_rho >= 0.999 * plan.spend_nano_rho
        assert plan.charge_nano_pure_epsilon is None
    else:
        spend = (policy.spend.epsilon or 0) * NANO
        assert 0.999 * spend <= (plan.charge_nano_pure_epsilon or 0) <= spend
    for table in plan.measured:
        axes = tuple(attributes[a] for a in table.attributes)
        bound = table_sensitivity(axes, shared_keys=plan.shared_keys)
        assert (table.l1, table.l2_squared) == (bound.l1, bound.l2_squared)
        assert table.charge_nano_rho == nano(privacy_map(table.mechanism, table.scale, bound.l1, bound.l2_squared)[0])
        assert table.charge_nano_rho > 0
    assert plan.charge_nano_rho == sum(table.charge_nano_rho for table in plan.measured)


@given(surveys(), policies())
@settings(max_examples=20)
def test_a_plan_is_a_function_of_its_declarations(survey: Survey, policy: Policy) -> None:
    assert digest(plan_of(survey, policy)) == digest(plan_of(survey, policy))


@given(surveys(), policies())
def test_what_must_be_measured_is_and_margins_are_numbers(survey: Survey, policy: Policy) -> None:
    plan = plan_of(survey, policy)
    others_forecast = policy.workload.crosstabs.others == "forecast"
    for table in plan.published:
        named = table.priority or table.kind == "index_crosstab"
        assert table.measured or table.net_measured or (others_forecast and table.kind == "crosstab" and not named)
        assert 0 <= table.forecast.low_points <= table.forecast.high_points <= 100
        assert table.informative or len(table.attributes) > 1


@given(surveys(), policies(noise="gaussian"), st.floats(1.01, 3))
def test_more_epsilon_costs_more(survey: Survey, policy: Policy, factor: float) -> None:
    more = policy.model_copy(
        update={"spend": policy.spend.model_copy(update={"epsilon": (policy.spend.epsilon or 0) * factor})}
    )
    assert plan_of(survey, more).charge_nano_rho > plan_of(survey, policy).charge_nano_rho

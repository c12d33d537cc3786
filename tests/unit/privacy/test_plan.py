"""The plan: spends what it may and no more, says what it chose, and is the same bytes every time."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from privacy.accountant import rho_of
from privacy.charges import apportion, on_grid
from privacy.measure import check_charge
from privacy.mechanisms import privacy_map
from privacy.sensitivity import table_unit
from schemas.attributes import attributes_of
from schemas.canonical import digest
from schemas.errors import DeclarationFault, IntegrityFault
from schemas.ledger import Charge
from schemas.nets import NET, with_nets
from schemas.plan import NANO, Plan, nano
from schemas.policy import Policy
from schemas.survey import Survey
from tests.planning_sample import MULTI, NPS, NUMERIC, plan_of, small_policy, small_survey

SURVEY = small_survey(questions=5, groups=(3, 2), extra=(MULTI, NUMERIC, NPS), verified=True)


def charge_for(plan: Plan, **changes: Any) -> Charge:
    amounts = {"charge_nano_rho": plan.charge_nano_rho, "charge_nano_pure_epsilon": plan.charge_nano_pure_epsilon}
    return Charge.model_validate(
        {
            "release_id": "r",
            "population": plan.population,
            "year": plan.year,
            "survey": plan.survey,
            "wave": plan.wave,
            "plan_digest": digest(plan),
            "survey_digest": plan.survey_digest,
            "policy_digest": plan.policy_digest,
            "snapshot_id": "s",
            "attempt": 1,
            "mechanism": f"discrete_{plan.noise}",
            "measured_tables": len(plan.measured),
            "delta": plan.delta,
            **amounts,
            **changes,
        }
    )


@pytest.mark.parametrize("spend", [{"epsilon": 0.05}, {"epsilon": 1}, {"epsilon": 20}, {"rho": 0.1}, {"rho": 1e6}])
def test_gaussian_uses_the_spend_and_not_more(spend: dict[str, float]) -> None:
    plan = plan_of(SURVEY, small_policy(spend=spend))
    assert 0.999 * plan.spend_nano_rho <= plan.charge_nano_rho <= plan.spend_nano_rho
    assert plan.charge_nano_pure_epsilon is None
    assert plan.charge_nano_rho == sum(table.charge_nano_rho for table in plan.measured)
    expected = spend["rho"] if "rho" in spend else rho_of(spend["epsilon"], plan.delta)
    assert plan.spend_nano_rho == pytest.approx(expected * NANO, rel=1e-8, abs=1)


def test_laplace_uses_the_spend_and_not_more() -> None:
    plan = plan_of(SURVEY, small_policy(noise="laplace"))
    assert plan.charge_nano_pure_epsilon is not None
    assert 0.999 * 3 * NANO <= plan.charge_nano_pure_epsilon <= 3 * NANO
    assert plan.charge_nano_rho <= plan.spend_nano_rho
    assert plan.epsilon is not None
    assert plan.epsilon <= 3


def test_laplace_also_keeps_the_caps_in_rho() -> None:
    """The ledger books ε²/2 of ρ: three tables at pure ε = 3 would cost far more than ε = 3 is worth in ρ."""
    survey = small_survey(questions=2, groups=(3,), indices=0)
    workload = {"crosstabs": {"others": "none"}, "demographics": "single"}
    plan = plan_of(survey, small_policy(noise="laplace", cap={"epsilon": 3}, workload=workload))
    most = int(rho_of(3, 1e-6) * NANO)
    assert 0.998 * most <= plan.charge_nano_rho <= most
    assert "caps in rho" in plan.noise_reason


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("shared_keys", [False, True])
def test_the_measurement_accepts_the_plan_and_nothing_cheaper(noise: str, shared_keys: bool) -> None:
    plan = plan_of(SURVEY, small_policy(noise=noise, shared_keys=shared_keys))
    attributes = {attribute.id: attribute for attribute in with_nets(SURVEY, attributes_of(SURVEY))}
    check_charge(plan, attributes, charge_for(plan))
    with pytest.raises(Exception, match="costs more"):
        check_charge(plan, attributes, charge_for(plan, charge_nano_rho=plan.charge_nano_rho - 1))


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("shared_keys", [False, True])
def test_a_household_pays_for_all_of_its_responses(noise: str, shared_keys: bool) -> None:
    """Plan, charge and the worker's check use one sensitivity: h times Δ₁, h² times Δ₂², at the same loss."""
    survey = small_survey(household=4)
    attributes = {a.id: a for a in with_nets(survey, attributes_of(survey))}
    home = plan_of(survey, small_policy(noise=noise, protects="household", shared_keys=shared_keys))
    check_charge(home, attributes, charge_for(home), survey.residents.responses_per_unit)
    for responses in (1, 3, 5):
        with pytest.raises(IntegrityFault, match="sensitivity"):
            check_charge(home, attributes, charge_for(home), responses)
    exchange = 2 if shared_keys else 1
    for table in home.measured:
        axes = tuple(attributes[a] for a in table.attributes)
        signed = table.attributes[-1].endswith(NET)
        assert table.l1 == 4 * exchange * table_unit(axes)
        assert table.l2_squared == 16 * (exchange**2 if signed else exchange) * table_unit(axes) ** 2
    assert home.charge_nano_rho <= home.spend_nano_rho


def test_a_household_plan_is_as_noisy_as_one_of_residents_at_a_sixteenth_of_the_loss() -> None:
    home = plan_of(small_survey(household=4), small_policy(spend={"rho": 1.6}, protects="household"))
    alone = plan_of(small_survey(), small_policy(spend={"rho": 0.1}))
    assert [t.attributes for t in home.measured] == [t.attributes for t in alone.measured]
    for one, two in zip(home.measured, alone.measured, strict=True):
        assert one.scale == pytest.approx(two.scale, rel=1e-3)


def test_shared_keys_cost_an_exchange() -> None:
    alone, shared = (plan_of(SURVEY, small_policy(shared_keys=shared)) for shared in (False, True))
    twice = {table.id: table for table in shared.measured}
    both = [(table, twice[table.id]) for table in alone.measured if table.id in twice]
    assert len(both) > len(alone.measured) / 2
    for one, two in both:
        signed = one.attributes[-1].endswith(NET)
        assert (two.l1, two.l2_squared) == (2 * one.l1, (4 if signed else 2) * one.l2_squared)
    assert shared.charge_nano_rho <= shared.spend_nano_rho


def test_every_charge_is_opendps_map_rounded_up() -> None:
    for noise in ("gaussian", "laplace"):
        for table in plan_of(SURVEY, small_policy(noise=noise)).measured:
            rho, pure = privacy_map(table.mechanism, table.scale, table.l1, table.l2_squared)
            assert table.charge_nano_rho == nano(rho)
            assert table.charge_nano_pure_epsilon == (None if pure is None else nano(pure))


def test_auto_takes_laplace_for_few_tables_and_gaussian_for_many() -> None:
    single = {"crosstabs": {"others": "none"}, "demographics": "single", "indices": "none"}
    few = plan_of(small_survey(questions=2, groups=(3,)), small_policy(noise="auto", workload=single))
    many = plan_of(small_survey(questions=40, groups=(3,)), small_policy(noise="auto", workload=single))
    assert (few.noise, many.noise) == ("laplace", "gaussian")
    for plan in (few, many):
        assert "people with Gaussian" in plan.noise_reason
        assert "with Laplace" in plan.noise_reason


def test_a_pure_cap_refuses_gaussian() -> None:
    cap = {"rho": 1e6, "pure_epsilon": 5}
    auto = plan_of(small_survey(questions=40), small_policy(noise="auto", cap=cap))
    assert auto.noise == "laplace"
    assert "pure epsilon" in auto.noise_reason
    with pytest.raises(DeclarationFault) as fault:
        plan_of(SURVEY, small_policy(cap=cap))
    assert fault.value.where == "policy.yaml: spend.noise, caps.release.pure_epsilon"
    with pytest.raises(DeclarationFault) as fault:
        plan_of(SURVEY, small_policy(noise="laplace", cap=cap, spend={"epsilon": 6}))
    assert fault.value.where == "policy.yaml: spend.epsilon, caps.release.pure_epsilon"


@pytest.mark.parametrize("noise", ["gaussian", "auto"])
def test_a_spend_beyond_a_cap_is_refused(noise: str) -> None:
    plan_of(SURVEY, small_policy(noise=noise, cap={"epsilon": 3}))
    with pytest.raises(DeclarationFault) as fault:
        plan_of(SURVEY, small_policy(noise=noise, cap={"epsilon": 2.9}))
    assert fault.value.where == "policy.yaml: spend.epsilon, caps.release.epsilon"
    assert fault.value.exit_code == 3


def test_vanishing_noise_measures_every_crosstab() -> None:
    plan = plan_of(SURVEY, small_policy(spend={"rho": 1e6}))
    assert {t.id for t in plan.measured if not t.id.endswith(NET)} == {t.id for t in plan.published}
    assert plan.epsilon is None
    assert all(table.noise_sd < 0.1 for table in plan.measured)


def test_printed_epsilon_is_the_smaller_and_never_more_than_the_policy() -> None:
    for epsilon in (0.1, 1, 8):
        plan = plan_of(SURVEY, small_policy(spend={"epsilon": epsilon}))
        assert plan.epsilon is not None
        assert 0.998 * epsilon < plan.epsilon <= epsilon


def test_published_tables_cover_the_measured_ones() -> None:
    plan = plan_of(SURVEY, small_policy())
    assert [t.id for t in plan.published if t.measured] == [t.id for t in plan.measured if not t.id.endswith(NET)]
    assert {f"{t.id}{NET}" for t in plan.published if t.net_measured} == {
        t.id for t in plan.measured if t.id.endswith(NET)
    }
    assert sum(t.share_of_loss for t in plan.published) == pytest.approx(1, abs=1e-4)
    order = {attribute.id: i for i, attribute in enumerate(attributes_of(SURVEY))}
    for table in plan.published:
        assert list(table.attributes) == sorted(table.attributes, key=order.__getitem__)


def test_the_same_declarations_give_the_same_bytes_in_another_process(root: Path) -> None:
    script = (
        "from tests.planning_sample import *\n"
        "from schemas.canonical import digest\n"
        "print(digest(plan_of(small_survey(extra=(MULTI, NUMERIC)), small_policy(noise='auto'))))"
    )
    expected = digest(plan_of(small_survey(extra=(MULTI, NUMERIC)), small_policy(noise="auto")))
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=root,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected


@pytest.mark.parametrize(
    ("survey", "policy", "code"),
    [
        (SURVEY, small_policy(protects="household"), "unit_household"),
        (small_survey(household=4), small_policy(), "unit_household"),
        (
            SURVEY.model_copy(update={"residents": SURVEY.residents.model_copy(update={"key": "none"})}),
            small_policy(),
            "unit_needs_key",
        ),
        (SURVEY, small_policy(spend={"rho": 1e-9}), "spend_too_small"),
    ],
)
def test_what_cannot_be_planned_is_refused(survey: Survey, policy: Policy, code: str) -> None:
    with pytest.raises(DeclarationFault) as fault:
        plan_of(survey, policy)
    assert fault.value.code == code
    assert fault.value.where.startswith("policy.yaml")


def test_charges_are_apportioned_whole() -> None:
    assert apportion(np.array([0.5, 0.25, 0.25]), 1000) == [500, 250, 250]
    assert apportion(np.array([1 / 3, 1 / 3, 1 / 3]), 11) == [4, 4, 3]
    assert apportion(np.array([1.0, 0.0]), 2) == [1, 1]
    assert sum(apportion(np.full(7, 1 / 7), 10**17)) == 10**17


def test_scales_are_rounded_up_to_a_grid() -> None:
    assert on_grid(1.00001e-7) == 1.0001e-7
    assert on_grid(123456789.0) == 123460000.0
    assert on_grid(0.5) == 0.5


@pytest.mark.parametrize("noise", ["gaussian", "auto"])
def test_two_hundred_questions_by_eight_demographics_are_planned_within_a_second(noise: str) -> None:
    survey = small_survey(questions=200, groups=(7, 3, 2, 4, 5, 6, 3, 8), indices=14, responses=5000)
    policy, times = small_policy(noise=noise), list[float]()
    for _ in range(2):
        started = time.process_time()
        plan_of(survey, policy)
        times.append(time.process_time() - started)
    assert min(times) < 1

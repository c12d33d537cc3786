"""What a charge may cost, on which account, under which caps."""

import math
from typing import Any

import pytest

from privacy.accountant import rho_of
from privacy.ledger_rules import caps_nano, refusal
from privacy.ledger_state import lifetime_scope, wave_scope, year_scope
from schemas.canonical import digest
from schemas.errors import BudgetRefused, Fault
from schemas.policy import Policy
from tests.ledger_sample import START, World, a_charge, a_policy, cross


def refused(code: str) -> pytest.RaisesExc[Fault]:
    return pytest.RaisesExc(BudgetRefused, check=lambda fault: fault.code == code and fault.exit_code == 6)


def capped(**caps: dict[str, float]) -> Policy:
    """Wide caps, but for those given."""
    wide: dict[str, Any] = {level: {"rho": 1000} for level in ("release", "wave", "year", "lifetime")}
    return a_policy(caps=wide | caps)


def test_caps_are_rounded_down_and_read_as_written() -> None:
    policy = capped(release={"rho": 0.3, "pure_epsilon": 0.3}, wave={"epsilon": 2}, year={"rho": 1.9999999999})
    caps = caps_nano(policy)
    assert (caps.release.nano_rho, caps.release.nano_pure_epsilon) == (300_000_000, 300_000_000)
    assert caps.wave.nano_rho == math.floor(rho_of(2, policy.delta) * 1e9)
    assert caps.year.nano_rho == 1_999_999_999
    assert caps.lifetime.nano_pure_epsilon is None


def test_a_charge_may_use_a_cap_up_exactly_and_not_one_nano_more(world: World) -> None:
    ledger, policy = world.open(), capped(wave={"rho": 0.2})
    ledger.charge(a_charge(policy, 1), policy)
    with refused("cap_exceeded"):
        ledger.charge(a_charge(policy, 2, charge_nano_rho=100_000_001), policy)
    ledger.charge(a_charge(policy, 2), policy)
    with refused("cap_exceeded"):
        ledger.charge(a_charge(policy, 3, charge_nano_rho=1), policy)
    assert ledger.spent("adults", 2026, "community", "2026").wave.left_nano_rho == 0


@pytest.mark.parametrize("level", ["release", "wave", "year", "lifetime"])
def test_each_scope_refuses_and_says_asked_and_left(world: World, level: str) -> None:
    ledger, policy = world.open(), capped(**{level: {"rho": 0.15}})
    ledger.charge(a_charge(policy, 1), policy)
    with pytest.raises(BudgetRefused) as raised:
        ledger.charge(a_charge(policy, 2, rho=0.2), policy)
    left = "0.15" if level == "release" else "0.05"
    assert "asks for ρ 0.2 (ε " in raised.value.what
    assert f"has ρ {left} (ε " in raised.value.what
    assert "left of ρ 0.15 (ε " in raised.value.what


def test_renaming_a_survey_resets_neither_year_nor_lifetime(world: World) -> None:
    ledger, policy = world.open(), capped(wave={"rho": 0.1}, year={"rho": 0.2}, lifetime={"rho": 0.3})
    ledger.charge(a_charge(policy, 1), policy)
    ledger.charge(a_charge(policy, 2, survey="renamed"), policy)
    with refused("cap_exceeded"):
        ledger.charge(a_charge(policy, 3, survey="renamed-again"), policy)
    ledger.charge(a_charge(policy, 3, survey="renamed-again", year=2027, wave="2027"), policy)
    with refused("cap_exceeded"):
        ledger.charge(a_charge(policy, 4, survey="yet-another", year=2028, wave="2028"), policy)
    state = ledger.state()
    assert state.spent_in(lifetime_scope("adults")).nano_rho == 300_000_000
    assert state.spent_in(year_scope("adults", 2026)).nano_rho == 200_000_000
    assert state.spent_in(wave_scope("adults", 2026, "renamed", "2026")).nano_rho == 100_000_000


def test_populations_are_accounts(world: World) -> None:
    ledger, adults, staff = world.open(), capped(lifetime={"rho": 0.1}), a_policy(population="staff")
    ledger.charge(a_charge(adults, 1), adults)
    ledger.charge(a_charge(staff, 2, survey="staff"), staff)
    with refused("cap_exceeded"):
        ledger.charge(a_charge(adults, 3), adults)


@pytest.mark.parametrize("home", [{"year": 2027}, {"population": "staff"}])
def test_a_wave_keeps_its_population_and_year(world: World, home: dict[str, Any]) -> None:
    ledger, policy = world.open(), a_policy()
    ledger.charge(a_charge(policy, 1), policy)
    moved = a_policy(population=str(home.get("population", "adults")))
    with refused("wave_moved"):
        ledger.charge(a_charge(moved, 2, **home), moved)


def test_a_charge_under_another_policy_than_the_one_shown_is_refused(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    for change in ({"population": "staff"}, {"delta": 1e-5}, {"policy_digest": digest(capped())}):
        with refused("policy_mismatch"):
            ledger.charge(a_charge(policy, **change), policy)


def test_a_pure_cap_refuses_gaussian_noise(world: World) -> None:
    ledger, policy = world.open(), capped(year={"rho": 100, "pure_epsilon": 1})
    with refused("pure_cap_gaussian"):
        ledger.charge(a_charge(policy, 1), policy)
    ledger.charge(a_charge(policy, 1, rho=0.32, pure=0.8), policy)
    with refused("cap_exceeded"):
        ledger.charge(a_charge(policy, 2, rho=0.02, pure=0.21), policy)
    ledger.charge(a_charge(policy, 2, rho=0.02, pure=0.2), policy)
    assert ledger.spent("adults", 2026, "community", "2026").year.spent_epsilon == pytest.approx(1.0)


def test_a_pure_cap_over_gaussian_noise_of_before_refuses_everything(world: World) -> None:
    ledger, wide, pure = world.open(), capped(), capped(lifetime={"rho": 100, "pure_epsilon": 5})
    ledger.charge(a_charge(wide, 1), wide)
    with refused("pure_cap_gaussian"):
        ledger.charge(a_charge(pure, 2, rho=0.02, pure=0.2), pure)
    assert ledger.state().policies["adults"].policy.policy_digest == digest(wide)


@pytest.mark.parametrize("amount", [0, -1, -(10**9), 10**18 + 1, math.nan, math.inf, 5e-324, 0.5, None, "many", True])
def test_absurd_amounts_are_refused(world: World, amount: Any) -> None:
    ledger, policy = world.open(), capped()
    forged = a_charge(policy).model_copy(update={"charge_nano_rho": amount})
    with refused("charge_amount"):
        ledger.charge(forged, policy)
    assert ledger.state().spent == {}


@pytest.mark.parametrize(
    ("mechanism", "pure"), [("discrete_gaussian", 5), ("discrete_laplace", None), ("discrete_laplace", 0)]
)
def test_pure_epsilon_goes_with_laplace_only(world: World, mechanism: str, pure: int | None) -> None:
    policy = capped()
    charge = a_charge(policy, mechanism=mechanism, charge_nano_pure_epsilon=pure)
    with refused("charge_amount"):
        world.open().charge(charge, policy)


def test_asking_changes_nothing(world: World) -> None:
    ledger, policy = world.open(), capped(release={"rho": 0.1})
    state = ledger.state()
    assert refusal(state, a_charge(policy), policy, START) is None
    over = refusal(state, a_charge(policy, rho=0.2), policy, START)
    assert over is not None
    assert over.code == "cap_exceeded"
    assert ledger.state() == state


def test_the_budget_shows_scopes_unpublished_and_refused(world: World) -> None:
    ledger, policy = world.open(), a_policy(caps={level: {"epsilon": 3} for level in a_policy().caps.model_dump()})
    cross(ledger, a_charge(policy, 1, rho=0.05), policy)
    cross(ledger, a_charge(policy, 2, rho=0.01), policy, publish=False)
    with refused("cap_exceeded"):
        ledger.charge(a_charge(policy, 3, rho=5), policy)
    budget = ledger.budget()
    assert [scope.level for scope in budget.scopes] == ["lifetime", "year", "wave"]
    assert {scope.spent_nano_rho for scope in budget.scopes} == {60_000_000}
    assert [scope.cap_epsilon for scope in budget.scopes] == [pytest.approx(3, rel=1e-6)] * 3
    assert [crossing.release_id for crossing in budget.unpublished] == ["r2"]
    assert [(r.code, r.asked_nano_rho) for r in budget.refused] == [("cap_exceeded", 5_000_000_000)]
    assert not budget.frozen
    nothing = ledger.spent("staff", 2026, "community", "2026")
    assert (nothing.delta, nothing.year.spent_nano_rho, nothing.year.left_nano_rho) == (None, 0, None)


def test_one_gaussian_charge_ends_the_pure_sum(world: World) -> None:
    ledger, policy = world.open(), capped()
    ledger.charge(a_charge(policy, 1, rho=0.02, pure=0.2), policy)
    assert ledger.spent("adults", 2026, "community", "2026").wave.spent_nano_pure_epsilon == 200_000_000
    ledger.charge(a_charge(policy, 2, rho=0.02), policy)
    assert ledger.spent("adults", 2026, "community", "2026").wave.spent_nano_pure_epsilon is None

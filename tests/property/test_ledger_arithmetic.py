"""Laws of the ledger's arithmetic, over random sequences of everything that can be recorded."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ledger.draft import Draft
from pipelines.ledger.signing import SigningKey
from privacy.ledger_limits import LARGEST_CHARGE, caps_refused, policy_terms
from privacy.ledger_rules import Admission, CrossingState, LedgerState, decide, fold, time_text
from privacy.ledger_state import Spent, lifetime_scope, scopes_of, wave_scope, year_scope
from schemas.canonical import digest
from schemas.errors import BudgetRefused
from schemas.ledger import Charge, EventKind, Freeze, Opened, Seal, Thaw, Voided
from schemas.policy import Policy
from tests.ledger_sample import START, a_charge, a_policy

pytestmark = pytest.mark.prove

KEY = SigningKey.new()
LEVELS = ("release", "wave", "year", "lifetime")

amounts = st.integers(min_value=1, max_value=400_000_000) | st.integers(min_value=1, max_value=LARGEST_CHARGE)
caps = st.fixed_dictionaries(
    {level: st.floats(min_value=0.05, max_value=2).map(lambda rho: {"rho": rho}) for level in LEVELS}
)
pure_caps = st.fixed_dictionaries(
    {level: st.floats(min_value=0.05, max_value=2).map(lambda e: {"rho": 2, "pure_epsilon": e}) for level in LEVELS}
)


def opened() -> Draft:
    draft = Draft([], KEY, START)
    body = Opened(format="hearsafe-ledger/1", ledger_id="memory", public_key=KEY.public_key_hex)
    draft.append(EventKind.OPENED, body)
    return draft


def charge_or_refusal(draft: Draft, charge: Charge, policy: Policy) -> BudgetRefused | None:
    """What `Ledger.charge` does within its transaction, without the REFUSED event."""
    decided = decide(draft.state, charge, policy, draft.now)
    if not isinstance(decided, Admission):
        return decided
    if decided.adopts is not None:
        draft.append(EventKind.POLICY, decided.adopts)
    draft.append(EventKind.CHARGED, decided.charge)
    return None


def end_of(draft: Draft, kind: EventKind, release_id: str) -> None:
    """Seal or void a release, where that is allowed."""
    crossing = draft.state.crossings.get(release_id)
    if crossing is None or crossing.state is not CrossingState.CHARGED:
        return
    body = Seal if kind is EventKind.SEALED else Voided
    draft.append(kind, body(release_id=release_id, charge_seq=crossing.charged_seq))


steps = st.lists(
    st.tuples(
        st.sampled_from(["charge", "charge", "charge", "charge", "void", "seal", "freeze", "thaw", "clock"]),
        st.integers(min_value=1, max_value=12),
        amounts,
        st.sampled_from(["adults", "staff"]),
        st.sampled_from([("a", "2026", 2026), ("b", "2026", 2026), ("a", "2027", 2027)]),
        st.integers(min_value=0, max_value=2),
        st.booleans(),
    ),
    max_size=25,
)


@given(policies=st.lists(caps | pure_caps, min_size=3, max_size=3), steps=steps)
def test_spent_never_falls_is_the_sum_of_charges_and_stays_under_the_caps_in_force(
    policies: list[dict[str, Any]], steps: list[Any]
) -> None:
    draft = opened()
    spent: dict[Any, Spent] = {}
    for action, number, amount, population, (survey, wave, year), which, laplace in steps:
        if action == "charge":
            policy = a_policy(population=population, caps=policies[which])
            place = {"survey": f"{population}-{survey}", "wave": wave, "year": year, "charge_nano_rho": amount}
            charge = a_charge(policy, number, pure=amount / 1e9 if laplace else None, **place)
            before = fold(draft.added)
            if charge_or_refusal(draft, charge, policy) is None:
                assert charge.release_id not in before.crossings
                standing = draft.state.policies[population].policy
                assert standing.policy_digest == digest(policy)
                for scope, level in zip(scopes_of(charge), LEVELS, strict=True):
                    cap = getattr(standing.caps, level)
                    now = draft.state.spent_in(scope)
                    assert now.nano_rho <= cap.nano_rho
                    if cap.nano_pure_epsilon is not None:
                        assert now.nano_pure_epsilon is not None
                        assert now.nano_pure_epsilon <= cap.nano_pure_epsilon
        elif action in {"void", "seal"}:
            end_of(draft, EventKind.VOID if action == "void" else EventKind.SEALED, f"r{number}")
        elif action == "freeze" and draft.state.frozen_seq is None:
            draft.append(EventKind.FROZEN, Freeze())
        elif action == "thaw" and draft.state.frozen_seq is not None:
            draft.append(EventKind.THAWED, Thaw())
        elif action == "clock":
            draft.now += timedelta(days=(number - 6) * 400)
        for scope, amount_before in spent.items():
            assert draft.state.spent[scope].nano_rho >= amount_before.nano_rho
        spent = dict(draft.state.spent)
    assert fold(draft.added) == draft.state
    _is_the_sum_of_its_charges(draft.state, [e.body for e in draft.added if e.kind is EventKind.CHARGED])


def _is_the_sum_of_its_charges(state: LedgerState, charges: list[dict[str, Any]]) -> None:
    for scope, spent in state.spent.items():
        mine = [
            charge
            for charge in charges
            if all(getattr(scope, name) in {None, charge[name]} for name in ("population", "year", "survey", "wave"))
            and scope.release_id in {None, charge["release_id"]}
        ]
        pures = [charge["charge_nano_pure_epsilon"] for charge in mine]
        assert spent.nano_rho == sum(charge["charge_nano_rho"] for charge in mine)
        assert spent.nano_pure_epsilon == (None if None in pures else sum(pures))


@given(first=amounts, second=amounts, before=st.integers(min_value=0, max_value=10**9), laplace=st.booleans())
def test_more_loss_never_costs_less_and_is_never_let_in_where_less_is_not(
    first: int, second: int, before: int, laplace: bool
) -> None:
    less, more = sorted((first, second))
    policy = a_policy(caps={level: {"rho": 0.7, "pure_epsilon": 0.9} for level in LEVELS} if laplace else None)
    terms = policy_terms(policy, digest(policy))
    pure = 0.1 if laplace else None

    def of(amount: int) -> Charge:
        changes = {"charge_nano_pure_epsilon": amount} if laplace else {}
        return a_charge(policy, pure=pure, charge_nano_rho=amount, **changes)

    for scope in scopes_of(of(less)):
        state = replace(LedgerState(), spent={scope: Spent(before, before if laplace else None)})
        assert state.spent_in(scope).plus(of(less)).nano_rho <= state.spent_in(scope).plus(of(more)).nano_rho
        assert state.spent_in(scope).plus(of(less)).nano_rho > before
        if caps_refused(state, of(more), terms) is None:
            assert caps_refused(state, of(less), terms) is None


@given(amount=st.integers() | st.floats() | st.booleans() | st.none())
def test_only_positive_whole_amounts_are_charged(amount: Any) -> None:
    draft = opened()
    policy = a_policy(caps={level: {"rho": 1e6} for level in LEVELS})
    charge = a_charge(policy).model_copy(update={"charge_nano_rho": amount})
    refused = charge_or_refusal(draft, charge, policy)
    proper = isinstance(amount, int) and not isinstance(amount, bool) and 0 < amount <= 10**15
    assert (refused is None) == proper
    assert (draft.state.spent_in(lifetime_scope("adults")).nano_rho > 0) == proper


@given(charges=st.lists(st.integers(min_value=1, max_value=30_000_000), min_size=12, max_size=12))
def test_twelve_waves_add_up(charges: list[int]) -> None:
    """Everybody is taken to be in every wave: a year is the sum of its waves, a lifetime of its years."""
    draft, policy = opened(), a_policy()
    for number, amount in enumerate(charges):
        wave, year = str(number), 2026 + number // 4
        charge = a_charge(policy, number, wave=wave, year=year, charge_nano_rho=amount)
        assert charge_or_refusal(draft, charge, policy) is None
        assert draft.state.spent_in(wave_scope("adults", year, "community", wave)).nano_rho == amount
    years = [draft.state.spent_in(year_scope("adults", year)).nano_rho for year in (2026, 2027, 2028)]
    assert years == [sum(charges[start : start + 4]) for start in (0, 4, 8)]
    assert draft.state.spent_in(lifetime_scope("adults")).nano_rho == sum(charges)


@given(days=st.integers(min_value=-20_000, max_value=20_000))
def test_ledger_time_never_goes_backward(days: int) -> None:
    draft = opened()
    draft.now += timedelta(days=days)
    draft.append(EventKind.FROZEN, Freeze())
    assert draft.added[-1].time == max(time_text(START), time_text(draft.now))

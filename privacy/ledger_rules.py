"""The ledger's rules, pure: which event may follow which, when a charge is given, and when a policy comes into force.

Dry run, then record, then apply: `decide` says what would be recorded and changes nothing.

Claim: docs/claims/ledger.md.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from privacy.ledger_fold import IllegalEventError, fold
from privacy.ledger_limits import (
    amount_refused,
    cap_nano,
    caps_nano,
    caps_refused,
    only_lowers,
    pick_approvals,
    policy_terms,
)
from privacy.ledger_state import Crossing, CrossingState, LedgerState, Scope, Spent, StandingPolicy
from schemas.canonical import digest
from schemas.errors import BudgetRefused
from schemas.ledger import Charge, PolicyInForce
from schemas.policy import Policy

__all__ = [
    "Admission",
    "Crossing",
    "CrossingState",
    "IllegalEventError",
    "LedgerState",
    "Scope",
    "Spent",
    "adoption",
    "cap_nano",
    "caps_nano",
    "decide",
    "fold",
    "ledger_time",
    "refusal",
    "time_text",
]


def time_text(moment: datetime) -> str:
    """UTC, ISO 8601, whole seconds.

    >>> time_text(datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC))
    '2026-03-01T12:00:05Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ledger_time(state: LedgerState, now: datetime) -> str:
    """The later of the clock and the last event: a clock set back revives no approval."""
    return max(time_text(now), state.time)


@dataclass(frozen=True)
class Admission:
    """A charge that may be recorded, with the approvals it uses, and the policy that comes into force with it."""

    charge: Charge
    adopts: PolicyInForce | None


def decide(state: LedgerState, charge: Charge, policy: Policy, now: datetime) -> Admission | BudgetRefused:
    """Whether this charge is given now. Picks the approvals itself. Raises: DeclarationFault: a malformed officer."""
    time = ledger_time(state, now)
    refused = amount_refused(charge) or _mismatched(charge, policy) or _forbidden(state, charge)
    if refused is not None:
        return refused
    adopts = adoption(state, policy, charge.policy_digest, time)
    if isinstance(adopts, BudgetRefused):
        return adopts
    terms = adopts or state.policies[charge.population].policy
    approvals = pick_approvals(state, charge, terms, time)
    if isinstance(approvals, BudgetRefused):
        return approvals
    refused = caps_refused(state, charge, terms)
    return refused or Admission(charge.model_copy(update={"approval_seqs": approvals}), adopts)


def refusal(state: LedgerState, charge: Charge, policy: Policy, now: datetime) -> BudgetRefused | None:
    """Why this charge would not be given now; None where it would. Raises: DeclarationFault: a malformed officer."""
    decided = decide(state, charge, policy, now)
    return decided if isinstance(decided, BudgetRefused) else None


def _mismatched(charge: Charge, policy: Policy) -> BudgetRefused | None:
    if charge.population != policy.population:
        what = "the charge is for another population than the policy's"
    elif charge.delta != policy.delta or charge.policy_digest != digest(policy):
        what = "the charge was planned under another policy than this one"
    else:
        return None
    return BudgetRefused("policy_mismatch", what, where="policy.yaml", do="Plan again with this policy")


def _forbidden(state: LedgerState, charge: Charge) -> BudgetRefused | None:
    """What no policy can allow: a frozen ledger, a second charge for one draw, a wave that moved or is gone."""
    release, wave = f"release {charge.release_id}", f"wave {charge.wave} of {charge.survey}"
    attempts = state.crossings_of(charge.plan_digest, charge.snapshot_id)
    home = (charge.population, charge.year)
    earlier = state.crossings_of_wave(charge.survey, charge.wave)
    if state.frozen_seq is not None:
        place = f"seq {state.frozen_seq}"
        return BudgetRefused("frozen", "all charges are frozen", where=place, do="An officer can lift the freeze")
    if charge.release_id in state.crossings:
        return BudgetRefused("already_charged", "this release has been charged already", where=release)
    if any(attempt.state is not CrossingState.VOID for attempt in attempts):
        what = "the same plan on the same snapshot has been charged and was not voided"
        advice = "Run hearsafe release: it returns the stored release"
        return BudgetRefused("already_charged", what, where=release, do=advice)
    if (charge.survey, charge.wave) in state.expired:
        return BudgetRefused("wave_expired", "the zone key of this wave was destroyed", where=wave)
    if any((c.charge.population, c.charge.year) != home for c in earlier):
        what = "this wave has been charged to another population or year, and stays there"
        return BudgetRefused("wave_moved", what, where=wave, do="Restore the wave's population and year in survey.yaml")
    return None


def adoption(state: LedgerState, policy: Policy, policy_digest: str, time: str) -> PolicyInForce | BudgetRefused | None:
    """The policy that comes into force now: None where it is in force already, or why it may not be.

    Officers of the policy in force decide, never those that the new file names; nobody has to where it only lowers
    caps. Raises: DeclarationFault.
    """
    standing = state.policies.get(policy.population)
    if standing is not None and standing.policy.policy_digest == policy_digest:
        return None
    authority = state.authority(policy.population)
    if authority is None:
        return policy_terms(policy, policy_digest)
    terms = policy_terms(policy, policy_digest)
    if standing is authority and only_lowers(authority.policy, terms):
        return terms
    first_of = _agreeing(state, authority, terms, time)
    if len(first_of) >= authority.policy.needed:
        return policy_terms(policy, policy_digest, sorted(first_of)[: authority.policy.needed])
    agreed = f"{len(first_of)} of {authority.policy.needed} officers of the policy in force have approved it"
    what = f"this policy is not in force: {agreed}"
    advice = "Let an officer of the policy in force run hearsafe approve, or restore the policy"
    return BudgetRefused("policy_not_approved", what, where="policy.yaml", do=advice)


def _agreeing(state: LedgerState, authority: StandingPolicy, terms: PolicyInForce, time: str) -> list[int]:
    """Approvals of the new policy by distinct officers of the one in force, given since it came into force.

    Not by its own author, where that is excluded.
    """
    officers = set(authority.policy.officers) - {terms.author}
    found: dict[str, int] = {}
    for approval in state.approvals.values():
        said = approval.statement
        about_this = (said.population, said.policy_digest) == (terms.population, terms.policy_digest)
        since = approval.seq > authority.seq and said.expires > time
        if about_this and since and approval.officer in officers:
            found.setdefault(approval.officer, approval.seq)
    return list(found.values())

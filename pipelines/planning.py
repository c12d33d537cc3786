"""The plan of a pair of declarations, and what it would cost against what is left in each scope."""

from dataclasses import dataclass

from pipelines.declarations import Declarations
from privacy.ledger_limits import caps_nano
from privacy.ledger_rules import LedgerState
from privacy.ledger_state import Scope, lifetime_scope, wave_scope, year_scope
from privacy.plan import make_plan
from schemas.ledger import CapNano
from schemas.plan import Plan
from schemas.policy import Policy


@dataclass(frozen=True)
class ScopeLeft:
    """One scope before the charge. Integers of nano-ρ."""

    scope: Scope
    spent_nano_rho: int
    cap_nano_rho: int

    @property
    def left_nano_rho(self) -> int:
        return max(0, self.cap_nano_rho - self.spent_nano_rho)


def planned(declarations: Declarations) -> Plan:
    """The plan that a release of these declarations follows. Raises: DeclarationFault."""
    return make_plan(
        declarations.survey,
        declarations.for_planning(),
        survey_digest=declarations.survey_digest,
        policy_digest=declarations.policy_digest,
    )


def scopes_left(state: LedgerState, plan: Plan, policy: Policy) -> list[ScopeLeft]:
    """The wave, year and lifetime that a plan would be booked on, under this policy, in force or not."""
    caps = caps_nano(policy)
    booked: tuple[tuple[Scope, CapNano], ...] = (
        (wave_scope(plan.population, plan.year, plan.survey, plan.wave), caps.wave),
        (year_scope(plan.population, plan.year), caps.year),
        (lifetime_scope(plan.population), caps.lifetime),
    )
    return [ScopeLeft(scope, state.spent_in(scope).nano_rho, cap.nano_rho) for scope, cap in booked]


def cap_changes(state: LedgerState, policy: Policy) -> list[dict[str, str | int]]:
    """Caps that an approval of this policy changes: scope, and nano-ρ before and after. Empty for a first policy."""
    standing = state.policies.get(policy.population)
    if standing is None:
        return []
    before, after = standing.policy.caps, caps_nano(policy)
    levels = (
        ("release", before.release, after.release),
        ("wave", before.wave, after.wave),
        ("year", before.year, after.year),
        ("lifetime", before.lifetime, after.lifetime),
    )
    return [
        {"scope": level, "before_nano_rho": old.nano_rho, "after_nano_rho": new.nano_rho}
        for level, old, new in levels
        if old.nano_rho != new.nano_rho
    ]

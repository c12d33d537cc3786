"""What has been spent and what is left, for cards and for the officer: summaries of a ledger's state."""

from dataclasses import dataclass

from privacy.accountant import epsilon_of
from privacy.ledger_state import (
    Crossing,
    CrossingState,
    LedgerState,
    Level,
    Scope,
    Spent,
    lifetime_scope,
    wave_scope,
    year_scope,
)
from schemas.ledger import CapNano, PolicyInForce, Refusal
from schemas.plan import NANO


@dataclass(frozen=True)
class ScopeSpent:
    """Loss and cap of one scope. Integers of nano-ρ and nano pure ε; None where there is no pure ε, or no such cap.

    `spent_epsilon` and `cap_epsilon` are for reading: the smaller of pure ε and the conversion of ρ at δ; None where
    that has no meaning, or no policy is in force.
    """

    level: Level
    name: str
    spent_nano_rho: int
    spent_nano_pure_epsilon: int | None
    spent_epsilon: float | None
    cap_nano_rho: int | None
    cap_nano_pure_epsilon: int | None
    cap_epsilon: float | None

    @property
    def left_nano_rho(self) -> int | None:
        """Zero where a later policy lowered the cap below what was spent."""
        return None if self.cap_nano_rho is None else max(0, self.cap_nano_rho - self.spent_nano_rho)


@dataclass(frozen=True)
class SpentSummary:
    """The three scopes that outlast a release."""

    population: str
    delta: float | None
    wave: ScopeSpent
    year: ScopeSpent
    lifetime: ScopeSpent


@dataclass(frozen=True)
class Budget:
    """The officer's view. `unpublished`: charges whose release is not out, voided ones included."""

    scopes: tuple[ScopeSpent, ...]
    unpublished: tuple[Crossing, ...]
    refused: tuple[Refusal, ...]
    frozen: bool


def spent_summary(state: LedgerState, population: str, year: int, survey: str, wave: str) -> SpentSummary:
    """What one wave, its year and its population's lifetime have spent, against the policy in force."""
    terms = _terms(state, population)
    return SpentSummary(
        population=population,
        delta=None if terms is None else terms.delta,
        wave=_scope_spent(state, wave_scope(population, year, survey, wave), terms),
        year=_scope_spent(state, year_scope(population, year), terms),
        lifetime=_scope_spent(state, lifetime_scope(population), terms),
    )


def budget_of(state: LedgerState) -> Budget:
    """Every population's scopes, widest first, and what did not come to a publication."""
    populations = sorted({scope.population for scope in state.spent} | set(state.policies))
    scopes: list[ScopeSpent] = []
    for population in populations:
        spent = [scope for scope in state.spent if scope.population == population]
        named = [lifetime_scope(population)]
        named += sorted((s for s in spent if s.level == "year"), key=lambda s: s.year or 0)
        named += sorted(
            (s for s in spent if s.level == "wave"), key=lambda s: (s.year or 0, s.survey or "", s.wave or "")
        )
        scopes += [_scope_spent(state, scope, _terms(state, population)) for scope in named]
    unpublished = tuple(c for c in state.crossings.values() if c.state is not CrossingState.PUBLISHED)
    return Budget(tuple(scopes), unpublished, tuple(state.refused), state.frozen_seq is not None)


def _terms(state: LedgerState, population: str) -> PolicyInForce | None:
    standing = state.policies.get(population)
    return None if standing is None else standing.policy


def _scope_spent(state: LedgerState, scope: Scope, terms: PolicyInForce | None) -> ScopeSpent:
    spent = state.spent_in(scope)
    cap: CapNano | None = None if terms is None else getattr(terms.caps, scope.level)
    delta = None if terms is None else terms.delta
    return ScopeSpent(
        level=scope.level,
        name=str(scope),
        spent_nano_rho=spent.nano_rho,
        spent_nano_pure_epsilon=spent.nano_pure_epsilon,
        spent_epsilon=printed_epsilon(spent, delta),
        cap_nano_rho=None if cap is None else cap.nano_rho,
        cap_nano_pure_epsilon=None if cap is None else cap.nano_pure_epsilon,
        cap_epsilon=None if cap is None else printed_epsilon(Spent(cap.nano_rho, cap.nano_pure_epsilon), delta),
    )


def printed_epsilon(spent: Spent, delta: float | None) -> float | None:
    """The smaller of pure ε and the conversion of ρ at δ."""
    converted = None if delta is None else epsilon_of(spent.nano_rho / NANO, delta)
    pure = None if spent.nano_pure_epsilon is None else spent.nano_pure_epsilon / NANO
    return min((epsilon for epsilon in (converted, pure) if epsilon is not None), default=None)

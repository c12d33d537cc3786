"""What the ledger's events add up to: spent loss per scope, crossings, approvals left, policies in force.

Everything here is derived; the events are the record. Loss is in integers of nano-ρ and nano-ε.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from schemas.ledger import ApprovalStatement, Charge, OtherPublication, PolicyInForce, Refusal

Level = Literal["release", "wave", "year", "lifetime"]


@dataclass(frozen=True)
class Scope:
    """An account that loss is booked on. A population is a lifetime; its years, waves and releases nest in it."""

    level: Level
    population: str
    year: int | None = None
    survey: str | None = None
    wave: str | None = None
    release_id: str | None = None

    def __str__(self) -> str:
        if self.level == "release":
            return "this release"
        if self.level == "wave":
            return f"wave {self.wave} of {self.survey}"
        return f"year {self.year} of {self.population}" if self.level == "year" else f"lifetime of {self.population}"


def wave_scope(population: str, year: int, survey: str, wave: str) -> Scope:
    """All releases of one wave."""
    return Scope("wave", population, year, survey, wave)


def year_scope(population: str, year: int) -> Scope:
    """All surveys of one population in one year."""
    return Scope("year", population, year)


def lifetime_scope(population: str) -> Scope:
    """Everything ever charged to one population."""
    return Scope("lifetime", population)


def scopes_of(charge: Charge) -> tuple[Scope, Scope, Scope, Scope]:
    """The four scopes a charge is booked on, narrowest first."""
    return (
        Scope("release", charge.population, charge.year, charge.survey, charge.wave, charge.release_id),
        wave_scope(charge.population, charge.year, charge.survey, charge.wave),
        year_scope(charge.population, charge.year),
        lifetime_scope(charge.population),
    )


@dataclass(frozen=True)
class Spent:
    """Loss booked on a scope. `nano_pure_epsilon` is None once anything without pure ε (Gaussian) is in it."""

    nano_rho: int = 0
    nano_pure_epsilon: int | None = 0

    def plus(self, charge: Charge) -> "Spent":
        """After one more charge: ρ and pure ε each compose by addition."""
        mine, more = self.nano_pure_epsilon, charge.charge_nano_pure_epsilon
        pure = None if mine is None or more is None else mine + more
        return Spent(self.nano_rho + charge.charge_nano_rho, pure)


class CrossingState(StrEnum):
    """How far a charge came. CHARGED → SEALED → PUBLISHED, or CHARGED → VOID; nothing leads back."""

    CHARGED = "CHARGED"
    SEALED = "SEALED"
    PUBLISHED = "PUBLISHED"
    VOID = "VOID"


@dataclass(frozen=True)
class Crossing:
    """One release id's way through the ledger, by the seq of its events."""

    charge: Charge
    state: CrossingState
    charged_seq: int
    sealed_seq: int | None = None
    published_seq: int | None = None

    @property
    def release_id(self) -> str:
        return self.charge.release_id


@dataclass(frozen=True)
class StandingApproval:
    """An APPROVED event and how many charges it is still worth."""

    seq: int
    officer: str
    statement: ApprovalStatement
    left: int


@dataclass(frozen=True)
class StandingPolicy:
    """A POLICY event: the numbers that bind its population until the next one."""

    seq: int
    policy: PolicyInForce


@dataclass(frozen=True)
class LedgerState:
    """All events up to `seq`, folded. Made by `privacy.ledger_rules.fold` only."""

    ledger_id: str = ""
    seq: int = 0
    time: str = ""
    """Time of the last event; times never go backward."""
    frozen_seq: int | None = None
    """The FROZEN event in force."""
    spent: dict[Scope, Spent] = field(default_factory=dict[Scope, Spent])
    crossings: dict[str, Crossing] = field(default_factory=dict[str, Crossing])
    approvals: dict[int, StandingApproval] = field(default_factory=dict[int, StandingApproval])
    policies: dict[str, StandingPolicy] = field(default_factory=dict[str, StandingPolicy])
    planned: dict[str, int] = field(default_factory=dict[str, int])
    snapshots: dict[str, int] = field(default_factory=dict[str, int])
    refused: list[Refusal] = field(default_factory=list[Refusal])
    closed: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    expired: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    registered: dict[int, OtherPublication] = field(default_factory=dict[int, OtherPublication])
    """What else was published, without protection, by the seq of its REGISTERED event."""

    def spent_in(self, scope: Scope) -> Spent:
        return self.spent.get(scope, Spent())

    def crossing(self, release_id: str) -> Crossing:
        """Raises: KeyError: never charged."""
        return self.crossings[release_id]

    def crossings_of(self, plan_digest: str, snapshot_id: str) -> tuple[Crossing, ...]:
        """The attempts at one plan on one snapshot, in the order they were charged."""
        wanted = (plan_digest, snapshot_id)
        return tuple(c for c in self.crossings.values() if (c.charge.plan_digest, c.charge.snapshot_id) == wanted)

    def crossings_of_wave(self, survey: str, wave: str) -> Iterator[Crossing]:
        return (c for c in self.crossings.values() if (c.charge.survey, c.charge.wave) == (survey, wave))

    def officers(self) -> frozenset[str]:
        """Everybody whom some policy in force names."""
        return frozenset(officer for standing in self.policies.values() for officer in standing.policy.officers)

    def authority(self, population: str) -> StandingPolicy | None:
        """Whose officers decide about the population's next policy; None where nobody has to be asked.

        The policy in force, where it has officers. Any other population of a ledger where some have officers needs
        those of the last such policy, or the same residents could be given a second account without them.
        """
        own = self.policies.get(population)
        if own is not None and own.policy.needed:
            return own
        others = [standing for standing in self.policies.values() if standing.policy.needed]
        return max(others, key=lambda standing: standing.seq, default=None)

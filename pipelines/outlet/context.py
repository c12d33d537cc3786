"""What a publication needs to know beside the released values: declarations, plan, and where the ledger stood."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from privacy.accountant import epsilon_of
from privacy.ledger_limits import cap_nano
from schemas.attributes import Attribute
from schemas.card import AlsoPublished, ApprovalOnCard, Scope, ScopeLoss, SpentSummary
from schemas.ledger import Charge, Event, EventKind, Head, OtherPublication
from schemas.plan import NANO, Plan
from schemas.policy import Cap, Policy
from schemas.survey import Survey


class LedgerReader(Protocol):
    """The part of the ledger that a publication reads."""

    @property
    def ledger_id(self) -> str: ...
    @property
    def public_key_hex(self) -> str: ...
    def events(self) -> Sequence[Event]: ...


@dataclass(frozen=True)
class ReleaseContext:
    """Everything on the card that is not in the released values. The same for every publication of one charge."""

    survey: Survey
    policy: Policy
    plan: Plan
    attributes: tuple[Attribute, ...]
    charged: Event
    sealed: Head
    ledger_id: str
    ledger_public_key: str
    spent: SpentSummary
    approvals: tuple[ApprovalOnCard, ...]
    isolation: tuple[str, ...]
    earlier: tuple[tuple[str, str], ...] = ()
    """(wave, release id) of the earlier releases that figures are compared with."""
    also_published: tuple[AlsoPublished, ...] = ()

    @property
    def charge(self) -> Charge:
        return Charge.model_validate(self.charged.body)

    @property
    def day(self) -> str:
        """The day of the charge, in UTC: all of the clock that is published. Finer times would tell durations."""
        return day_of(self.charged.time)

    @classmethod
    def of(
        cls,
        ledger: LedgerReader,
        survey: Survey,
        policy: Policy,
        plan: Plan,
        attributes: tuple[Attribute, ...],
        charged: Event,
        sealed: Event,
    ) -> "ReleaseContext":
        """Read from the ledger as it stood at `charged`, so that later charges do not change the card."""
        events = [event for event in ledger.events() if event.seq <= charged.seq]
        return cls(
            survey=survey,
            policy=policy,
            plan=plan,
            attributes=attributes,
            charged=charged,
            sealed=Head(ledger_id=ledger.ledger_id, seq=sealed.seq, hash=sealed.hash),
            ledger_id=ledger.ledger_id,
            ledger_public_key=ledger.public_key_hex,
            spent=spent_summary(events, Charge.model_validate(charged.body), policy),
            approvals=_approvals(events, Charge.model_validate(charged.body)),
            isolation=tuple(str(measure) for measure in sealed.body.get("isolation", ())),
            also_published=_also_published(events, survey.population),
        )


def day_of(time: str) -> str:
    """The beginning of an ISO time's day.

    >>> day_of("2026-11-03T10:21:07Z")
    '2026-11-03T00:00:00Z'
    """
    return f"{time[:10]}T00:00:00Z"


def _approvals(events: Iterable[Event], charge: Charge) -> tuple[ApprovalOnCard, ...]:
    used = [event for event in events if event.kind is EventKind.APPROVED and event.seq in charge.approval_seqs]
    return tuple(ApprovalOnCard(officer=str(event.body.get("officer", "")), time=day_of(event.time)) for event in used)


def _also_published(events: Iterable[Event], population: str) -> tuple[AlsoPublished, ...]:
    registered = [
        (event.time[:10], OtherPublication.model_validate(event.body))
        for event in events
        if event.kind is EventKind.REGISTERED
    ]
    return tuple(
        AlsoPublished(name=body.name, survey=body.survey, wave=body.wave, why=body.why, recorded=day)
        for day, body in registered
        if body.population == population
    )


def printed_epsilon(nano_rho: int, nano_pure: int | None, delta: float) -> float | None:
    """The smaller of pure ε and the conversion of ρ at δ; None where neither has a meaning."""
    converted = epsilon_of(nano_rho / NANO, delta)
    candidates = [x for x in (converted, None if nano_pure is None else nano_pure / NANO) if x is not None]
    return min(candidates) if candidates else None


def _scope(name: Scope, charges: Sequence[Charge], cap: Cap, delta: float) -> ScopeLoss:
    rho = sum(charge.charge_nano_rho for charge in charges)
    pures = [charge.charge_nano_pure_epsilon for charge in charges]
    pure = None if any(p is None for p in pures) else sum(p for p in pures if p is not None)
    bound = cap_nano(cap, delta)
    return ScopeLoss(
        scope=name,
        waves=len({(charge.year, charge.survey, charge.wave) for charge in charges}),
        charges=len(charges),
        spent_nano_rho=rho,
        spent_nano_pure_epsilon=pure,
        spent_epsilon=printed_epsilon(rho, pure, delta),
        cap_nano_rho=bound.nano_rho,
        cap_nano_pure_epsilon=bound.nano_pure_epsilon,
        cap_epsilon=cap.epsilon if cap.epsilon is not None else epsilon_of(bound.nano_rho / NANO, delta),
    )


def spent_summary(events: Iterable[Event], charge: Charge, policy: Policy) -> SpentSummary:
    """Loss of the four scopes over the CHARGED events given. Voided charges count: there is no refund."""
    charges = [Charge.model_validate(event.body) for event in events if event.kind is EventKind.CHARGED]
    lifetime = [c for c in charges if c.population == charge.population]
    year = [c for c in lifetime if c.year == charge.year]
    wave = [c for c in year if (c.survey, c.wave) == (charge.survey, charge.wave)]
    caps, delta = policy.caps, policy.delta
    return SpentSummary(
        release=_scope("release", [charge], caps.release, delta),
        wave=_scope("wave", wave, caps.wave, delta),
        year=_scope("year", year, caps.year, delta),
        lifetime=_scope("lifetime", lifetime, caps.lifetime, delta),
    )

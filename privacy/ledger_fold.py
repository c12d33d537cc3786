"""Folding events into a state, refusing every event that may not follow the ones before it.

The same check runs before an event is recorded and on every opening, so a ledger that opens never overspent.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from privacy.ledger_limits import amount_refused, approvals_broken, caps_refused, only_lowers
from privacy.ledger_state import Crossing, CrossingState, LedgerState, StandingApproval, StandingPolicy, scopes_of
from schemas.base import Declared
from schemas.ledger import (
    Approval,
    Charge,
    Event,
    EventKind,
    Freeze,
    Ingested,
    Opened,
    OtherPublication,
    Planned,
    PolicyInForce,
    Publication,
    Refusal,
    Seal,
    Thaw,
    Voided,
    WaveEnd,
)


class IllegalEventError(Exception):
    """An event that may not stand where it does. `seq` is its place, `why` says it in words."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(why)
        self.seq = seq
        self.why = why


def fold(events: Iterable[Event]) -> LedgerState:
    """The state after all events. Raises: IllegalEventError: naming the first that breaks a rule."""
    state = LedgerState()
    for event in events:
        state = extended(state, event)
    return state


def extended(state: LedgerState, event: Event) -> LedgerState:
    """The state after one more event. Uses up `state`, which is only good for throwing away afterwards.

    Raises: IllegalEventError.
    """
    if (event.seq == 1) != (event.kind is EventKind.OPENED) or event.seq != state.seq + 1:
        raise IllegalEventError(event.seq, "a ledger is opened once, by its first event")
    if event.time < state.time:
        raise IllegalEventError(event.seq, "its time is before the event before it")
    kind, apply = _RULES[event.kind]
    changed = apply(state, event, kind.model_validate(event.body))
    return replace(changed or state, seq=event.seq, time=event.time)


def _require(condition: bool, event: Event, why: str) -> None:
    if not condition:
        raise IllegalEventError(event.seq, why)


def _opened(state: LedgerState, _event: Event, body: Opened) -> LedgerState:
    return replace(state, ledger_id=body.ledger_id)


def _policy(state: LedgerState, event: Event, body: PolicyInForce) -> None:
    _require(body.needed <= len(set(body.officers)) == len(body.officers), event, "it has fewer officers than it needs")
    authority, standing = state.authority(body.population), state.policies.get(body.population)
    lowers = standing is not None and standing is authority and only_lowers(standing.policy, body)
    if authority is not None and not lowers:
        used = [state.approvals.get(seq) for seq in body.approval_seqs]
        agreed = {a.officer for a in used if a is not None and _about(a, body, authority.seq)}
        enough = len((agreed & set(authority.policy.officers)) - {body.author}) >= authority.policy.needed
        _require(enough, event, "the officers of the policy in force have not approved this one")
    state.policies[body.population] = StandingPolicy(event.seq, body)


def _about(approval: StandingApproval, terms: PolicyInForce, since: int) -> bool:
    said = approval.statement
    same = (said.population, said.policy_digest) == (terms.population, terms.policy_digest)
    return same and approval.seq > since


def _ingested(state: LedgerState, event: Event, body: Ingested) -> None:
    wave = (body.survey, body.wave)
    _require(wave not in state.closed | state.expired, event, "a closed wave accepts nothing")
    _require(body.snapshot_id not in state.snapshots, event, "this snapshot was recorded before")
    state.snapshots[body.snapshot_id] = event.seq


def _planned(state: LedgerState, event: Event, body: Planned) -> None:
    _require(body.plan_digest not in state.planned, event, "this plan was recorded before")
    state.planned[body.plan_digest] = event.seq


def _approved(state: LedgerState, event: Event, body: Approval) -> None:
    _require(body.statement.ledger_id == state.ledger_id, event, "this approval is for another ledger")
    _require(body.statement.plan_digest in state.planned, event, "this approval is of a plan that was never recorded")
    state.approvals[event.seq] = StandingApproval(event.seq, body.officer, body.statement, body.statement.charges)


def _charged(state: LedgerState, event: Event, body: Charge) -> None:
    _require(state.frozen_seq is None, event, "charges are frozen")
    _require(body.release_id not in state.crossings, event, "this release was charged before")
    _require((body.survey, body.wave) not in state.expired, event, "this wave has expired")
    standing = state.policies.get(body.population)
    if standing is None or standing.policy.policy_digest != body.policy_digest:
        raise IllegalEventError(event.seq, "its policy is not in force")
    refused = amount_refused(body) or caps_refused(state, body, standing.policy)
    _require(refused is None, event, refused.what if refused else "")
    broken = approvals_broken(state, body, standing.policy, event.time)
    _require(broken is None, event, broken or "")
    for seq in body.approval_seqs:
        state.approvals[seq] = replace(state.approvals[seq], left=state.approvals[seq].left - 1)
    for scope in scopes_of(body):
        state.spent[scope] = state.spent_in(scope).plus(body)
    state.crossings[body.release_id] = Crossing(body, CrossingState.CHARGED, event.seq)


def _crossing(state: LedgerState, event: Event, body: Seal | Publication | Voided, *allowed: CrossingState) -> Crossing:
    crossing = state.crossings.get(body.release_id)
    if crossing is None or crossing.charged_seq != body.charge_seq:
        raise IllegalEventError(event.seq, "there is no such charge")
    _require(crossing.state in allowed, event, f"a {crossing.state} release cannot become {event.kind}")
    return crossing


def _sealed(state: LedgerState, event: Event, body: Seal) -> None:
    crossing = _crossing(state, event, body, CrossingState.CHARGED)
    state.crossings[body.release_id] = replace(crossing, state=CrossingState.SEALED, sealed_seq=event.seq)


def _published(state: LedgerState, event: Event, body: Publication) -> None:
    crossing = _crossing(state, event, body, CrossingState.SEALED)
    state.crossings[body.release_id] = replace(crossing, state=CrossingState.PUBLISHED, published_seq=event.seq)


def _void(state: LedgerState, event: Event, body: Voided) -> None:
    """The loss stays in `spent`: nothing is drawn any more, but nothing is given back."""
    crossing = _crossing(state, event, body, CrossingState.CHARGED)
    state.crossings[body.release_id] = replace(crossing, state=CrossingState.VOID)


def _refused(state: LedgerState, _event: Event, body: Refusal) -> None:
    state.refused.append(body)


def _frozen(state: LedgerState, event: Event, _body: Freeze) -> LedgerState:
    _require(state.frozen_seq is None, event, "charges are frozen already")
    return replace(state, frozen_seq=event.seq)


def _thawed(state: LedgerState, event: Event, body: Thaw) -> LedgerState:
    _require(state.frozen_seq is not None, event, "charges are not frozen")
    officers = state.officers()
    signed = body.statement is not None and body.statement.frozen_seq == state.frozen_seq and body.officer in officers
    _require(signed or not officers, event, "only an officer of a policy in force lifts a freeze")
    return replace(state, frozen_seq=None)


def _closed(state: LedgerState, event: Event, body: WaveEnd) -> None:
    _require((body.survey, body.wave) not in state.closed, event, "this wave was closed before")
    state.closed.add((body.survey, body.wave))


def _expired(state: LedgerState, event: Event, body: WaveEnd) -> None:
    _require((body.survey, body.wave) not in state.expired, event, "this wave expired before")
    officers, said = state.officers(), body.statement
    signed = said is not None and (said.survey, said.wave) == (body.survey, body.wave) and body.officer in officers
    early = body.due is None or event.time < body.due
    _require(signed or not early or not officers, event, "only an officer has a zone key destroyed before its date")
    state.expired.add((body.survey, body.wave))


def _registered(state: LedgerState, event: Event, body: OtherPublication) -> None:
    _require(body not in state.registered.values(), event, "this publication was registered before")
    state.registered[event.seq] = body


_RULES: dict[EventKind, tuple[type[Declared], Callable[[LedgerState, Event, Any], LedgerState | None]]] = {
    EventKind.OPENED: (Opened, _opened),
    EventKind.POLICY: (PolicyInForce, _policy),
    EventKind.INGESTED: (Ingested, _ingested),
    EventKind.PLANNED: (Planned, _planned),
    EventKind.APPROVED: (Approval, _approved),
    EventKind.CHARGED: (Charge, _charged),
    EventKind.SEALED: (Seal, _sealed),
    EventKind.PUBLISHED: (Publication, _published),
    EventKind.VOID: (Voided, _void),
    EventKind.REFUSED: (Refusal, _refused),
    EventKind.FROZEN: (Freeze, _frozen),
    EventKind.THAWED: (Thaw, _thawed),
    EventKind.CLOSED: (WaveEnd, _closed),
    EventKind.EXPIRED: (WaveEnd, _expired),
    EventKind.REGISTERED: (OtherPublication, _registered),
}

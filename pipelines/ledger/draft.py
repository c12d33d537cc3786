"""Events on their way into the ledger: signed, chained and checked in memory, recorded together or not at all."""

from collections.abc import Sequence
from datetime import datetime

from pipelines.ledger.chain import made
from pipelines.ledger.signing import SigningKey
from privacy.ledger_fold import IllegalEventError, extended, fold
from privacy.ledger_rules import LedgerState, ledger_time
from schemas.base import Declared
from schemas.errors import IntegrityFault
from schemas.ledger import Event, EventKind, OtherPublication, Planned, WaveEnd


class Draft:
    """The ledger as it stands, and what one transaction will add to it."""

    def __init__(self, events: Sequence[Event], key: SigningKey, now: datetime) -> None:
        self.state: LedgerState = fold(events)
        self.added: list[Event] = []
        self.now = now
        self._events = events
        self._key = key

    @property
    def time(self) -> str:
        """The later of the clock and the last event."""
        return ledger_time(self.state, self.now)

    def append(self, kind: EventKind, body: Declared) -> Event:
        """Add an event. Raises: IntegrityFault `ledger_transition`: it may not follow what is there."""
        previous = self.added[-1] if self.added else (self._events[-1] if self._events else None)
        event = made(previous, kind, self.time, body, self._key)
        try:
            self.state = extended(self.state, event)
        except IllegalEventError as illegal:
            what = f"{kind} cannot be recorded now: {illegal.why}"
            raise IntegrityFault(
                "ledger_transition", what, do="See hearsafe budget for where the release stands"
            ) from None
        self.added.append(event)
        return event

    def standing(self, kind: EventKind, body: Declared) -> Event | None:
        """The event that already says this, of those that need to be said once only."""
        seq: int | None = None
        if kind is EventKind.PLANNED and isinstance(body, Planned):
            seq = self.state.planned.get(body.plan_digest)
        elif kind is EventKind.FROZEN:
            seq = self.state.frozen_seq
        elif kind is EventKind.REGISTERED and isinstance(body, OtherPublication):
            seq = next((number for number, known in self.state.registered.items() if known == body), None)
        elif kind in {EventKind.CLOSED, EventKind.EXPIRED} and isinstance(body, WaveEnd):
            ended = self.state.closed if kind is EventKind.CLOSED else self.state.expired
            wave = (body.survey, body.wave)
            if wave in ended:
                seq = next(e.seq for e in self._events if e.kind is kind and (e.body["survey"], e.body["wave"]) == wave)
        return None if seq is None else self._events[seq - 1]

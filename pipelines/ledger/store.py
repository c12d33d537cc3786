"""The ledger: opened and verified as a whole, added to in single transactions, never changed.

Claim: docs/claims/ledger.md.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from pipelines.ledger.chain import Row, first_body, made, row_of, tampered, verified
from pipelines.ledger.database import Database
from pipelines.ledger.draft import Draft
from pipelines.ledger.run_lock import file_lock
from pipelines.ledger.signing import LEDGER_KEY, SigningKey, ledger_key, signed_by, stage_ledger_key
from pipelines.ledger.witness import WITNESSED, Outside, require_not_behind
from pipelines.workspace import Workspace
from privacy.ledger_budget import Budget, SpentSummary, budget_of, spent_summary
from privacy.ledger_rules import Admission, IllegalEventError, LedgerState, decide, fold, refusal, time_text
from schemas.errors import BudgetRefused, IntegrityFault, InternalFault, ZoneFault
from schemas.ledger import BODIES, Charge, Event, EventKind, Head, Opened, Refusal
from schemas.policy import Policy

RUN_LOCK = "release.lock"
_ONLY_HERE = {EventKind.OPENED, EventKind.POLICY, EventKind.APPROVED, EventKind.CHARGED}

Result = TypeVar("Result")


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


class Ledger:
    """One workspace's ledger. Every reading verifies what it has not verified before."""

    def __init__(
        self, database: Database, key: SigningKey, outside: Outside, lock_path: Path, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._key = key
        self._outside = outside
        self._lock_path = lock_path
        self._now = now
        self._known: list[tuple[Row, Event]] = []
        self._holds_lock = False

    @classmethod
    def open(
        cls,
        workspace: Workspace,
        *,
        witness: Path | None = None,
        database_url: str | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> "Ledger":
        """The workspace's ledger, founded at first use: made with its key, its first event and its witness file.

        Verifies every event, and that no witness and no card remembers what the ledger does not hold.

        Raises: IntegrityFault, ZoneFault (key or disk), BudgetRefused (busy), UsageFault (`database_url`).
        """
        outside = Outside(workspace, witness)
        url = workspace.ledger_url if database_url is None else database_url
        database = Database(workspace.ledger_file, url)
        seen = outside.seen()
        with database.transaction(writing=False) as connection:
            rows, prepared = database.rows(connection), database.is_prepared(connection)
        if not rows:
            with workspace.founding():
                elsewhere = database_url is None and workspace.ledger_url != url
                if not elsewhere:
                    rows = _founded(workspace, database, outside, now)
                    ledger_key(workspace.keys, str(first_body(rows).get("public_key", "")))
            if elsewhere:  # it was named since we looked
                return cls.open(workspace, witness=witness, now=now)
        key = ledger_key(workspace.keys, str(first_body(rows).get("public_key", "")))
        _require_own_key(rows, key, workspace.keys / LEDGER_KEY)
        ledger = cls(database, key, outside, workspace.ledger / RUN_LOCK, now)
        events = ledger._verified(rows)
        require_not_behind(seen, events, ledger.ledger_id)
        outside.require_present(events)
        if not prepared:
            with database.transaction(writing=True) as connection:
                database.prepare(connection)
        outside.catch_up(events, ledger.ledger_id)
        return ledger

    @property
    def ledger_id(self) -> str:
        return str(self._known[0][1].body["ledger_id"])

    def now(self) -> datetime:
        """The clock that events are dated by."""
        return self._now()

    @property
    def public_key_hex(self) -> str:
        return self._key.public_key_hex

    def sign(self, content: bytes) -> str:
        """Ed25519 signature by the ledger key, in hexadecimal."""
        return self._key.sign(content)

    def events(self) -> list[Event]:
        """All events, first to last. Raises: IntegrityFault."""
        with self._database.transaction(writing=False) as connection:
            rows = self._database.rows(connection)
        return self._verified(rows)

    def event(self, seq: int) -> Event:
        """The event of this number. Raises: IntegrityFault: there is none."""
        events = self.events()
        if not 1 <= seq <= len(events):
            raise IntegrityFault("ledger_no_event", "the ledger has no such event", where=f"seq {seq}")
        return events[seq - 1]

    def head(self) -> Head:
        last = self.events()[-1]
        return Head(ledger_id=self.ledger_id, seq=last.seq, hash=last.hash)

    def state(self) -> LedgerState:
        return fold(self.events())

    def sealed_event(self, release_id: str) -> Event | None:
        """The SEALED event of a release; None where it was not sealed."""
        crossing = self.state().crossings.get(release_id)
        return None if crossing is None or crossing.sealed_seq is None else self.event(crossing.sealed_seq)

    def spent(self, population: str, year: int, survey: str, wave: str) -> SpentSummary:
        """What a wave, its year and its population's lifetime have spent."""
        return spent_summary(self.state(), population, year, survey, wave)

    def budget(self) -> Budget:
        """The officer's view: spent, caps, unpublished charges, refused attempts."""
        return budget_of(self.state())

    def record(self, kind: EventKind, body: dict[str, Any]) -> Event:
        """Record anything but a charge, an approval or a policy. What can happen once and has is returned as it stands.

        Raises: IntegrityFault `ledger_transition`: it may not follow what is there. ZoneFault, BudgetRefused (busy).
        """
        if kind in _ONLY_HERE:
            raise InternalFault("ledger_kind", "this kind of event is recorded by its own function")
        if kind is EventKind.VOID and not self._holds_lock:
            raise InternalFault("void_without_lock", "a charge is voided with the run lock in hand only")
        try:
            checked = BODIES[kind].model_validate(body)
        except ValidationError:
            raise InternalFault("ledger_body", f"the body of {kind} has another form") from None
        return self.transact(lambda draft: draft.standing(kind, checked) or draft.append(kind, checked))

    def charge(self, charge: Charge, policy: Policy) -> Event:
        """Book a loss, irrevocably and durably, with the approvals it uses; and the policy where it is new.

        Raises: BudgetRefused: recorded as REFUSED. IntegrityFault, ZoneFault: nothing was recorded, unless the fault
            says that the event is in the ledger.
        """
        try:
            asked = Charge.model_validate(dict(charge), strict=True)
        except ValidationError:
            raise BudgetRefused("charge_amount", "the charge is malformed or not a positive amount") from None

        def write(draft: Draft) -> Event | BudgetRefused:
            decided = decide(draft.state, asked, policy, draft.now)
            if not isinstance(decided, Admission):
                draft.append(EventKind.REFUSED, _refusal(asked, decided))
                return decided
            if decided.adopts is not None:
                draft.append(EventKind.POLICY, decided.adopts)
            return draft.append(EventKind.CHARGED, decided.charge)

        outcome = self.transact(write)
        if isinstance(outcome, BudgetRefused):
            raise outcome
        return outcome

    def require_leave(self, charge: Charge, policy: Policy) -> None:
        """Charge nothing, and refuse what `charge` would refuse now. Raises: BudgetRefused: recorded as REFUSED."""

        def write(draft: Draft) -> BudgetRefused | None:
            refused = refusal(draft.state, charge, policy, draft.now)
            if refused is not None:
                draft.append(EventKind.REFUSED, _refusal(charge, refused))
            return refused

        refused = self.transact(write)
        if refused is not None:
            raise refused

    def transact(self, write: Callable[[Draft], Result]) -> Result:
        """One transaction: verify, check the outside, let `write` draft events, commit; then tell the witnesses.

        Raises: what `write` raises (nothing is recorded then), IntegrityFault, ZoneFault, BudgetRefused (busy).
        """
        with self._database.transaction(writing=True) as connection:
            seen = self._outside.seen()
            events = self._verified(self._database.rows(connection))
            require_not_behind(seen, events, self.ledger_id)
            self._outside.require_present(events)
            draft = Draft(events, self._key, self._now())
            result = write(draft)
            tells = any(event.kind in WITNESSED for event in draft.added)
            if tells:
                self._outside.require_writable()
            self._database.append(connection, [row_of(event) for event in draft.added])
        if tells:
            self._outside.catch_up([*events, *draft.added], self.ledger_id)
        return result

    @contextmanager
    def lock(self, wait_seconds: float = 30.0) -> Iterator[tuple[int, ...]]:
        """Hold the run lock. Yields descriptors for the worker (`pass_fds`), which then holds the lock as well.

        Raises: BudgetRefused `run_in_progress`: another run holds it, even after waiting.
        """
        with (
            file_lock(self._lock_path, wait_seconds) as descriptor,
            self._database.run_lock(wait_seconds) as sockets,
        ):
            self._holds_lock = True
            try:
                yield descriptor, *sockets
            finally:
                self._holds_lock = False

    def _verified(self, rows: list[Row]) -> list[Event]:
        known = len(self._known)
        if [row for row, _ in self._known] != rows[:known]:
            changed = next((n for n, (row, _) in enumerate(self._known) if rows[n : n + 1] != [row]), 0)
            raise tampered(changed + 1, "it was changed while this program ran")
        last = self._known[-1][1] if self._known else None
        new = verified(rows[known:], last, self._key.public_key_hex)
        events = [event for _, event in self._known] + new
        try:
            fold(events)
        except IllegalEventError as illegal:
            raise tampered(illegal.seq, illegal.why) from None
        self._known += zip(rows[known:], new, strict=True)
        return events


def _refusal(asked: Charge, fault: BudgetRefused) -> Refusal:
    return Refusal(
        code=fault.code,
        what=fault.what,
        release_id=asked.release_id,
        population=asked.population,
        survey=asked.survey,
        wave=asked.wave,
        year=asked.year,
        plan_digest=asked.plan_digest,
        asked_nano_rho=asked.charge_nano_rho,
        asked_nano_pure_epsilon=asked.charge_nano_pure_epsilon,
    )


def _founded(workspace: Workspace, database: Database, outside: Outside, now: Callable[[], datetime]) -> list[Row]:
    """Make the table and the first event, unless another process just did. Returns: the rows.

    The key is named last, so that a key without a ledger means that the ledger was lost.
    """
    with database.transaction(writing=True) as connection:
        seen = outside.seen()
        database.prepare(connection)
        rows = database.rows(connection)
        if rows:
            return rows
        if any(seen) or (workspace.keys / LEDGER_KEY).exists():
            what = "the ledger is gone, but its key, its witness or its releases are here"
            advice = "Restore the ledger from your newest backup; a new ledger would forget what was spent"
            raise IntegrityFault("ledger_missing", what, where=database.place, do=advice)
        try:
            key = stage_ledger_key(workspace.keys)
        except OSError:
            what = "the ledger key cannot be written"
            advice = "Check that its disk is there, has room and can be written"
            raise ZoneFault("ledger_key_unwritable", what, where=str(workspace.keys), do=advice) from None
        opened = Opened(format="hearsafe-ledger/1", ledger_id=secrets.token_hex(16), public_key=key.public_key_hex)
        rows = [row_of(made(None, EventKind.OPENED, time_text(now()), opened, key))]
        database.append(connection, rows)
    return rows


def _require_own_key(rows: list[Row], key: SigningKey, path: Path) -> None:
    """Raises: ZoneFault: the first event is well signed, but by another key than the workspace's."""
    other = str(first_body(rows).get("public_key", ""))
    if other in {"", key.public_key_hex}:
        return
    genuine = isinstance(rows[0].hash, str) and signed_by(other, bytes.fromhex(rows[0].hash), rows[0].signature)
    if genuine:
        what = "the ledger key is not the one that signed this ledger"
        raise ZoneFault("ledger_key_wrong", what, where=str(path), do="Restore the key from your key backup")

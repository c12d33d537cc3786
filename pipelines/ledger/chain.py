"""The chain: how an event is hashed, signed and linked to the one before, and how rows prove to be such events."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from pipelines.ledger.signing import SigningKey, signed_by
from schemas.base import Declared
from schemas.canonical import canonical_bytes, digest
from schemas.errors import IntegrityFault
from schemas.ledger import BODIES, Approval, Event, EventKind, Thaw, WaveEnd

FIRST_PREV_HASH = "0" * 64


class Row(NamedTuple):
    """A row as the database returns it: of a damaged one, any field may be anything."""

    seq: Any
    prev_hash: Any
    kind: Any
    time: Any
    body: Any
    hash: Any
    signature: Any


def body_of(body: Declared) -> dict[str, Any]:
    """What a body says, without what it leaves unsaid: fields that come later must not change old events."""
    return body.model_dump(mode="json", by_alias=True, exclude_unset=True)


def made(previous: Event | None, kind: EventKind, time: str, body: Declared, key: SigningKey) -> Event:
    """The next event, hashed and signed."""
    fields = {
        "seq": 1 if previous is None else previous.seq + 1,
        "prev_hash": FIRST_PREV_HASH if previous is None else previous.hash,
        "kind": kind.value,
        "time": time,
        "body": body_of(body),
    }
    event_hash = digest(fields)
    return Event.model_validate({**fields, "hash": event_hash, "signature": key.sign(bytes.fromhex(event_hash))})


def row_of(event: Event) -> Row:
    """The event as it is stored: the body as canonical JSON text."""
    body = canonical_bytes(event.body).decode()
    return Row(event.seq, event.prev_hash, event.kind.value, event.time, body, event.hash, event.signature)


def tampered(seq: int, why: str) -> IntegrityFault:
    """The fault that names the first event that is not what was recorded."""
    advice = "Restore the ledger from your newest backup and keep this file as evidence"
    return IntegrityFault(
        "ledger_tampered", f"event {seq} of the ledger is not as it was recorded: {why}", where=f"seq {seq}", do=advice
    )


def verified(rows: Iterable[Row], previous: Event | None, public_key_hex: str) -> list[Event]:
    """The events in rows that follow `previous`. Raises: IntegrityFault: naming the first row that is not right."""
    events: list[Event] = []
    for row in rows:
        previous = _verified_row(row, previous, public_key_hex)
        events.append(previous)
    return events


def _verified_row(row: Row, previous: Event | None, public_key_hex: str) -> Event:
    seq = 1 if previous is None else previous.seq + 1
    if row.seq != seq or not isinstance(row.seq, int):
        raise tampered(seq, "it is missing or out of place")
    event = read_row(row)
    if event is None:
        raise tampered(seq, "it cannot be read")
    if event.prev_hash != (FIRST_PREV_HASH if previous is None else previous.hash):
        raise tampered(seq, "it does not follow the event before it")
    if event.hash != digest(event.model_dump(mode="json", exclude={"hash", "signature"})):
        raise tampered(seq, "its hash is wrong")
    if not signed_by(public_key_hex, bytes.fromhex(event.hash), event.signature):
        raise tampered(seq, "its signature is wrong")
    if not _officer_signed(event):
        raise tampered(seq, "the officer's signature in it is wrong")
    return event


def read_row(row: Row) -> Event | None:
    """The event, if every field has its type and the body is the canonical text of what its kind holds."""
    if not all(isinstance(text, str) for text in row[1:]) or row.kind not in EventKind.__members__:
        return None
    try:
        body: dict[str, Any] = json.loads(row.body)
        said = body_of(BODIES[EventKind(row.kind)].model_validate(body))
        if body != said or canonical_bytes(body).decode() != row.body:
            return None
        return Event.model_validate({**row._asdict(), "body": body})
    except (ValueError, ValidationError, RecursionError):
        return None


def _officer_signed(event: Event) -> bool:
    """Approvals, thaws and early ends carry an officer's own signature, verified again each time they are read."""
    body: Approval | Thaw | WaveEnd
    if event.kind is EventKind.APPROVED:
        body = Approval.model_validate(event.body)
    elif event.kind is EventKind.THAWED:
        body = Thaw.model_validate(event.body)
    elif event.kind in {EventKind.CLOSED, EventKind.EXPIRED}:
        body = WaveEnd.model_validate(event.body)
    else:
        return True
    if body.statement is None or body.officer is None:
        return body.statement is None and body.officer is None
    return signed_by(body.officer, statement_bytes(body.statement), body.signature)


def statement_bytes(statement: Declared) -> bytes:
    """What an officer signs: the statement as it was made, without fields that came later."""
    return canonical_bytes(body_of(statement))


def first_body(rows: Sequence[Row]) -> dict[str, Any]:
    """What the first row says of itself, before anything is verified; empty where it says nothing."""
    event = read_row(rows[0]) if rows else None
    return event.body if event is not None and event.kind is EventKind.OPENED else {}

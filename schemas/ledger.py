"""Ledger events: append-only facts. A kind is never removed and never changes its meaning; new fields are optional."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.base import Declared, Digest

NonNegative = Annotated[int, Field(ge=0)]
ChargeAmount = Annotated[int, Field(gt=0, le=10**18)]


class EventKind(StrEnum):
    """Everything that can be recorded. There is no refund, edit or reset."""

    OPENED = "OPENED"
    POLICY = "POLICY"
    INGESTED = "INGESTED"
    PLANNED = "PLANNED"
    APPROVED = "APPROVED"
    CHARGED = "CHARGED"
    SEALED = "SEALED"
    PUBLISHED = "PUBLISHED"
    VOID = "VOID"
    REFUSED = "REFUSED"
    FROZEN = "FROZEN"
    THAWED = "THAWED"
    CLOSED = "CLOSED"
    EXPIRED = "EXPIRED"


class Signature(Declared):
    """An officer's Ed25519 signature, both in hexadecimal."""

    officer: str
    signature: str


class Event(Declared):
    """One row of the ledger.

    `hash` is SHA-256 over the canonical bytes of all other fields but `signature`; `signature` is Ed25519 over that
    hash by the workspace's ledger key; `prev_hash` is the hash of event `seq - 1` (64 zeros for the first). `time` is
    for people only: order is `seq`.
    """

    seq: Annotated[int, Field(ge=1)]
    prev_hash: Digest
    kind: EventKind
    time: str
    body: dict[str, Any]
    hash: Digest
    signature: str


class Charge(Declared):
    """Body of CHARGED: the loss, booked on every scope at once, before anything exact is read."""

    release_id: str
    population: str
    year: int
    survey: str
    wave: str
    plan_digest: Digest
    survey_digest: Digest
    policy_digest: Digest
    snapshot_id: str
    attempt: Annotated[int, Field(ge=1)]
    charge_nano_rho: ChargeAmount
    charge_nano_pure_epsilon: NonNegative | None
    mechanism: Literal["discrete_gaussian", "discrete_laplace"]
    measured_tables: Annotated[int, Field(ge=1)]
    delta: float
    approval_seqs: tuple[int, ...] = ()
    """The APPROVED events that this charge uses one charge of, one per officer needed."""


class Head(Declared):
    """A point of the ledger, as shown on cards and in witness files."""

    ledger_id: str
    seq: int
    hash: Digest

"""Ledger events: append-only facts. A kind is never removed and never changes its meaning; new fields are optional."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from schemas.base import Declared, Digest, is_unsaid
from schemas.engine import Engine

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
    REGISTERED = "REGISTERED"


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
    code_digest: Digest | None = None
    """Of the program that charges: an approval of another program does not cover it."""
    engine: Engine | None = Field(default=None, exclude_if=is_unsaid)
    """The cluster that counts, where the plan names one: responses may lie there from now on."""


class Head(Declared):
    """A point of the ledger, as shown on cards and in witness files."""

    ledger_id: str
    seq: int
    hash: Digest


Time = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
"""UTC, ISO 8601, whole seconds."""

PublicKeyHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
SignatureHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]


class Opened(Declared):
    """Body of OPENED, the first event: the ledger's random name and the key that signs every event."""

    format: Literal["hearsafe-ledger/1"] = "hearsafe-ledger/1"
    ledger_id: str
    public_key: PublicKeyHex


class CapNano(Declared):
    """A cap in the ledger's integers; `nano_pure_epsilon` is None where pure ε is not bounded."""

    nano_rho: NonNegative
    nano_pure_epsilon: NonNegative | None = None


class CapsNano(Declared):
    """The caps of the four scopes."""

    release: CapNano
    wave: CapNano
    year: CapNano
    lifetime: CapNano


class PolicyInForce(Declared):
    """Body of POLICY: from here on these numbers bind the population. Officers are public keys in hexadecimal.

    `approval_seqs` are the APPROVED events that put it in force; none where nobody had to be asked.
    """

    population: str
    policy_digest: Digest
    delta: float
    caps: CapsNano
    officers: tuple[PublicKeyHex, ...]
    needed: NonNegative
    approval_seqs: tuple[int, ...] = ()
    author: PublicKeyHex | None = None
    """Who wrote it, where its own approval does not count."""
    rest_digest: Digest | None = None
    """Of the policy without caps and spend: two policies of one rest differ in nothing else."""


class Ingested(Declared):
    """Body of INGESTED: a new snapshot of a wave. Says nothing about how many rows it holds."""

    survey: str
    wave: str
    snapshot_id: str
    population: str | None = None


class Planned(Declared):
    """Body of PLANNED: a plan that somebody was asked to approve."""

    plan_digest: Digest
    survey_digest: Digest
    policy_digest: Digest
    population: str
    survey: str
    wave: str
    year: int
    charge_nano_rho: NonNegative
    charge_nano_pure_epsilon: NonNegative | None = None


class ApprovalStatement(Declared):
    """What an officer signs, in canonical bytes. Worth `charges` charges of exactly this plan until `expires`."""

    format: Literal["hearsafe-approval/1"] = "hearsafe-approval/1"
    ledger_id: str
    population: str
    plan_digest: Digest
    survey_digest: Digest
    policy_digest: Digest
    prior_release: str | None
    charges: Annotated[int, Field(ge=1, le=1000)]
    expires: Time
    code_digest: Digest | None = None
    """The program that may draw; None in ledgers of before it was asked for."""


class Approval(Declared):
    """Body of APPROVED. `officer` is the public key, `signature` Ed25519 over the statement; both in hexadecimal."""

    statement: ApprovalStatement
    officer: PublicKeyHex
    signature: SignatureHex


class Seal(Declared):
    """Body of SEALED: the noisy measurements of this charge are durable in the zone."""

    release_id: str
    charge_seq: int
    isolation: tuple[str, ...] = ()
    """What cut the worker off while it drew, for the card."""


class Publication(Declared):
    """Body of PUBLISHED: the release folder is in place."""

    release_id: str
    charge_seq: int
    manifest_digest: Digest | None = None


class Voided(Declared):
    """Body of VOID: this charge never came to a seal and never will. Its loss stays spent."""

    release_id: str
    charge_seq: int


class Refusal(Declared):
    """Body of REFUSED: a charge that was asked for and not given, with the fault's code and words."""

    code: str
    what: str
    release_id: str
    population: str
    survey: str
    wave: str
    year: int
    plan_digest: Digest
    asked_nano_rho: int
    asked_nano_pure_epsilon: int | None = None


class Freeze(Declared):
    """Body of FROZEN: no charge is given until THAWED."""

    reason: str = ""


class ThawStatement(Declared):
    """What an officer signs to lift one freeze."""

    format: Literal["hearsafe-thaw/1"] = "hearsafe-thaw/1"
    ledger_id: str
    frozen_seq: int


class Thaw(Declared):
    """Body of THAWED. Signed by an officer wherever a policy in force has officers."""

    statement: ThawStatement | None = None
    officer: PublicKeyHex | None = None
    signature: SignatureHex | None = None


class EarlyEndStatement(Declared):
    """What an officer signs to have a wave's zone key destroyed before its date."""

    format: Literal["hearsafe-early-end/1"] = "hearsafe-early-end/1"
    ledger_id: str
    survey: str
    wave: str


class WaveEnd(Declared):
    """Body of CLOSED (pseudonyms destroyed) and EXPIRED (zone key destroyed).

    `due`: from when the policy has it; EXPIRED before that time carries an officer's signature wherever a policy in
    force has officers.
    """

    survey: str
    wave: str
    due: Time | None = None
    statement: EarlyEndStatement | None = None
    officer: PublicKeyHex | None = None
    signature: SignatureHex | None = None


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable characters")
    return text


PublicLine = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_printable)
]
"""A line that a person wrote for everybody to read."""


class OtherPublication(Declared):
    """Body of REGISTERED: something else was published from the same residents' answers, without this ledger's noise.

    `name`: as it is called where it is published. `why`: what it is and why. Both go onto later cards. `digest`:
    SHA-256 of the published file, by which it is known again among the releases; it goes onto no card.
    """

    population: str
    survey: str
    wave: str
    name: PublicLine
    why: PublicLine
    digest: Digest | None = None


BODIES: dict[EventKind, type[Declared]] = {
    EventKind.OPENED: Opened,
    EventKind.POLICY: PolicyInForce,
    EventKind.INGESTED: Ingested,
    EventKind.PLANNED: Planned,
    EventKind.APPROVED: Approval,
    EventKind.CHARGED: Charge,
    EventKind.SEALED: Seal,
    EventKind.PUBLISHED: Publication,
    EventKind.VOID: Voided,
    EventKind.REFUSED: Refusal,
    EventKind.FROZEN: Freeze,
    EventKind.THAWED: Thaw,
    EventKind.CLOSED: WaveEnd,
    EventKind.EXPIRED: WaveEnd,
    EventKind.REGISTERED: OtherPublication,
}
"""What each kind of event holds."""

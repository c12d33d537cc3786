"""The worker's half of the crossing: count, measure and seal under one charge; or unseal what was sealed before.

A charge buys one draw. Before anything exact is read, an exclusive marker named after the charge is made durable; a
charge whose marker exists never draws again.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.durable import sync_folder
from pipelines.ledger.signing import signed_by
from pipelines.memory import DEFAULT_RELEASE, megabytes
from pipelines.zone.counting import CountEngine, count_tables
from pipelines.zone.duckdb_engine import DuckDBEngine
from pipelines.zone.lineage import declaration_changed, encoding_digest, foreign_ledger, read_otherwise
from pipelines.zone.packing import QUARTER, release_packing
from pipelines.zone.snapshot import Snapshot, current_snapshot
from pipelines.zone.storage import open_zone
from privacy.measure import Measurements, Released, check_charge, measure, seal, seal_binding, unseal
from schemas.attributes import attributes_of
from schemas.canonical import digest
from schemas.errors import IntegrityFault, ZoneFault
from schemas.ledger import Charge, Event, EventKind
from schemas.nets import with_nets
from schemas.plan import Plan
from schemas.survey import Survey

_ZONE = "zone"


@dataclass(frozen=True)
class WaveRoom:
    """The zone folder of a wave, the survey that it is read by, its key, and the public key of the ledger that asks."""

    folder: Path
    survey: Survey
    zone_key: bytes
    ledger_key: str


@dataclass(frozen=True)
class Crossing(WaveRoom):
    """And the plan that is measured in it."""

    plan: Plan

    @classmethod
    def of(cls, room: WaveRoom, plan: Plan) -> "Crossing":
        return cls(room.folder, room.survey, room.zone_key, room.ledger_key, plan)


@dataclass(frozen=True)
class ReadyZone:
    """A zone that was checked before anything is charged: its authenticated snapshot, and a connection that has it."""

    snapshot: Snapshot
    connection: duckdb.DuckDBPyConnection


@contextmanager
def ready_zone(room: WaveRoom, memory: str = DEFAULT_RELEASE) -> Iterator[ReadyZone]:
    """The zone, open for one measurement within the operator's bound of memory.

    Raises: ZoneFault: damaged, wrong key, of another ledger, or encoded with another declaration than the survey's.
    """
    snapshot = current_snapshot(room.folder, room.zone_key)
    if snapshot.ledger_key != room.ledger_key:
        raise foreign_ledger()
    if snapshot.attributes_digest != encoding_digest(room.survey):
        raise declaration_changed(ZoneFault)
    files = {_ZONE: (snapshot.path, False)}
    spill, part = room.folder / "spill", megabytes(memory, QUARTER)
    with open_zone(files, room.zone_key, spill=spill, memory=part) as connection:
        if read_otherwise(connection, _ZONE, room.survey):
            raise declaration_changed(ZoneFault)
        yield ReadyZone(snapshot, connection)


def _charge_of(event: Event, crossing: Crossing, snapshot: Snapshot) -> Charge:
    """The charge in an event that the zone's own ledger hashed and signed."""
    signed = event.hash == digest(event.model_dump(mode="json", exclude={"hash", "signature"}))
    if not signed or not signed_by(snapshot.ledger_key, bytes.fromhex(event.hash), event.signature):
        raise foreign_ledger()
    charge = Charge.model_validate(event.body)
    if event.kind is not EventKind.CHARGED:
        raise IntegrityFault(
            "not_a_charge", "the worker was given an event that is not a charge", where=f"seq {event.seq}"
        )
    if charge.plan_digest != digest(crossing.plan) or charge.snapshot_id != snapshot.id:
        raise IntegrityFault("charge_foreign", "the charge is for another plan or snapshot", where=f"seq {event.seq}")
    return charge


def _sealed_path(folder: Path, event: Event) -> Path:
    return folder / "sealed" / f"{event.seq}-{event.hash[:16]}.sealed"


def _binding(event: Event, charge: Charge) -> bytes:
    return seal_binding(event.seq, event.hash, charge.plan_digest, charge.snapshot_id)


EngineFor = Callable[[duckdb.DuckDBPyConnection, str], CountEngine]
"""The engine that counts a relation of an open zone."""


def measure_and_seal(
    crossing: Crossing,
    zone: ReadyZone,
    event: Event,
    *,
    engine_for: EngineFor = DuckDBEngine,
    memory: str = DEFAULT_RELEASE,
) -> Released[Measurements]:
    """Count, add noise, seal durably; only then is the result handed out.

    Raises: IntegrityFault: the charge does not cover this plan, or has drawn before. ZoneFault: it is not of the
        zone's ledger.
    """
    charge = _charge_of(event, crossing, zone.snapshot)
    attributes = with_nets(crossing.survey, attributes_of(crossing.survey))
    _check_unit(crossing)
    check_charge(crossing.plan, {a.id: a for a in attributes}, charge, crossing.survey.residents.responses_per_unit)
    place = _sealed_path(crossing.folder, event)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    sync_folder(crossing.folder)
    if place.exists():
        raise _drawn_before(place)
    _mark(place.with_suffix(".drawing"))
    packing = release_packing(crossing.survey, crossing.plan, memory)
    engine = engine_for(zone.connection, f"{_ZONE}.core_responses")
    exact = count_tables(engine, packing, crossing.plan.measured)
    released = measure(crossing.plan, exact, charge)
    content = seal(released, crossing.zone_key, _binding(event, charge), secrets.token_bytes(12))
    aside = place.with_suffix(".part")
    with aside.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    aside.rename(place)
    sync_folder(place.parent)
    return released


def _check_unit(crossing: Crossing) -> None:
    """The rows are one a resident, or at most so many a household: the plan must protect what they were counted by."""
    residents = crossing.survey.residents
    unit = "response" if residents.key == "none" else "resident" if residents.household is None else "household"
    if crossing.plan.unit != unit:
        raise IntegrityFault("unit_differs", f"the plan protects another unit than one {unit}", where="plan")


def _mark(marker: Path) -> None:
    try:
        descriptor = os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        descriptor = -1
    if descriptor < 0:
        raise _drawn_before(marker)
    os.fsync(descriptor)
    os.close(descriptor)
    sync_folder(marker.parent)


def _drawn_before(place: Path) -> IntegrityFault:
    return IntegrityFault(
        "already_drawn",
        "this charge has bought its one draw already",
        where=place.stem,
        do="Run the release again: it returns what was sealed, or voids this charge",
    )


def unseal_earlier(crossing: Crossing, event: Event) -> Released[Measurements] | None:
    """The measurements sealed under a charge; None where the charge never came to a seal.

    Raises: ZoneFault: the key is wrong or the sealed file is damaged.
    """
    charge = Charge.model_validate(event.body)
    place = _sealed_path(crossing.folder, event)
    if not place.exists():
        return None
    return unseal(place.read_bytes(), crossing.zone_key, _binding(event, charge), crossing.plan)

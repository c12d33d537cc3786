"""Where Exact becomes Released, and nowhere else: the measurement, its sealing and its unsealing.

`Exact` cannot be looked at; `Released` cannot be made without noise. What is sealed is already noisy: encryption keeps
it from leaving before its charge is recorded as sealed, and binds it to that charge.

Claim: docs/claims/measurement.md.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from privacy import mechanisms
from privacy.sensitivity import table_sensitivity, table_unit
from schemas.attributes import Attribute
from schemas.errors import IntegrityFault, InternalFault, ZoneFault
from schemas.ledger import Charge
from schemas.plan import Mechanism, Plan, nano

T = TypeVar("T")
Draw = Callable[[Mechanism, float, list[int]], list[int]]
_SEAL_FORMAT = b"hearsafe-sealed/1"
_MANY_CELLS = 1 << 12
"""From here on, threads cost less than they save."""
_THREADS = 2
"""Half of a draw is Python's work, one thread at a time: more threads save nothing."""


class Exact(Generic[T]):
    """An exact aggregate. No repr, equality, iteration, pickle or attribute gives it away; only `measure` unwraps."""

    __slots__ = ("__value",)

    def __init__(self, value: T) -> None:
        self.__value = value

    def __repr__(self) -> str:
        return "<Exact>"

    def _refuse(self, *_: object) -> NoReturn:
        raise InternalFault("exact_value_touched", "an exact value was used outside the measurement")

    __str__ = __repr__
    __eq__ = __hash__ = __iter__ = __len__ = __bool__ = __getitem__ = _refuse  # type: ignore[assignment]
    __reduce_ex__ = __reduce__ = __getstate__ = __copy__ = __deepcopy__ = __format__ = _refuse  # type: ignore[assignment]


def _unwrap(exact: Exact[T]) -> T:
    return exact._Exact__value  # type: ignore[attr-defined, no-any-return]


@dataclass(frozen=True)
class Measurements:
    """Noisy tables of a plan: table id → int64 array in the table's integer units, in the plan's shapes."""

    plan_digest: str
    release_id: str
    tables: Mapping[str, NDArray[np.int64]]


_MADE_HERE = object()


class Released(Generic[T]):
    """A value that noise has been added to. Made by `measure`, `unseal` and `received` only."""

    __slots__ = ("value",)

    def __init__(self, value: T, maker: object) -> None:
        if maker is not _MADE_HERE:
            raise InternalFault("released_forged", "a Released value was made outside the measurement")
        self.value = value


def check_charge(plan: Plan, attributes: Mapping[str, Attribute], charge: Charge, responses_per_unit: int = 1) -> None:
    """Refuse to draw unless the plan's noise costs at most what was charged, by our sensitivity and OpenDP's map.

    Raises: IntegrityFault: a table's sensitivity, mechanism or charge is not what the one function and OpenDP say.
    """
    total = total_pure = 0
    for table in plan.measured:
        axes = tuple(attributes[a] for a in table.attributes)
        bound = table_sensitivity(axes, shared_keys=plan.shared_keys, responses_per_unit=responses_per_unit)
        declared = (table.l1, table.l2_squared, table.unit, table.shape)
        if declared != (bound.l1, bound.l2_squared, table_unit(axes), tuple(a.size for a in axes)):
            raise IntegrityFault("plan_sensitivity", "the plan's sensitivity is not that of its table", where=table.id)
        rho, pure = mechanisms.privacy_map(table.mechanism, table.scale, bound.l1, bound.l2_squared)
        total += nano(rho)
        total_pure += 0 if pure is None else nano(pure)
    gaussian = any(table.mechanism == "discrete_gaussian" for table in plan.measured)
    pure_short = charge.charge_nano_pure_epsilon is not None and (
        gaussian or total_pure > charge.charge_nano_pure_epsilon
    )
    if total > charge.charge_nano_rho or pure_short:
        raise IntegrityFault("charge_too_small", "the noise of this plan costs more than was charged", where="charge")


def measure(
    plan: Plan, exact: Exact[Mapping[str, NDArray[np.int64]]], charge: Charge, draw: Draw = mechanisms.draw
) -> Released[Measurements]:
    """Add each table's noise to its exact counts.

    Claim: each table is one call of its mechanism with the sensitivity that `check_charge` confirmed, so the output
    is ρ-zCDP with ρ the sum of OpenDP's maps (Bun and Steinke 2016, lemma 2.3), at most the charge.
    """
    counts = _unwrap(exact)
    asked: list[tuple[Mechanism, float, list[int]]] = []
    for table in plan.measured:
        cells = counts[table.id]
        if cells.dtype != np.int64 or cells.shape != table.shape:
            raise InternalFault("table_shape", "a counted table has another shape than planned", where=table.id)
        asked.append((table.mechanism, table.scale, cells.ravel().tolist()))
    drawn = zip(plan.measured, _drawn(draw, asked), strict=True)
    noisy = {table.id: np.array(cells, dtype=np.int64).reshape(table.shape) for table, cells in drawn}
    return Released(Measurements(charge.plan_digest, charge.release_id, noisy), _MADE_HERE)


def _drawn(draw: Draw, asked: Sequence[tuple[Mechanism, float, list[int]]]) -> list[list[int]]:
    """One call a table, in the plan's order; by several threads where there are many cells."""
    if sum(len(cells) for _, _, cells in asked) < _MANY_CELLS:
        return [draw(*table) for table in asked]
    with ThreadPoolExecutor(_THREADS) as threads:
        return list(threads.map(lambda table: draw(*table), asked))


def to_bytes(released: Released[Measurements]) -> bytes:
    """Released measurements as bytes: a JSON header line, then each table's little-endian int64 cells in plan order."""
    value = released.value
    shapes = {name: list(cells.shape) for name, cells in value.tables.items()}
    header = {"plan_digest": value.plan_digest, "release_id": value.release_id, "shapes": shapes}
    body = b"".join(cells.astype("<i8").tobytes() for cells in value.tables.values())
    return json.dumps(header, separators=(",", ":")).encode() + b"\n" + body


def received(content: bytes, plan: Plan) -> Released[Measurements]:
    """Measurements as a worker sent them back. Raises: IntegrityFault: they are not those of the plan."""
    line, _, body = content.partition(b"\n")
    header: dict[str, Any] = json.loads(line)
    expected = {table.id: list(table.shape) for table in plan.measured}
    cells = np.frombuffer(body, dtype="<i8").astype(np.int64)
    if header["shapes"] != expected or len(cells) != sum(int(np.prod(shape)) for shape in expected.values()):
        raise IntegrityFault("measurements_foreign", "the measurements are not those of this plan", where="zone")
    tables: dict[str, NDArray[np.int64]] = {}
    start = 0
    for name, shape in expected.items():
        size = int(np.prod(shape))
        tables[name] = cells[start : start + size].reshape(shape)
        start += size
    return Released(Measurements(header["plan_digest"], header["release_id"], tables), _MADE_HERE)


def _seal_key(zone_key: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=_SEAL_FORMAT).derive(zone_key))


def seal_binding(charge_seq: int, charge_hash: str, plan_digest: str, snapshot_id: str) -> bytes:
    """What a sealed file is bound to: one charge, plan and snapshot (authenticated, not encrypted)."""
    return "|".join([_SEAL_FORMAT.decode(), str(charge_seq), charge_hash, plan_digest, snapshot_id]).encode()


def seal(released: Released[Measurements], zone_key: bytes, binding: bytes, nonce: bytes) -> bytes:
    """Measurements encrypted for the zone: format, 12-byte nonce (fresh from the OS for every seal), AES-256-GCM."""
    return _SEAL_FORMAT + nonce + _seal_key(zone_key).encrypt(nonce, to_bytes(released), binding)


def unseal(sealed: bytes, zone_key: bytes, binding: bytes, plan: Plan) -> Released[Measurements]:
    """Raises: ZoneFault: wrong key, damaged file, or sealed for another charge."""
    size = len(_SEAL_FORMAT)
    try:
        content = _seal_key(zone_key).decrypt(sealed[size : size + 12], sealed[size + 12 :], binding)
    except (InvalidTag, ValueError):
        content = None
    if content is None or sealed[:size] != _SEAL_FORMAT:
        raise ZoneFault("sealed_damaged", "sealed measurements cannot be opened", do="Check the zone key of this wave")
    return received(content, plan)

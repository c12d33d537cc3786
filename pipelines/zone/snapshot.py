"""Snapshots: a zone's responses are never edited, each ingest writes a new encrypted file and then names it current.

So an ingest is atomic, replaced answers do not linger in free pages of the current file, and a snapshot id (drawn at
random, never a function of content) stands for exactly one set of responses. `current.json` authenticates the file with
a MAC under the zone key, so damage is found before anything is charged.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from pipelines.durable import sync_folder
from pipelines.zone.keys import derived_key
from schemas.canonical import canonical_bytes
from schemas.errors import ZoneFault

_CURRENT = "current.json"
_MAC, _EARLIER_MAC = "gmac", "mac"
_CHUNK = 1 << 20
_PART = 1 << 25


@dataclass(frozen=True)
class Snapshot:
    """The current responses of a wave.

    `attributes_digest` says which declaration they were encoded with (public); `path` is the encrypted file;
    `ledger_key` is the public key of the one ledger whose charges may measure them; `closed`: its pseudonyms are gone,
    and it takes no more responses.
    """

    id: str
    path: Path
    attributes_digest: str
    ledger_key: str
    closed: bool = False


def new_snapshot_id() -> str:
    """Drawn at random, never a function of content."""
    return secrets.token_hex(16)


def snapshot_path(folder: Path, snapshot_id: str, *, closed: bool = False) -> Path:
    """The encrypted file of a snapshot."""
    return folder / f"responses-{snapshot_id}{'-closed' if closed else ''}.duckdb"


def _file_mac(path: Path, zone_key: bytes, context: bytes, kind: str = _MAC) -> str:
    """MAC over context, size and the tags of the file's parts, which are read side by side.

    Of kind `gmac` a universal hash under a pseudorandom function (Wegman & Carter 1981): the parts' tags are never
    written down, so two files collide with probability 2⁻¹⁰⁷ a part (NIST SP 800-38D, GHASH of 2²¹ blocks), whoever
    chose them. Kind `mac`, of zones that were filled before there was that one, has BLAKE2b for the parts.
    """
    key = derived_key(zone_key, "snapshot-mac")
    hash_key = derived_key(zone_key, "snapshot-parts")
    size = path.stat().st_size

    def gmac(start: int) -> bytes:
        tag = Cipher(AES(hash_key), GCM(start.to_bytes(12, "big"))).encryptor()
        for chunk in _chunks(path, start):
            tag.authenticate_additional_data(chunk)
        tag.finalize()
        return tag.tag

    def blake2b(start: int) -> bytes:
        tag = hashlib.blake2b(start.to_bytes(8, "big"), key=key, digest_size=32, person=b"part")
        for chunk in _chunks(path, start):
            tag.update(chunk)
        return tag.digest()

    whole = hashlib.blake2b(context, key=key, digest_size=32, person=b"whole")
    whole.update(size.to_bytes(8, "big"))
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for found in pool.map(gmac if kind == _MAC else blake2b, range(0, size, _PART)):
            whole.update(found)
    return whole.hexdigest()


def _chunks(path: Path, start: int) -> Iterator[memoryview]:
    """The part of a file from `start`, in one buffer again and again."""
    chunk, left = memoryview(bytearray(_CHUNK)), _PART
    with path.open("rb", buffering=0) as stream:
        stream.seek(start)
        while left and (read := stream.readinto(chunk[:left])):
            yield chunk[:read]
            left -= read


def _statement(snapshot: Snapshot) -> dict[str, str]:
    return {
        "snapshot": snapshot.id,
        "file": snapshot.path.name,
        "attributes_digest": snapshot.attributes_digest,
        "ledger_key": snapshot.ledger_key,
        **({"closed": "yes"} if snapshot.closed else {}),
    }


def make_current(folder: Path, snapshot: Snapshot, zone_key: bytes) -> None:
    """Name a finished file the current snapshot: fsync file, write current.json aside, rename, fsync folder."""
    with snapshot.path.open("rb") as stream:
        os.fsync(stream.fileno())
    statement = _statement(snapshot)
    mac = _file_mac(snapshot.path, zone_key, canonical_bytes(dict(statement)))
    aside = folder / f".{_CURRENT}.part"
    with aside.open("wb") as stream:
        stream.write(canonical_bytes({**statement, _MAC: mac}))
        stream.flush()
        os.fsync(stream.fileno())
    aside.rename(folder / _CURRENT)
    sync_folder(folder)


def has_snapshot(folder: Path) -> bool:
    """Whether anything was ever ingested."""
    return (folder / _CURRENT).exists()


def says_closed(folder: Path) -> bool:
    """Whether the record of the current snapshot says that it is closed. Not authenticated: `current_snapshot` is."""
    try:
        return has_snapshot(folder) and json.loads((folder / _CURRENT).read_bytes()).get("closed") == "yes"
    except (ValueError, AttributeError):
        return False


def require_snapshot(folder: Path) -> None:
    """Raises: ZoneFault `zone_empty`: nothing was ingested yet."""
    if not has_snapshot(folder):
        what, wave = "nothing has been ingested for this wave", f"wave {folder.name} of {folder.parent.name}"
        raise ZoneFault("zone_empty", what, where=wave, do="Run hearsafe ingest first")


def current_snapshot(folder: Path, zone_key: bytes) -> Snapshot:
    """The authenticated current snapshot. Raises: ZoneFault: none yet, damaged, or another key."""
    require_snapshot(folder)
    place = folder / _CURRENT
    try:
        record = json.loads(place.read_bytes())
        name, snapshot_id, digest = (str(record[k]) for k in ("file", "snapshot", "attributes_digest"))
        kind = _MAC if _MAC in record else _EARLIER_MAC
        ledger_key, mac, closed = str(record["ledger_key"]), str(record[kind]), record.get("closed") == "yes"
        f"{name}{snapshot_id}{digest}{ledger_key}{mac}".encode("ascii")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ZoneFault(
            "zone_damaged",
            "the zone's record of its current snapshot is damaged",
            where=_CURRENT,
            do="Restore the zone from your backup",
        ) from None
    snapshot = Snapshot(snapshot_id, folder / name, digest, ledger_key, closed)
    if snapshot.path != snapshot_path(folder, snapshot_id, closed=closed) or not snapshot.path.is_file():
        raise ZoneFault(
            "zone_damaged",
            "the zone's current snapshot is missing",
            where=_CURRENT,
            do="Restore the zone from your backup",
        )
    expected = _file_mac(snapshot.path, zone_key, canonical_bytes(dict(_statement(snapshot))), kind)
    if not hmac.compare_digest(expected, mac):
        raise ZoneFault(
            "zone_damaged_or_key",
            "the zone is damaged, or the zone key is not this zone's",
            where=snapshot.path.name,
            do="Check --key-source, else restore the zone from your backup",
        )
    return snapshot


def sweep(folder: Path) -> None:
    """Remove what crashes left behind: unfinished files, spill, snapshots that are not current."""
    keep: set[str] = set()
    if has_snapshot(folder):
        keep.add(str(json.loads((folder / _CURRENT).read_bytes())["file"]))
    for leftover in folder.glob("*.duckdb*"):
        if leftover.name not in keep:
            leftover.unlink()
    for leftover in [*folder.glob(".*.part"), *(folder / "spill").glob("*")]:
        leftover.unlink()

"""A damaged zone, another zone's file or another key is found before anything is charged."""

import hashlib
import json
import os
import secrets
from pathlib import Path

import pytest

from pipelines.zone import snapshot as snapshots
from pipelines.zone.keys import derived_key
from pipelines.zone.snapshot import Snapshot, current_snapshot, make_current, new_snapshot_id, snapshot_path, sweep
from pipelines.zone.storage import open_zone
from schemas.canonical import canonical_bytes
from schemas.errors import ZoneFault

KEY = b"k" * 32
_SMALL = 3 * 40_000
CANARY = "canary-" + "q7w8e9" * 4


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    identifier = new_snapshot_id()
    path = snapshot_path(tmp_path, identifier)
    with open_zone({"fresh": (path, True)}, KEY, spill=tmp_path / "spill") as connection:
        connection.execute("CREATE TABLE fresh.core_responses AS SELECT range AS a0 FROM range(5000)")
        connection.execute(f"CREATE TABLE fresh.core_text AS SELECT '{CANARY}' || range AS t FROM range(1000)")
        connection.execute("CHECKPOINT fresh")
    make_current(tmp_path, Snapshot(identifier, path, "0" * 64, "a" * 64), KEY)
    return tmp_path


def test_reads_back(zone: Path) -> None:
    assert current_snapshot(zone, KEY).attributes_digest == "0" * 64


def test_no_plain_text_in_any_file(zone: Path) -> None:
    for path in zone.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes()


def test_any_flipped_bit_is_found(zone: Path) -> None:
    path = current_snapshot(zone, KEY).path
    content = path.read_bytes()
    for _ in range(60):
        place, bit = secrets.randbelow(len(content)), secrets.randbelow(8)
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        with pytest.raises(ZoneFault) as fault:
            current_snapshot(zone, KEY)
        assert fault.value.exit_code == 5


def test_any_truncation_is_found(zone: Path) -> None:
    path = current_snapshot(zone, KEY).path
    content = path.read_bytes()
    for part in range(20):
        path.write_bytes(content[: len(content) * part // 20])
        with pytest.raises(ZoneFault):
            current_snapshot(zone, KEY)


@pytest.fixture
def small_parts(zone: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """A snapshot that is authenticated in many parts, the last one not whole."""
    monkeypatch.setattr(snapshots, "_PART", _SMALL)
    monkeypatch.setattr(snapshots, "_CHUNK", _SMALL // 3)
    [path] = zone.glob("responses-*")
    found = Snapshot(path.stem.removeprefix("responses-"), path, "0" * 64, "a" * 64)
    assert path.stat().st_size > 3 * _SMALL and path.stat().st_size % _SMALL
    make_current(zone, found, KEY)
    return current_snapshot(zone, KEY)


def test_parts_in_another_order_are_refused(zone: Path, small_parts: Snapshot) -> None:
    content = small_parts.path.read_bytes()
    first, second, rest = content[:_SMALL], content[_SMALL : 2 * _SMALL], content[2 * _SMALL :]
    assert first != second
    small_parts.path.write_bytes(second + first + rest)
    with pytest.raises(ZoneFault):
        current_snapshot(zone, KEY)


def test_a_byte_at_either_end_of_each_part_counts(zone: Path, small_parts: Snapshot) -> None:
    content = small_parts.path.read_bytes()
    ends = {
        place for start in range(0, len(content), _SMALL) for place in (start, min(start + _SMALL, len(content)) - 1)
    }
    for place in ends:
        small_parts.path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ZoneFault):
            current_snapshot(zone, KEY)
    small_parts.path.write_bytes(content)
    assert current_snapshot(zone, KEY) == small_parts


def test_a_zone_that_was_authenticated_the_earlier_way_is_read_and_its_damage_found(zone: Path) -> None:
    record = zone / "current.json"
    said = json.loads(record.read_bytes())
    path = current_snapshot(zone, KEY).path
    del said["gmac"]
    key, content = derived_key(KEY, "snapshot-mac"), path.read_bytes()
    part = hashlib.blake2b(bytes(8), key=key, digest_size=32, person=b"part")
    part.update(content)
    whole = hashlib.blake2b(canonical_bytes(said), key=key, digest_size=32, person=b"whole")
    whole.update(len(content).to_bytes(8, "big") + part.digest())
    record.write_bytes(canonical_bytes({**said, "mac": whole.hexdigest()}))
    assert current_snapshot(zone, KEY).path == path
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ZoneFault):
        current_snapshot(zone, KEY)


@pytest.mark.parametrize("mac", ["é" * 64, "\ud800", "", "0" * 64])
def test_a_record_whose_mac_is_no_mac_is_damage(zone: Path, mac: str) -> None:
    record = zone / "current.json"
    record.write_text(json.dumps({**json.loads(record.read_bytes()), "gmac": mac}))
    with pytest.raises(ZoneFault):
        current_snapshot(zone, KEY)


def test_another_key_is_refused(zone: Path) -> None:
    with pytest.raises(ZoneFault):
        current_snapshot(zone, b"x" * 32)


def test_record_edited(zone: Path) -> None:
    record = zone / "current.json"
    record.write_bytes(record.read_bytes().replace(b"0" * 64, b"1" * 64))
    with pytest.raises(ZoneFault):
        current_snapshot(zone, KEY)


def test_sweep_removes_what_a_crash_left(zone: Path) -> None:
    current = current_snapshot(zone, KEY).path
    for name in (
        "responses-dead.duckdb",
        "stage-dead.duckdb",
        "stage-dead.duckdb.wal",
        ".current.json.part",
        "spill/duckdb_temp_1",
    ):
        (zone / name).write_bytes(b"left")
    sweep(zone)
    assert sorted(p.name for p in zone.iterdir()) == sorted([current.name, "current.json", "spill"])
    assert os.listdir(zone / "spill") == []

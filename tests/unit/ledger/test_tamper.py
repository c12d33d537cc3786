"""Each field of each row changed, rows removed, swapped, doubled, and the chain recomputed without the key."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.ledger.approvals import approve
from pipelines.ledger.chain import Row
from pipelines.ledger.signing import SigningKey, read_key
from schemas.canonical import canonical_bytes, digest
from schemas.errors import IntegrityFault
from schemas.ledger import EventKind
from tests.ledger_sample import DISARM, START, Clock, World, a_charge, a_plan, a_policy, cross

pytestmark = pytest.mark.prove


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A ledger with every kind of event that a release leaves."""
    world = World(tmp_path_factory.mktemp("tamper") / "workspace")
    ledger = world.open()
    key, name = world.officer("officer")
    policy = a_policy(needed=1, officers=(name,), charges=5)
    ledger.record(EventKind.INGESTED, {"survey": "community", "wave": "2026", "snapshot_id": "snapshot-1"})
    approve(ledger, a_plan(policy), policy, key)
    cross(ledger, a_charge(policy), policy)
    charged = ledger.charge(a_charge(policy, 2), policy)
    with ledger.lock():
        ledger.record(EventKind.VOID, {"release_id": "r2", "charge_seq": charged.seq})
    ledger.record(EventKind.FROZEN, {})
    return world


@pytest.fixture
def copy(finished: World, tmp_path: Path) -> World:
    shutil.copytree(finished.root, tmp_path / "workspace")
    return World(tmp_path / "workspace")


def rows_of(world: World) -> list[Row]:
    with closing(sqlite3.connect(world.file)) as connection:
        return [Row(*row) for row in connection.execute("SELECT * FROM ledger_events ORDER BY seq")]


def rewrite(world: World, rows: list[Row]) -> None:
    with closing(sqlite3.connect(world.file)) as connection, connection:
        for statement in ("PRAGMA synchronous = OFF", *DISARM, "DELETE FROM ledger_events"):
            connection.execute(statement)
        connection.executemany("INSERT INTO ledger_events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def refuses_naming(world: World, seq: int) -> None:
    with pytest.raises(IntegrityFault) as raised:
        world.open()
    assert raised.value.code == "ledger_tampered"
    assert raised.value.where == f"seq {seq}"


SEQS = range(1, 12)


def test_the_sample_has_the_rows_that_are_tampered_with(finished: World) -> None:
    assert [row.seq for row in rows_of(finished)] == list(SEQS)
    assert len(finished.open().events()) == len(SEQS)


def _other_hex(text: str) -> str:
    return ("0" if text[0] != "0" else "1") + text[1:]


CHANGES: dict[str, list[Callable[[Any], Any]]] = {
    "prev_hash": [_other_hex, str.upper, lambda _: "", lambda _: 7],
    "kind": [lambda kind: "REFUSED" if kind != "REFUSED" else "VOID", str.lower, lambda _: "REFUND"],
    "time": [lambda _: "2026-03-01T12:00:01Z", lambda text: text.replace("Z", "+00:00"), lambda _: ""],
    "body": [
        lambda _: "{}",
        lambda _: "{",
        lambda _: "[]",
        lambda text: text.replace(":", ": ", 1),
        lambda text: text[:-1] + ("" if text == "{}" else ",") + '"extra":1}',
        lambda text: text.encode(),
    ],
    "hash": [_other_hex, str.upper, lambda _: "", lambda _: 7],
    "signature": [_other_hex, str.upper, lambda text: text[:-1], lambda text: text + "00", lambda _: ""],
}


@pytest.mark.parametrize("field", CHANGES)
def test_each_field_of_each_row(copy: World, field: str) -> None:
    whole = rows_of(copy)
    pristine = copy.file.read_bytes()
    for seq in SEQS:
        for change in CHANGES[field]:
            row = whole[seq - 1]
            changed = row._replace(**{field: change(getattr(row, field))})
            if changed == row:
                continue
            copy.file.write_bytes(pristine)
            rewrite(copy, [*whole[: seq - 1], changed, *whole[seq:]])
            refuses_naming(copy, seq)


def test_a_row_removed(copy: World) -> None:
    whole, pristine = rows_of(copy), copy.file.read_bytes()
    for seq in SEQS[:-1]:
        for renumbered in (False, True):
            copy.file.write_bytes(pristine)
            later = [row._replace(seq=row.seq - renumbered) for row in whole[seq:]]
            rewrite(copy, [*whole[: seq - 1], *later])
            refuses_naming(copy, seq)


def test_the_last_row_removed_is_missed_by_the_witness(copy: World) -> None:
    rewrite(copy, rows_of(copy)[:-1])
    with pytest.raises(IntegrityFault) as raised:
        copy.open()
    assert raised.value.code == "ledger_behind"


def test_rows_swapped(copy: World) -> None:
    whole, pristine = rows_of(copy), copy.file.read_bytes()
    for seq in SEQS[:-1]:
        copy.file.write_bytes(pristine)
        first, second = whole[seq - 1], whole[seq]
        rewrite(copy, [*whole[: seq - 1], second._replace(seq=seq), first._replace(seq=seq + 1), *whole[seq + 1 :]])
        refuses_naming(copy, seq)


def test_a_row_doubled_at_the_end(copy: World) -> None:
    whole, pristine = rows_of(copy), copy.file.read_bytes()
    for row in whole:
        copy.file.write_bytes(pristine)
        again = row._replace(seq=len(whole) + 1, prev_hash=whole[-1].hash, hash=digest(b"new"))
        rewrite(copy, [*whole, again])
        refuses_naming(copy, len(whole) + 1)


def recomputed(rows: list[Row], start: int, key: SigningKey | None) -> list[Row]:
    """Rows from `start` on with their chain made right again, signed by another key or not at all."""
    made = rows[: start - 1]
    for row in rows[start - 1 :]:
        previous = made[-1].hash if made else "0" * 64
        fields = {
            "seq": row.seq,
            "prev_hash": previous,
            "kind": row.kind,
            "time": row.time,
            "body": json.loads(row.body),
        }
        row_hash = digest(fields)
        signature = row.signature if key is None else key.sign(bytes.fromhex(row_hash))
        made.append(row._replace(prev_hash=previous, hash=row_hash, signature=signature))
    return made


@pytest.mark.parametrize("key", [None, SigningKey.new()], ids=["old signatures", "another key"])
def test_the_chain_recomputed_without_the_key(copy: World, key: SigningKey | None) -> None:
    whole, pristine = rows_of(copy), copy.file.read_bytes()
    charged = next(row for row in whole if row.kind == "CHARGED")
    cheaper = canonical_bytes(json.loads(charged.body) | {"charge_nano_rho": 1}).decode()
    for changed in (charged._replace(body=cheaper), charged._replace(time="2026-03-01T12:00:09Z")):
        copy.file.write_bytes(pristine)
        rows = [*whole[: charged.seq - 1], changed, *whole[charged.seq :]]
        rewrite(copy, recomputed(rows, charged.seq, key))
        refuses_naming(copy, charged.seq)


def test_the_opening_rewritten_without_the_key(copy: World) -> None:
    whole = rows_of(copy)
    opened = json.loads(whole[0].body)
    mine = SigningKey.new()
    stolen = whole[0]._replace(body=canonical_bytes(opened | {"public_key": mine.public_key_hex}).decode())
    rewrite(copy, recomputed([stolen, *whole[1:]], 1, None))
    refuses_naming(copy, 1)


def test_a_change_while_the_ledger_is_open(copy: World) -> None:
    ledger = copy.open()
    rewrite(copy, rows_of(copy)[:-1])
    with pytest.raises(IntegrityFault) as raised:
        ledger.events()
    assert raised.value.where == "seq 11"


def test_flipped_bytes_never_go_unseen(finished: World, copy: World) -> None:
    """A byte of the file is either of no consequence to any event, or the ledger refuses to open."""
    events, pristine = finished.open().events(), copy.file.read_bytes()
    for place in range(0, len(pristine), 1009):
        damaged = bytearray(pristine)
        damaged[place] ^= 1 << place % 8
        copy.file.write_bytes(damaged)
        with suppress(IntegrityFault):
            assert copy.open().events() == events


def _signed_anew(world: World, kind: EventKind, changes: dict[str, Any]) -> int:
    """Change the body of the first event of a kind and sign all after it with the real ledger key."""
    whole = rows_of(world)
    row = next(row for row in whole if row.kind == kind.value)
    changed = row._replace(body=canonical_bytes(json.loads(row.body) | changes).decode())
    rows = [*whole[: row.seq - 1], changed, *whole[row.seq :]]
    world.witness.unlink()
    rewrite(world, recomputed(rows, row.seq, read_key(world.root / "keys" / "ledger.key", "ledger")))
    return int(row.seq)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (EventKind.APPROVED, {"officer": "0" * 64}),
        (EventKind.APPROVED, {"signature": "0" * 128}),
        (EventKind.POLICY, {"needed": 2}),
        (EventKind.CHARGED, {"charge_nano_rho": 500_000_001}),
        (EventKind.CHARGED, {"approval_seqs": []}),
        (EventKind.CHARGED, {"population": "staff"}),
        (EventKind.SEALED, {"release_id": "r9"}),
        (EventKind.PUBLISHED, {"charge_seq": 1}),
        (EventKind.VOID, {"release_id": "r1"}),
    ],
    ids=lambda value: value.value if isinstance(value, EventKind) else str(next(iter(value))),
)
def test_even_the_ledger_key_cannot_make_what_the_rules_forbid(
    copy: World, kind: EventKind, changes: dict[str, Any]
) -> None:
    refuses_naming(copy, _signed_anew(copy, kind, changes))


def test_two_true_histories_spliced(copy: World, tmp_path: Path) -> None:
    """Each row is signed by the ledger key, but of two ledgers that went apart."""
    shutil.copytree(copy.root, tmp_path / "twin" / "workspace")
    twin = World(tmp_path / "twin" / "workspace", Clock(START + timedelta(hours=1)))
    for world in (copy, twin):
        ledger = world.open()
        for number in range(2):
            body = {"survey": "community", "wave": "2027", "snapshot_id": f"{number}"}
            ledger.record(EventKind.INGESTED, body)
    ours, theirs = rows_of(copy), rows_of(twin)
    assert ours[:11] == theirs[:11]
    assert ours[11:] != theirs[11:]
    rewrite(copy, [*ours[:12], theirs[12]])
    refuses_naming(copy, 13)

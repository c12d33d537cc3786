import json
import shutil
from pathlib import Path

import pytest

from schemas.canonical import canonical_bytes
from schemas.errors import Fault, IntegrityFault, ZoneFault
from schemas.ledger import EventKind, Head
from tests.ledger_sample import World, a_charge, a_policy, cross

pytestmark = pytest.mark.prove


def refused(kind: type[Fault], code: str) -> pytest.RaisesExc[Fault]:
    return pytest.RaisesExc(kind, check=lambda fault: fault.code == code)


def write_card(world: World, head: Head | None, name: str = "r1") -> Path:
    card = world.root / "releases" / "community" / "2026" / name / "card.json"
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(json.dumps({"ledger": {} if head is None else {"head": head.model_dump()}}))
    return card


def seqs_in(path: Path) -> list[int]:
    return [json.loads(line)["seq"] for line in path.read_bytes().splitlines()]


def test_witness_lines_are_canonical_and_of_the_events_that_matter(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    ledger.record(EventKind.INGESTED, {"survey": "community", "wave": "2026", "snapshot_id": "snapshot-1"})
    cross(ledger, a_charge(policy), policy)
    lines = world.witness.read_bytes().splitlines()
    assert seqs_in(world.witness) == [1, 3, 4, 5, 6]
    events = {event.seq: event for event in ledger.events()}
    for line in lines:
        head = Head.model_validate_json(line)
        assert line == canonical_bytes(head)
        assert head.hash == events[head.seq].hash


def test_every_older_copy_is_refused(world: World) -> None:
    """Restore each older ledger under a newer witness: at opening, and in a program that is running."""
    copies: list[bytes] = []
    ledger, policy = world.open(), a_policy()
    running = world.open()
    for number in range(1, 6):
        copies.append(world.file.read_bytes())
        cross(ledger, a_charge(policy, number), policy)
    newest = world.file.read_bytes()
    for old in copies:
        world.file.write_bytes(old)
        with refused(IntegrityFault, "ledger_behind"):
            world.open()
        with refused(IntegrityFault, "ledger_behind"):
            running.charge(a_charge(policy, 9), policy)
    world.file.write_bytes(newest)
    assert world.open().state().crossing("r5")


def test_an_older_copy_is_refused_by_cards_alone(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    ledger.charge(a_charge(policy), policy)
    old, old_witness = world.file.read_bytes(), world.witness.read_bytes()
    ledger.record(EventKind.SEALED, {"release_id": "r1", "charge_seq": 3})
    write_card(world, ledger.head())
    world.file.write_bytes(old)
    world.witness.write_bytes(old_witness)
    with refused(IntegrityFault, "ledger_behind"):
        world.open()


def test_cards_without_a_head_of_other_ledgers_or_damaged_are_no_witness(world: World) -> None:
    ledger = world.open()
    write_card(world, None, "without")
    write_card(world, Head(ledger_id="another", seq=99, hash="0" * 64), "other")
    write_card(world, None, "damaged").write_text("{")
    write_card(world, None, "list").write_text("[]")
    write_card(world, ledger.head(), "right")
    assert world.open().head() == ledger.head()
    write_card(world, Head(ledger_id=ledger.ledger_id, seq=0, hash="0" * 64), "zero")
    with refused(IntegrityFault, "ledger_behind"):
        world.open()


def test_two_ledgers_from_one_copy_fence_each_other(world: World, tmp_path: Path) -> None:
    witness = tmp_path / "officer.jsonl"
    first, policy = world.open(witness=witness), a_policy()
    first.charge(a_charge(policy), policy)
    shutil.copytree(world.root, tmp_path / "copy" / "workspace")
    twin = World(tmp_path / "copy" / "workspace", world.clock).open(witness=witness)
    first.charge(a_charge(policy, 2), policy)
    with refused(IntegrityFault, "ledger_behind"):
        twin.charge(a_charge(policy, 3), policy)


def test_the_same_number_told_otherwise_is_refused(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    ledger.charge(a_charge(policy), policy)
    lines = world.witness.read_bytes().splitlines(keepends=True)
    other = Head(ledger_id=ledger.ledger_id, seq=3, hash="0" * 64)
    world.witness.write_bytes(b"".join([*lines, canonical_bytes(other), b"\n"]))
    with refused(IntegrityFault, "ledger_behind"):
        ledger.charge(a_charge(policy, 2), policy)


def test_a_witness_is_for_one_ledger(world: World, tmp_path: Path) -> None:
    world.open()
    other = World(tmp_path / "other")
    with refused(IntegrityFault, "ledger_missing"):
        other.open(witness=world.witness)
    other.open()
    with refused(IntegrityFault, "witness_foreign"):
        other.open(witness=world.witness)


def test_a_missing_witness_is_refused_once_there_are_charges(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    world.witness.unlink()
    world.open().charge(a_charge(policy), policy)
    kept = world.witness.read_bytes()
    world.witness.unlink()
    with refused(IntegrityFault, "witness_missing"):
        world.open()
    with refused(IntegrityFault, "witness_missing"):
        ledger.charge(a_charge(policy, 2), policy)
    world.witness.write_bytes(kept)
    assert world.open().state().crossing("r1")


def test_a_named_witness_that_is_not_there_is_not_made_silently(world: World, tmp_path: Path) -> None:
    ledger, policy = world.open(), a_policy()
    ledger.charge(a_charge(policy), policy)
    named = tmp_path / "mounted" / "witness.jsonl"
    with refused(IntegrityFault, "witness_missing"):
        world.open(witness=named)
    named.parent.mkdir()
    named.touch()
    world.open(witness=named)
    assert seqs_in(named) == [1, 2, 3]


def test_a_ledger_ahead_of_its_witness_heals_it(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    cross(ledger, a_charge(policy), policy)
    whole = world.witness.read_bytes()
    lines = whole.splitlines(keepends=True)
    for kept in range(1, len(lines)):
        world.witness.write_bytes(b"".join(lines[:kept]))
        world.open()
        assert world.witness.read_bytes() == whole


def test_a_line_cut_short_by_a_power_cut_is_healed(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    ledger.charge(a_charge(policy), policy)
    whole = world.witness.read_bytes()
    for length in range(0, len(whole), 13):
        world.witness.write_bytes(whole[:length])
        world.open()
        assert set(whole.splitlines()) <= set(world.witness.read_bytes().splitlines())
        assert world.open().state().crossing("r1")


@pytest.mark.parametrize("line", [b"{}", b"nonsense", b'{"hash": 1}', b"\xff\xfe", b'{"a":' * 20_000])
def test_a_damaged_witness_is_refused(world: World, line: bytes) -> None:
    world.open()
    with world.witness.open("ab") as stream:
        stream.write(line + b"\n")
    with refused(IntegrityFault, "witness_damaged"):
        world.open()


def test_a_witness_that_cannot_be_written_stops_the_charge_before_it_is_booked(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    world.witness.unlink()
    world.witness.mkdir()
    with refused(ZoneFault, "witness_unwritable"):
        ledger.charge(a_charge(policy), policy)
    assert len(ledger.events()) == 1


def test_the_default_witness_still_counts_when_another_is_named(world: World, tmp_path: Path) -> None:
    ledger, policy = world.open(), a_policy()
    old = world.file.read_bytes()
    ledger.charge(a_charge(policy), policy)
    world.file.write_bytes(old)
    (tmp_path / "new.jsonl").touch()
    with refused(IntegrityFault, "ledger_behind"):
        world.open(witness=tmp_path / "new.jsonl")


def test_a_rolled_back_freeze_is_seen(world: World) -> None:
    ledger = world.open()
    old = world.file.read_bytes()
    ledger.record(EventKind.FROZEN, {})
    world.file.write_bytes(old)
    with refused(IntegrityFault, "ledger_behind"):
        world.open()

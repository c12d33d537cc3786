import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.ledger import signing
from pipelines.ledger.signing import SigningKey, read_key, signed_by
from pipelines.ledger.store import Ledger
from privacy.ledger_rules import CrossingState
from schemas.errors import BudgetRefused, Fault, IntegrityFault, InternalFault, UsageFault, ZoneFault
from schemas.ledger import EventKind
from tests.ledger_sample import World, a_charge, a_plan, a_policy, cross


def refused(kind: type[Fault], code: str) -> pytest.RaisesExc[Fault]:
    return pytest.RaisesExc(kind, check=lambda fault: fault.code == code)


def test_first_use_founds_a_ledger_and_later_use_finds_it(world: World) -> None:
    ledger = world.open()
    first = ledger.events()
    assert [event.kind for event in first] == [EventKind.OPENED]
    assert first[0].time == "2026-03-01T12:00:00Z"
    assert world.open().ledger_id == ledger.ledger_id
    assert world.open().head() == ledger.head()
    assert signed_by(ledger.public_key_hex, b"manifest", ledger.sign(b"manifest"))


def test_keys_and_ledger_are_for_their_owner_only(world: World) -> None:
    world.open()
    for folder in ("keys", "ledger", "zone"):
        assert stat.S_IMODE((world.root / folder).stat().st_mode) == 0o700
    assert stat.S_IMODE((world.root / "keys" / "ledger.key").stat().st_mode) == 0o600


def test_a_workspace_cannot_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with refused(UsageFault, "workspace"):
        _ = World(tmp_path / "taken").workspace


def test_folder_names_stay_inside_the_workspace(world: World) -> None:
    with refused(InternalFault, "folder_name"):
        world.workspace.release("community", "..", "r1")


def test_a_crossing_is_charged_sealed_and_published(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    cross(ledger, a_charge(policy), policy)
    crossing = world.open().state().crossing("r1")
    assert crossing.state is CrossingState.PUBLISHED
    assert ledger.event(crossing.charged_seq).kind is EventKind.CHARGED
    sealed = ledger.sealed_event("r1")
    assert sealed is not None
    assert sealed.body["isolation"] == ["separate process"]
    assert [event.kind.value for event in ledger.events()] == ["OPENED", "POLICY", "CHARGED", "SEALED", "PUBLISHED"]


def test_a_release_is_charged_once(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    ledger.charge(a_charge(policy), policy)
    with refused(BudgetRefused, "already_charged"):
        ledger.charge(a_charge(policy), policy)
    with refused(BudgetRefused, "already_charged"):
        ledger.charge(a_charge(policy, release_id="other name, same plan and snapshot"), policy)
    assert [refusal.code for refusal in ledger.budget().refused] == ["already_charged", "already_charged"]


def test_void_gives_nothing_back_and_frees_the_next_attempt(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    charged = ledger.charge(a_charge(policy), policy)
    before = ledger.spent("adults", 2026, "community", "2026")
    with ledger.lock():
        ledger.record(EventKind.VOID, {"release_id": "r1", "charge_seq": charged.seq})
    assert ledger.spent("adults", 2026, "community", "2026") == before
    ledger.charge(a_charge(policy, release_id="r1-again", attempt=2), policy)
    assert ledger.spent("adults", 2026, "community", "2026").lifetime.spent_nano_rho == 200_000_000
    attempts = ledger.state().crossings_of(a_charge(policy).plan_digest, "snapshot-1")
    assert [attempt.state for attempt in attempts] == [CrossingState.VOID, CrossingState.CHARGED]


def test_void_needs_the_lock_in_hand(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    charged = ledger.charge(a_charge(policy), policy)
    with refused(InternalFault, "void_without_lock"):
        ledger.record(EventKind.VOID, {"release_id": "r1", "charge_seq": charged.seq})


@pytest.mark.parametrize("kind", [EventKind.SEALED, EventKind.PUBLISHED, EventKind.VOID])
def test_states_cannot_be_skipped_repeated_or_left(world: World, kind: EventKind) -> None:
    ledger, policy = world.open(), a_policy()
    cross(ledger, a_charge(policy), policy)
    with ledger.lock(), refused(IntegrityFault, "ledger_transition"):
        ledger.record(kind, {"release_id": "r1", "charge_seq": 3})
    with ledger.lock(), refused(IntegrityFault, "ledger_transition"):
        ledger.record(kind, {"release_id": "never charged", "charge_seq": 3})
    charged = ledger.charge(a_charge(policy, 2), policy)
    with refused(IntegrityFault, "ledger_transition"):
        ledger.record(EventKind.PUBLISHED, {"release_id": "r2", "charge_seq": charged.seq})
    with ledger.lock(), refused(IntegrityFault, "ledger_transition"):
        ledger.record(kind, {"release_id": "r2", "charge_seq": charged.seq + 1})


@pytest.mark.parametrize("kind", [EventKind.CHARGED, EventKind.POLICY, EventKind.APPROVED, EventKind.OPENED])
def test_some_kinds_have_their_own_function(world: World, kind: EventKind) -> None:
    with refused(InternalFault, "ledger_kind"):
        world.open().record(kind, {})


def test_a_body_is_of_its_kind_and_holds_nothing_else(world: World) -> None:
    body = {"survey": "community", "wave": "2026", "snapshot_id": "s", "rows": 7919}
    with refused(InternalFault, "ledger_body"):
        world.open().record(EventKind.INGESTED, body)


def test_what_is_said_once_is_recorded_once(world: World) -> None:
    ledger = world.open()
    wave = {"survey": "community", "wave": "2026"}
    frozen = ledger.record(EventKind.FROZEN, {})
    closed = ledger.record(EventKind.CLOSED, wave)
    assert ledger.record(EventKind.FROZEN, {"reason": "again"}) == frozen
    assert ledger.record(EventKind.CLOSED, wave) == closed
    assert len(ledger.events()) == 3


def test_a_closed_wave_accepts_nothing_but_may_be_released(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    ledger.record(EventKind.CLOSED, {"survey": "community", "wave": "2026"})
    with refused(IntegrityFault, "ledger_transition"):
        ledger.record(EventKind.INGESTED, {"survey": "community", "wave": "2026", "snapshot_id": "s"})
    ledger.charge(a_charge(policy), policy)
    ledger.record(EventKind.EXPIRED, {"survey": "community", "wave": "2026"})
    with refused(BudgetRefused, "wave_expired"):
        ledger.charge(a_charge(policy, 2), policy)


def test_the_key_must_be_there_and_the_right_one(world: World) -> None:
    world.open()
    key = world.root / "keys" / "ledger.key"
    kept = key.read_bytes()
    key.unlink()
    with refused(ZoneFault, "ledger_key_missing"):
        world.open()
    SigningKey.new().write(key)
    with refused(ZoneFault, "ledger_key_wrong"):
        world.open()
    key.write_bytes(b"not a key")
    with refused(ZoneFault, "ledger_key_unreadable"):
        world.open()
    key.write_bytes(kept)
    assert len(world.open().events()) == 1


def test_a_crash_before_the_key_is_named_is_finished_later(world: World) -> None:
    ledger = world.open()
    key = world.root / "keys" / "ledger.key"
    key.rename(key.with_name("ledger.key.new"))
    assert world.open().ledger_id == ledger.ledger_id
    assert key.exists()


@pytest.mark.parametrize("moment", ["before it is read", "before it is named"])
def test_two_may_finish_naming_the_key_at_the_same_moment(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    ledger = world.open()
    key = world.root / "keys" / "ledger.key"
    staged = key.with_name("ledger.key.new")
    key.rename(staged)
    named_by_another: list[Path] = []

    def read_while_another_names(path: Path, owner: str) -> SigningKey:
        if path == staged and not named_by_another:
            named_by_another.append(path)
            read = None if moment == "before it is read" else read_key(path, owner)
            world.open()
            assert not staged.exists()
            return read or read_key(path, owner)
        return read_key(path, owner)

    monkeypatch.setattr(signing, "read_key", read_while_another_names)
    assert world.open().ledger_id == ledger.ledger_id
    assert named_by_another and key.exists()


def test_a_key_that_cannot_be_named_is_said_in_a_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.open()
    key = world.root / "keys" / "ledger.key"
    key.rename(key.with_name("ledger.key.new"))

    def full(_: Path) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(signing, "sync_folder", full)
    with refused(ZoneFault, "ledger_key_unwritable"):
        world.open()


@pytest.mark.parametrize("lost", [["ledger.sqlite"], ["ledger.sqlite", "witness.jsonl"]])
def test_a_lost_ledger_is_not_replaced_by_a_new_one(world: World, lost: list[str]) -> None:
    world.open()
    for name in lost:
        (world.root / "ledger" / name).unlink()
    with refused(IntegrityFault, "ledger_missing"):
        world.open()
    world.file.write_bytes(b"")
    with refused(IntegrityFault, "ledger_missing"):
        world.open()


def test_a_witness_or_a_release_without_a_ledger_means_that_it_was_lost(world: World, tmp_path: Path) -> None:
    world.open(witness=tmp_path / "elsewhere.jsonl")
    shutil.rmtree(world.root)
    with refused(IntegrityFault, "ledger_missing"):
        world.open(witness=tmp_path / "elsewhere.jsonl")
    assert not (world.root / "keys" / "ledger.key").exists()


@pytest.mark.parametrize("content", [b"not a database" * 400, b"\x00" * 8192, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_that_is_no_ledger_is_named_without_a_traceback(world: World, content: bytes) -> None:
    world.open()
    world.file.write_bytes(content)
    with pytest.raises(IntegrityFault) as raised:
        world.open()
    assert raised.value.exit_code == 7
    assert "\n" not in raised.value.line()


def test_cut_files_are_refused_at_every_length(world: World) -> None:
    ledger, policy = world.open(), a_policy()
    for number in range(1, 4):
        cross(ledger, a_charge(policy, number), policy)
    whole = world.file.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        world.file.write_bytes(whole[:length])
        with pytest.raises(IntegrityFault):
            world.open()
    world.file.write_bytes(whole)
    assert len(world.open().events()) == 11


def test_the_database_refuses_change_even_by_hand(world: World) -> None:
    world.open()
    for statement in (
        "UPDATE ledger_events SET time = 'x'",
        "DELETE FROM ledger_events",
        "INSERT OR REPLACE INTO ledger_events SELECT * FROM ledger_events",
        "INSERT OR REPLACE INTO ledger_events SELECT seq + 1, prev_hash, kind, time, body, 'h', 's' FROM ledger_events",
        "INSERT OR IGNORE INTO ledger_events SELECT seq, 'p', kind, time, body, 'h', 's' FROM ledger_events",
    ):
        with closing(sqlite3.connect(world.file)) as connection, pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
    assert len(world.open().events()) == 1


def test_dropped_triggers_are_put_back(world: World) -> None:
    world.open()
    world.sql("DROP TRIGGER ledger_no_delete", "DROP INDEX ledger_one_charge")
    world.open()
    with pytest.raises(sqlite3.IntegrityError):
        world.sql("DELETE FROM ledger_events")


def test_every_commit_is_synced_to_disk_and_folder(world: World) -> None:
    with world.open()._database.transaction(writing=False) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 3
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"


def test_the_clock_set_back_does_not_turn_ledger_time(world: World) -> None:
    ledger = world.open()
    world.clock.turn(days=-3650)
    event = ledger.record(EventKind.FROZEN, {})
    assert event.time == "2026-03-01T12:00:00Z"


def test_another_run_waits_and_then_is_refused(world: World) -> None:
    ledger, other = world.open(), world.open()
    with ledger.lock(), refused(BudgetRefused, "run_in_progress"), other.lock(wait_seconds=0.1):
        pass
    with other.lock(wait_seconds=0.1):
        pass


def test_the_worker_keeps_the_lock_when_the_run_is_gone(world: World) -> None:
    ledger = world.open()
    with ledger.lock() as held:
        assert os.get_inheritable(held[0])
        sleeper = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        worker = subprocess.Popen(sleeper, stdin=subprocess.PIPE, pass_fds=held)
    with refused(BudgetRefused, "run_in_progress"), world.open().lock(wait_seconds=0.1):
        pass
    worker.communicate()
    with world.open().lock(wait_seconds=5):
        pass


def test_the_database_address_is_checked(world: World) -> None:
    for address in ("mysql://host/base", "nonsense", ""):
        with refused(UsageFault, "database_url"):
            world.open(database_url=address)


def test_planned_is_recorded_once_a_plan(world: World) -> None:
    ledger, plan = world.open(), a_plan(a_policy())
    body = {
        "plan_digest": "0" * 64,
        **plan.model_dump(include={"survey_digest", "policy_digest", "population", "survey", "wave", "year"}),
        "charge_nano_rho": 1,
    }
    assert ledger.record(EventKind.PLANNED, body) == ledger.record(EventKind.PLANNED, body)


def test_a_reader_sees_what_another_writer_added(world: World) -> None:
    reader: Ledger = world.open()
    world.open().record(EventKind.FROZEN, {})
    assert reader.state().frozen_seq == 2

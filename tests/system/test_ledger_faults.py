"""The ledger under kill -9, under many writers at once, and on a full disk: draws can never exceed charges."""

import multiprocessing
import secrets
import signal
from collections import Counter
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from privacy.ledger_state import lifetime_scope
from schemas.errors import IntegrityFault
from schemas.ledger import EventKind
from tests import ledger_processes
from tests.ledger_processes import at_once, roomy
from tests.ledger_sample import World, a_charge, cross

pytestmark = pytest.mark.prove


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "workspace")


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.ledger_processes"])
    return context


MANY = [pytest.param(16, id="16"), pytest.param(64, id="64", marks=pytest.mark.extended)]


@pytest.mark.parametrize("count", MANY)
def test_one_release_id_is_charged_once_however_many_ask(
    processes: ForkServerContext, world: World, count: int
) -> None:
    policy = roomy(releases=10)
    world.open()
    each = [(world.root, policy, 1)] * count
    told = Counter(at_once(processes, ledger_processes.charge_at_once, each))
    assert told == {"charged": 1, "already_charged": count - 1}
    assert world.open().state().spent_in(lifetime_scope("adults")).nano_rho == 100_000_000


@pytest.mark.parametrize("count", MANY)
def test_as_many_are_charged_as_there_is_room_for(processes: ForkServerContext, world: World, count: int) -> None:
    room = 4 if count == 16 else 10
    policy = roomy(releases=room)
    world.open()
    each = [(world.root, policy, number) for number in range(count)]
    told = Counter(at_once(processes, ledger_processes.charge_at_once, each))
    assert told == {"charged": room, "cap_exceeded": count - room}
    ledger = world.open()
    assert ledger.state().spent_in(lifetime_scope("adults")).nano_rho == room * 100_000_000
    assert len(ledger.budget().refused) == count - room


def test_a_ledger_is_founded_once_however_many_open_it(processes: ForkServerContext, world: World) -> None:
    told = at_once(processes, ledger_processes.open_at_once, [(world.root,)] * 8)
    assert set(told) == {world.open().ledger_id}
    assert len(world.open().events()) == 1


def run(processes: ForkServerContext, target: Callable[..., None], *arguments: Any) -> BaseProcess:
    process = processes.Process(target=target, args=arguments)
    process.start()
    process.join()
    return process


@pytest.mark.parametrize("moment", ledger_processes.MOMENTS)
def test_killed_around_the_commit(processes: ForkServerContext, world: World, moment: str) -> None:
    """Before the commit nothing was charged; after it the charge stands, and the witness is brought up to it."""
    policy = roomy()
    cross(world.open(), a_charge(policy, 1), policy)
    died = run(processes, ledger_processes.charge_and_die, world.root, policy, 2, moment)
    assert died.exitcode == -signal.SIGKILL
    charged = moment not in {"before append", "before commit"}
    ledger = world.open()
    assert ("r2" in ledger.state().crossings) == charged
    lines = set(world.witness.read_bytes().splitlines())
    assert sum(ledger.head().hash.encode() in line for line in lines) == 1
    if not charged:
        ledger.charge(a_charge(policy, 2), policy)
    with ledger.lock():
        seq = ledger.state().crossing("r2").charged_seq
        ledger.record(EventKind.VOID, {"release_id": "r2", "charge_seq": seq})
    assert world.open().state().spent_in(lifetime_scope("adults")).nano_rho == 200_000_000


@pytest.mark.parametrize("kills", [pytest.param(8, id="8"), pytest.param(100, id="100", marks=pytest.mark.extended)])
def test_killed_at_any_time(processes: ForkServerContext, world: World, kills: int) -> None:
    """No charge that was given is ever lost, and the ledger opens after every kill."""
    policy = roomy(releases=100_000)
    world.open()
    given: set[str] = set()
    for _ in range(kills):
        ours, theirs = processes.Pipe(duplex=False)
        victim = processes.Process(target=ledger_processes.charge_until_killed, args=(world.root, policy, theirs))
        victim.start()
        theirs.close()
        given.add(ours.recv())
        victim.join(timeout=secrets.randbelow(60) / 1000)
        victim.kill()
        victim.join()
        given |= _rest(ours)
        ledger = world.open()
        events = ledger.events()
        assert given <= {event.hash for event in events}
        charges = [event for event in events if event.kind is EventKind.CHARGED]
        assert ledger.state().spent_in(lifetime_scope("adults")).nano_rho == len(charges) * 100_000_000


def _rest(ours: Any) -> set[str]:
    told: set[str] = set()
    try:
        while True:
            told.add(ours.recv())
    except (EOFError, OSError):
        return told


def test_no_room_left_on_the_disk(processes: ForkServerContext, world: World) -> None:
    """Wherever the room ends, the charge is there as a whole or not at all, and the fault says what is the matter."""
    policy = roomy(releases=1000)
    world.open()
    told = Counter[str]()
    size = world.file.stat().st_size
    for number, room in enumerate([0, 600, 5000, 9000, size, size + 4096, 10**7]):
        ours, theirs = processes.Pipe(duplex=False)
        run(processes, ledger_processes.charge_without_room, world.root, policy, number, room, theirs)
        code = ours.recv()
        told[code] += 1
        ledger = world.open()
        charged = f"r{number}" in ledger.state().crossings
        assert charged == (code in {"charged", "witness_unwritable"})
        if not charged:
            assert code == "ledger_unwritable"
            ledger.charge(a_charge(policy, number), policy)
    assert told["charged"] > 0
    assert told["ledger_unwritable"] > 0


def test_older_backups_are_refused_until_the_newest_is_back(world: World) -> None:
    """Fifty backups, one after each charge or seal; every older one is refused at opening."""
    policy = roomy(releases=1000)
    backups: list[bytes] = []
    ledger = world.open()
    for number in range(26):
        charged = ledger.charge(a_charge(policy, number), policy)
        backups.append(world.file.read_bytes())
        ledger.record(EventKind.SEALED, {"release_id": f"r{number}", "charge_seq": charged.seq})
        backups.append(world.file.read_bytes())
    for backup in backups[:-1]:
        world.file.write_bytes(backup)
        with pytest.raises(IntegrityFault) as raised:
            world.open()
        assert raised.value.code == "ledger_behind"
    world.file.write_bytes(backups[-1])
    assert world.open().head().seq == 54

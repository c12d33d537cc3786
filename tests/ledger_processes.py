"""What other processes do to a ledger: charge it all at once, die at a chosen moment, run out of room."""

import os
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from pipelines.ledger.database import Database
from pipelines.ledger.store import Ledger
from pipelines.ledger.witness import Outside, Witness
from schemas.errors import Fault
from schemas.policy import Policy
from tests.ledger_sample import World, a_charge, a_policy


def roomy(releases: int = 4) -> Any:
    """A policy with room for so many charges of ρ 0.1."""
    return a_policy(caps={level: {"rho": releases / 10} for level in ("release", "wave", "year", "lifetime")})


def at_once(processes: ForkServerContext, target: Callable[..., None], each: list[tuple[Any, ...]]) -> list[str]:
    """Start one process per tuple of arguments, let all go at the same moment, and collect what they tell."""
    start = processes.Barrier(len(each))
    listening, running = [], []
    for arguments in each:
        ours, theirs = processes.Pipe(duplex=False)
        running.append(processes.Process(target=target, args=(*arguments, start, theirs)))
        listening.append(ours)
        running[-1].start()
        theirs.close()
    told = [ours.recv() for ours in listening]
    for process in running:
        process.join()
    return told


MOMENTS = ("before append", "before commit", "after commit", "within witness line", "after witness")


def charge_at_once(root: Path, policy: Policy, number: int, start: Barrier, tell: Connection) -> None:
    """Wait for all the others, then charge release `number`. Tells the fault's code, or `charged`."""
    ledger = World(root).open()
    start.wait()
    tell.send(_code(lambda: ledger.charge(a_charge(policy, number), policy)))


def open_at_once(root: Path, start: Barrier, tell: Connection) -> None:
    """Wait for all the others, then open the ledger. Tells its id."""
    start.wait()
    tell.send(World(root).open().ledger_id)


def _code(action: Callable[[], Any]) -> str:
    try:
        action()
    except Fault as fault:
        return fault.code
    return "charged"


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def charge_and_die(root: Path, policy: Policy, number: int, moment: str) -> None:
    """Charge, and be killed by SIGKILL at a moment."""
    ledger = World(root).open()
    append = Database.append
    if moment == "before append":
        Database.append = _die  # type: ignore[method-assign]
    elif moment == "before commit":

        def append_and_die(*arguments: Any) -> None:
            append(*arguments)
            _die()

        Database.append = append_and_die  # type: ignore[method-assign]
    elif moment == "after commit":
        Outside.catch_up = _die  # type: ignore[method-assign]
    elif moment == "within witness line":
        Witness.catch_up = _half_a_line_and_die  # type: ignore[method-assign]
    ledger.charge(a_charge(policy, number), policy)
    _die()


def _half_a_line_and_die(witness: Witness, events: Any, ledger_id: str) -> None:
    line = f'{{"hash":"{events[-1].hash}","ledger_id":"{ledger_id}"'
    with witness.path.open("ab", buffering=0) as stream:
        stream.write(line.encode()[: 20 + events[-1].seq])
    _die()


def charge_until_killed(root: Path, policy: Policy, tell: Connection) -> None:
    """Charge one release after another; tells each event's hash only when `charge` has returned."""
    ledger: Ledger = World(root).open()
    number = len(ledger.state().crossings)
    while True:
        number += 1
        tell.send(ledger.charge(a_charge(policy, number), policy).hash)


def charge_without_room(root: Path, policy: Policy, number: int, room: int, tell: Connection) -> None:
    """Charge while no file may grow beyond `room` bytes."""
    ledger = World(root).open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    tell.send(_code(lambda: ledger.charge(a_charge(policy, number), policy)))

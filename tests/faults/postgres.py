"""A PostgreSQL server of one's own, and what many processes do to a ledger in it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from privacy.ledger_state import lifetime_scope
from schemas.ledger import EventKind
from tests.ledger_sample import World, a_charge, a_policy
from tests.postgres_server import postgres_programs, running_postgres

_LEVELS = ("release", "wave", "year", "lifetime")


@contextmanager
def a_server() -> Iterator[str | None]:
    """The address of a fresh server on a local socket; None where PostgreSQL is missing."""
    programs = postgres_programs()
    if programs is None:
        yield None
        return
    with running_postgres(programs) as address:
        yield address


def a_database(address: str) -> str:
    """A new database on the server."""
    name = f"ledger_{secrets.token_hex(6)}"
    with create_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return make_url(address).set(database=name).render_as_string(hide_password=False)


def writers_at_once(folder: Path, url: str, many: int) -> int:
    """1 where other than one (same id), or as many as there is room for (other ids), were charged; else 0."""
    import multiprocessing
    from collections import Counter

    from tests import ledger_processes

    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.ledger_processes", "tests.faults.postgres"])
    room = min(10, many // 2)
    policy = a_policy(caps={level: {"rho": room / 10} for level in _LEVELS})
    World(folder, url=url).open()
    told = Counter(
        ledger_processes.at_once(processes, charge_on_server, [(folder, url, policy, number) for number in range(many)])
    )
    again = Counter(ledger_processes.at_once(processes, charge_on_server, [(folder, url, policy, 0)] * many))
    spent = World(folder, url=url).open().state().spent_in(lifetime_scope("adults")).nano_rho
    right = told == {"charged": room, "cap_exceeded": many - room}
    return int(not right or again["charged"] > (told["charged"] == 0) or spent != room * 100_000_000)


def charge_on_server(folder: Path, url: str, policy: object, number: int, start: object, tell: object) -> None:
    """Wait for all the others, then charge release `number`."""
    from schemas.errors import Fault

    ledger = World(folder, url=url).open()
    start.wait()  # type: ignore[attr-defined]
    try:
        ledger.charge(a_charge(policy, number), policy)  # type: ignore[arg-type]
        code = "charged"
    except Fault as fault:
        code = fault.code
    tell.send(code)  # type: ignore[attr-defined]


def charge_until_killed(folder: Path, url: str, policy: object, tell: object) -> None:
    """Charge one release after another; tells each event's hash only when `charge` has returned."""
    ledger = World(folder, url=url).open()
    number = len(ledger.state().crossings)
    while True:
        number += 1
        tell.send(ledger.charge(a_charge(policy, number), policy).hash)  # type: ignore[arg-type, attr-defined]


def kill_writers(folder: Path, url: str, kills: int) -> tuple[int, int]:
    """Kill writers at random moments. Returns: charges that were given and are gone, and times more was spent than given."""
    import multiprocessing

    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.ledger_processes", "tests.faults.postgres"])
    policy = a_policy(caps={level: {"rho": 10_000} for level in _LEVELS})
    World(folder, url=url).open()
    given: set[str] = set()
    lost = over = 0
    for _ in range(kills):
        ours, theirs = processes.Pipe(duplex=False)
        victim = processes.Process(target=charge_until_killed, args=(folder, url, policy, theirs))
        victim.start()
        theirs.close()
        given.add(ours.recv())
        victim.join(timeout=secrets.randbelow(80) / 1000)
        victim.kill()
        victim.join()
        while True:
            try:
                given.add(ours.recv())
            except (EOFError, OSError):
                break
        ledger = World(folder, url=url).open()
        charges = [event for event in ledger.events() if event.kind is EventKind.CHARGED]
        lost += len(given - {event.hash for event in charges})
        over += ledger.state().spent_in(lifetime_scope("adults")).nano_rho != len(charges) * 100_000_000
    return lost, over

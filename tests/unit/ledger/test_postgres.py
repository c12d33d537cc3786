"""The same store on PostgreSQL: each test with a database of its own on the session's server."""

import secrets
import threading

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from schemas.errors import BudgetRefused, IntegrityFault, ZoneFault
from schemas.ledger import Event, EventKind
from tests.ledger_sample import World, a_charge, a_policy, cross

pytestmark = [pytest.mark.needs_postgres, pytest.mark.slow]


@pytest.fixture
def address(postgres_url: str) -> str:
    name = f"ledger_{secrets.token_hex(6)}"
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)


def test_a_crossing(world: World, address: str) -> None:
    ledger, policy = world.open(database_url=address), a_policy()
    with ledger.lock() as held:
        assert held > 2
        cross(ledger, a_charge(policy), policy)
    assert world.open(database_url=address).events() == ledger.events()
    assert not world.file.exists()


def test_the_server_refuses_change_even_by_hand(world: World, address: str) -> None:
    world.open(database_url=address)
    engine = create_engine(make_url(address), poolclass=NullPool)
    for statement in (
        "UPDATE ledger_events SET time = 'x'",
        "DELETE FROM ledger_events",
        "TRUNCATE ledger_events",
        "INSERT INTO ledger_events SELECT * FROM ledger_events",
    ):
        with pytest.raises(SQLAlchemyError), engine.begin() as connection:
            connection.execute(text(statement))
    assert len(world.open(database_url=address).events()) == 1


def test_a_changed_row_is_named(world: World, address: str) -> None:
    ledger, policy = world.open(database_url=address), a_policy()
    cross(ledger, a_charge(policy), policy)
    with create_engine(make_url(address), poolclass=NullPool).begin() as connection:
        connection.execute(text("ALTER TABLE ledger_events DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE ledger_events SET body = replace(body, '100000000', '1') WHERE seq = 3"))
    with pytest.raises(IntegrityFault) as raised:
        world.open(database_url=address)
    assert raised.value.where == "seq 3"


def test_a_rolled_back_database_is_refused(world: World, address: str) -> None:
    ledger, policy = world.open(database_url=address), a_policy()
    cross(ledger, a_charge(policy), policy)
    with create_engine(make_url(address), poolclass=NullPool).begin() as connection:
        connection.execute(text("ALTER TABLE ledger_events DISABLE TRIGGER ALL"))
        connection.execute(text("DELETE FROM ledger_events WHERE seq > 2"))
    with pytest.raises(IntegrityFault) as raised:
        world.open(database_url=address)
    assert raised.value.code == "ledger_behind"


def test_an_unreachable_server_is_named_without_its_password(world: World) -> None:
    with pytest.raises(ZoneFault) as raised:
        world.open(database_url="postgresql://hearsafe:secret@/base?host=/nowhere")
    assert "secret" not in raised.value.line()


def test_two_hosts_share_one_run_lock(world: World, address: str) -> None:
    ledger = world.open(database_url=address)
    second_host = world.open(database_url=address)
    second_host._lock_path = world.root / "lock-of-another-host"
    with (
        ledger.lock(),
        pytest.RaisesExc(BudgetRefused, check=lambda fault: fault.code == "run_in_progress"),
        second_host.lock(wait_seconds=0.2),
    ):
        pass
    with second_host.lock(wait_seconds=5):
        pass


@pytest.mark.parametrize("same", [True, False], ids=["one release id", "room for four"])
def test_sixteen_at_once(world: World, address: str, same: bool) -> None:
    world.open(database_url=address)
    policy = a_policy(caps={level: {"rho": 0.4} for level in ("release", "wave", "year", "lifetime")})
    charged: list[Event] = []

    def run(number: int) -> None:
        try:
            ledger = world.open(database_url=address)
            charged.append(ledger.charge(a_charge(policy, 1 if same else number), policy))
        except BudgetRefused:
            pass

    threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(charged) == (1 if same else 4)
    kinds = [event.kind for event in world.open(database_url=address).events()]
    assert kinds.count(EventKind.REFUSED) == 16 - len(charged)

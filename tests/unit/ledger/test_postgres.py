"""The same store on PostgreSQL: each test with a database of its own on the session's server."""

import secrets
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from schemas.errors import BudgetRefused, IntegrityFault, UsageFault, ZoneFault
from schemas.ledger import Event, EventKind
from tests.ledger_sample import World, a_charge, a_policy, cross
from tests.unit.ledger import test_approvals as approving
from tests.unit.ledger import test_rules as ruling
from tests.unit.ledger import test_separation as separating
from tests.unit.ledger import test_store as storing

pytestmark = [pytest.mark.needs_postgres, pytest.mark.slow]


@pytest.fixture
def address(postgres_url: str) -> str:
    name = f"ledger_{secrets.token_hex(6)}"
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)


LAWS: tuple[Callable[[World], None], ...] = (
    storing.test_first_use_founds_a_ledger_and_later_use_finds_it,
    storing.test_a_crossing_is_charged_sealed_and_published,
    storing.test_a_release_is_charged_once,
    storing.test_void_gives_nothing_back_and_frees_the_next_attempt,
    storing.test_void_needs_the_lock_in_hand,
    storing.test_a_body_is_of_its_kind_and_holds_nothing_else,
    storing.test_what_is_said_once_is_recorded_once,
    storing.test_a_closed_wave_accepts_nothing_but_may_be_released,
    storing.test_the_clock_set_back_does_not_turn_ledger_time,
    storing.test_another_run_waits_and_then_is_refused,
    storing.test_the_worker_keeps_the_lock_when_the_run_is_gone,
    storing.test_planned_is_recorded_once_a_plan,
    storing.test_a_reader_sees_what_another_writer_added,
    approving.test_an_approved_plan_is_charged_and_the_policy_comes_into_force_with_the_approval,
    approving.test_an_approval_pays_for_its_number_of_charges,
    approving.test_two_officers_are_two_people,
    approving.test_approvals_expire_and_a_clock_set_back_revives_none,
    approving.test_another_policy_needs_the_officers_in_force_not_those_it_names,
    approving.test_frozen_means_no_charge_until_an_officer_in_force_lifts_it,
    ruling.test_renaming_a_survey_resets_neither_year_nor_lifetime,
    separating.test_the_author_of_a_policy_does_not_approve_it,
    separating.test_lower_caps_hold_at_once_and_raising_them_again_needs_the_officers,
)
"""Tests of the ledger that ask nothing of the file it is in: the contract of any database."""


@pytest.mark.extended
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__.removeprefix("test_"))
def test_the_contract_of_the_ledger(world: World, address: str, law: Callable[[World], None]) -> None:
    world.url = address
    law(world)
    assert not world.file.exists()


def test_the_lock_outlives_the_run_on_every_host(world: World, address: str) -> None:
    """The worker holds the server's session as well: an orphan keeps other hosts from voiding its charge."""
    ledger = world.open(database_url=address)
    elsewhere = world.open(database_url=address)
    elsewhere._lock_path = world.root / "lock-of-another-host"
    code = """import os, sys
from pathlib import Path
from tests.ledger_sample import World
ledger = World(Path(sys.argv[1])).open(database_url=sys.argv[2])
with ledger.lock() as held:
    import subprocess
    subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], pass_fds=held)
    os.write(1, b"held")
    os.kill(os.getpid(), 9)
"""
    command = [sys.executable, "-c", code, str(world.root), address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.read(4) == b"held"
        run.wait()
        busy = pytest.RaisesExc(BudgetRefused, check=lambda fault: fault.code == "run_in_progress")
        with busy, elsewhere.lock(0.5):
            pass
    with elsewhere.lock(wait_seconds=10):
        assert ledger.ledger_id == elsewhere.ledger_id


def test_a_workspace_remembers_where_its_ledger_is(world: World, address: str) -> None:
    world.workspace.keep_ledger_at(address)
    founded = world.open().ledger_id
    assert world.open(database_url=address).ledger_id == founded
    assert not world.file.exists()
    world.workspace.keep_ledger_at(address)
    with pytest.RaisesExc(UsageFault, check=lambda fault: fault.code == "ledger_elsewhere"):
        world.workspace.keep_ledger_at(address + "x")


def test_a_workspace_with_a_ledger_takes_no_other(world: World) -> None:
    world.open()
    with pytest.RaisesExc(UsageFault, check=lambda fault: fault.code == "ledger_elsewhere"):
        world.workspace.keep_ledger_at("postgresql://hearsafe@/base")
    for place in ("postgresql://a:secret@host/base", "postgresql://host/base?password=secret"):
        with pytest.RaisesExc(UsageFault, check=lambda fault: fault.code == "ledger_password"):
            world.workspace.keep_ledger_at(place)


def test_a_crossing(world: World, address: str) -> None:
    ledger, policy = world.open(database_url=address), a_policy()
    with ledger.lock() as held:
        assert min(held) > 2
        assert len(held) == 2
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

"""Two hosts, one PostgreSQL ledger: together they cannot spend more than the caps, whatever they share besides."""

import json
import secrets
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts import Host, Hosts, two_hosts
from tests.ledger_processes import roomy
from tests.system.city import POLICY, build_city

pytestmark = [
    pytest.mark.needs_hosts,
    pytest.mark.needs_postgres,
    pytest.mark.extended,
    pytest.mark.xdist_group("hosts"),
]

ROOM = 4
EACH = 4

_CHARGE = """
import sys, time
from pathlib import Path
from tests.ledger_processes import roomy
from tests.ledger_sample import World, a_charge
from schemas.errors import Fault
root, url, number, start = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
policy, ledger = roomy(4), World(root, url=url).open()
time.sleep(max(0, start - time.time()))
try:
    ledger.charge(a_charge(policy, number), policy)
except Fault as fault:
    print(fault.code)
else:
    print("charged")
"""
_SPENT = """
import sys
from pathlib import Path
from tests.ledger_sample import World
from privacy.ledger_state import lifetime_scope
print(World(Path(sys.argv[1]), url=sys.argv[2]).open().state().spent_in(lifetime_scope("adults")).nano_rho)
"""
_HOLD = """
import sys, time
from pathlib import Path
from tests.ledger_sample import World
with World(Path(sys.argv[1]), url=sys.argv[2]).open().lock(60):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""
_TRY = """
import sys
from pathlib import Path
from tests.ledger_sample import World
from schemas.errors import Fault
try:
    with World(Path(sys.argv[1]), url=sys.argv[2]).open().lock(float(sys.argv[3])):
        print("held")
except Fault as fault:
    print(fault.code)
"""


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    with two_hosts() as made:
        yield made


@pytest.fixture
def database(hosts: Hosts) -> str:
    """A database of its own, made from the first host."""
    name = f"ledger_{secrets.token_hex(6)}"
    made = hosts.first.start(
        "-c",
        "import sys; from sqlalchemy import create_engine, text\n"
        "with create_engine(sys.argv[1], isolation_level='AUTOCOMMIT').connect() as c: c.execute(text(sys.argv[2]))",
        hosts.database,
        f"CREATE DATABASE {name}",
        cwd=Path.cwd(),
    )
    assert _said(made) == ""
    return hosts.database.removesuffix("postgres") + name


def _said(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out.strip()


def _reached_from(host: Host, address: str) -> bool:
    probe = "import socket, sys; socket.create_connection((sys.argv[1], 5432), 3)"
    with host.start("-c", probe, address, cwd=Path.cwd()) as process:
        process.communicate(timeout=60)
    return process.returncode == 0


def test_the_hosts_reach_the_database_and_only_over_the_bridge(hosts: Hosts) -> None:
    address = hosts.database.partition("@")[2].partition("/")[0]
    assert _reached_from(hosts.first, address) and _reached_from(hosts.second, address)
    assert not _reached_from(hosts.first, "127.0.0.1")
    hosts.first.plug(in_=False)
    try:
        assert not _reached_from(hosts.first, address)
        assert _reached_from(hosts.second, address)
    finally:
        hosts.first.plug(in_=True)


def test_charges_of_two_hosts_without_a_common_disk_stop_at_the_cap(
    hosts: Hosts, database: str, tmp_path: Path
) -> None:
    """Each host has a workspace of its own with the ledger's key: only the database stands between them."""
    first, second = tmp_path / "first", tmp_path / "second"
    _said(hosts.first.start("-c", _SPENT, first, database, cwd=tmp_path))
    shutil.copytree(first, second)
    start = str(time.time() + 20)
    running = [
        host.start("-c", _CHARGE, root, database, str(number), start, cwd=tmp_path)
        for number in range(EACH)
        for host, root, number in ((hosts.first, first, number), (hosts.second, second, EACH + number))
    ]
    told = Counter(_said(process) for process in running)
    assert told == {"charged": ROOM, "cap_exceeded": 2 * EACH - ROOM}
    for host, root in ((hosts.first, first), (hosts.second, second)):
        assert _said(host.start("-c", _SPENT, root, database, cwd=tmp_path)) == str(ROOM * 100_000_000)
    assert roomy(ROOM).caps.lifetime.rho == ROOM / 10


def test_a_host_that_is_cut_off_keeps_the_run_lock(hosts: Hosts, database: str, tmp_path: Path) -> None:
    """It may be about to draw: the other host charges nothing beside it, and may again once it is back and done."""
    first, second = tmp_path / "first", tmp_path / "second"
    _said(hosts.first.start("-c", _SPENT, first, database, cwd=tmp_path))
    shutil.copytree(first, second)
    holder = hosts.first.start("-c", _HOLD, first, database, "20", cwd=tmp_path)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    hosts.first.plug(in_=False)
    try:
        assert _said(hosts.second.start("-c", _TRY, second, database, "2", cwd=tmp_path)) == "run_in_progress"
    finally:
        hosts.first.plug(in_=True)
    _said(holder)
    assert _said(hosts.second.start("-c", _TRY, second, database, "30", cwd=tmp_path)) == "held"


def test_two_hosts_that_release_at_once_publish_what_the_cap_has_room_for(
    hosts: Hosts, database: str, tmp_path: Path
) -> None:
    """One workspace on a common disk, two plans, room for one: the other host is refused, and can have the first's."""
    cities = [build_city(tmp_path / name, residents=200) for name in ("first", "second")]
    tight = POLICY.replace("wave: {epsilon: 6}", "wave: {epsilon: 2.5}")
    cities[0].declare(policy=tight)
    cities[1].declare(policy=tight.replace("spend: {epsilon: 2,", "spend: {epsilon: 1.9,"))
    common = ("--workspace", str(tmp_path / "workspace"))
    take = ("ingest", ".", "--source", "web=export.csv", "--contacts", "contacts.csv")
    _said(hosts.first.hearsafe(*common, "--ledger", database, *take, cwd=cities[0].folder))
    both = (hosts.first, hosts.second)
    running = [host.hearsafe(*common, "release", ".", cwd=city.folder) for host, city in zip(both, cities, strict=True)]
    ended = [process.communicate(timeout=300) for process in running]
    codes = [process.returncode for process in running]
    assert sorted(codes) == [0, 6], ended
    winner, loser = codes.index(0), codes.index(6)
    assert "cap" in ended[loser][1]
    budget = json.loads(_said(hosts.second.hearsafe(*common, "budget", "--json", cwd=tmp_path)))
    assert budget["scopes"] and all(scope["left_nano_rho"] >= 0 for scope in budget["scopes"])
    assert [refused["code"] for refused in budget["refused"]] == ["cap_exceeded"]
    again = _said(both[loser].hearsafe(*common, "release", ".", cwd=cities[winner].folder))
    assert "nothing charged" in again
    assert again.splitlines()[-1] == ended[winner][0].strip().splitlines()[-1]
    assert len(list((tmp_path / "workspace" / "releases" / "testville" / "2026").iterdir())) == 1

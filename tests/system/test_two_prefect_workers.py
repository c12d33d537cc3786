"""A Prefect server and a worker on each of two hosts: flows that run at once release what the cap has room for."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.hosts import Host, Hosts, two_hosts
from tests.servers import started
from tests.system.city import POLICY, build_city

pytestmark = [
    pytest.mark.needs_hosts,
    pytest.mark.needs_postgres,
    pytest.mark.extended,
    pytest.mark.slow,
    pytest.mark.xdist_group("hosts"),
    pytest.mark.filterwarnings("default"),
]

ROOT = Path(__file__).resolve().parents[2]
_PORT = 4200
_DEPLOY = """
import sys
from prefect import flow
root, name, workspace, directory = sys.argv[1:]
flow.from_source(source=root, entrypoint="flows/release_flow.py:release").deploy(
    name=name, work_pool_name=name, parameters={"workspace": workspace, "directory": directory}, print_next_steps=False
)
"""
_LISTENS = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    with two_hosts() as made:
        yield made


class Prefect:
    """A server on the third host, and its clients on any."""

    def __init__(self, hosts: Hosts, home: Path, started_ones: ExitStack) -> None:
        self._hosts = hosts
        self._home = home
        self._started = started_ones
        self.api = f"http://{hosts.server.address}:{_PORT}/api"

    def environment(self, of: str) -> dict[str, str]:
        """A home of its own for each, as hosts have."""
        home = self._home / of
        home.mkdir(exist_ok=True)
        return {
            "PREFECT_HOME": str(home), "PREFECT_PROFILES_PATH": str(home / "profiles.toml"), "PREFECT_API_URL": self.api,
            "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_LOGGING_TO_API_ENABLED": "false",
            "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false", "NO_COLOR": "1",
        }  # fmt: skip

    def keep(self, host: Host, of: str, *arguments: str) -> None:
        """Something that runs on a host until the test ends."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HEARSAFE_", "PREFECT_"))}
        given = {**kept, "PYTHONPATH": str(ROOT), **self.environment(of)}
        command = host.command(sys.executable, *arguments)
        self._started.enter_context(started(command, self._home / f"{of}.log", given, ROOT))

    def serve(self) -> None:
        here = self._hosts.server
        self.keep(here, "server", "-m", "prefect", "server", "start", "--host", here.address, "--port", str(_PORT))
        until = time.monotonic() + 300
        while time.monotonic() < until:
            with here.start("-c", _LISTENS, here.address, str(_PORT), cwd=ROOT) as probe:
                probe.communicate(timeout=60)
            if probe.returncode == 0:
                return
            time.sleep(1)
        raise AssertionError((self._home / "server.log").read_text(errors="replace")[-3000:])

    def ask(self, *arguments: str) -> str:
        """A Prefect command, or a text for Python, on the server's host."""
        process = self._hosts.server.start(*arguments, cwd=ROOT, **self.environment("client"))
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, out + err
        return out


def test_workers_on_two_hosts_release_what_the_cap_has_room_for(hosts: Hosts, tmp_path: Path) -> None:
    """One workspace on a common disk, two plans that are both approved to be run, room for one."""
    cities = {name: build_city(tmp_path / name, residents=200) for name in ("first", "second")}
    tight = POLICY.replace("wave: {epsilon: 6}", "wave: {epsilon: 2.5}")
    cities["first"].declare(policy=tight)
    cities["second"].declare(policy=tight.replace("spend: {epsilon: 2,", "spend: {epsilon: 1.9,"))
    workspace = tmp_path / "workspace"
    common = ("--workspace", workspace)
    take = ("ingest", ".", "--source", "web=export.csv", "--contacts", "contacts.csv")
    _said(hosts.first, *common, "--ledger", hosts.database, *take, cwd=cities["first"].folder)
    home = tmp_path / "prefect"
    home.mkdir()
    with ExitStack() as running:
        prefect = Prefect(hosts, home, running)
        prefect.serve()
        for name, host in (("first", hosts.first), ("second", hosts.second)):
            prefect.ask("-m", "prefect", "work-pool", "create", name, "--type", "process")
            prefect.ask("-c", _DEPLOY, str(ROOT), name, str(workspace), str(cities[name].folder))
            prefect.keep(host, name, "-m", "prefect", "worker", "start", "--pool", name, "--type", "process")
        runs = [
            hosts.server.start(
                "-m", "prefect", "deployment", "run", f"release/{name}", "--watch", "--watch-timeout", "240",
                cwd=ROOT, **prefect.environment("client"),
            )
            for name in cities
        ]  # fmt: skip
        ended = [run.communicate(timeout=300) for run in runs]
    codes = [run.returncode for run in runs]
    assert sorted(codes) == [0, 1], ended
    told = json.loads(_said(hosts.second, *common, "budget", "--json", cwd=tmp_path))
    assert told["scopes"] and all(scope["left_nano_rho"] >= 0 for scope in told["scopes"])
    assert [refused["code"] for refused in told["refused"]] == ["cap_exceeded"]
    assert len(list((workspace / "releases" / "testville" / "2026").iterdir())) == 1


def _said(host: Host, *arguments: str | Path, cwd: Path) -> str:
    process = host.hearsafe(*arguments, cwd=cwd)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out

"""Two hosts and a database host, each a Linux network namespace of its own, joined by a bridge that the test makes.

They share a kernel and, where a test wants, a disk; nothing of one's network is reachable from another but over the
bridge. Needs root and iproute2.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.postgres_server import postgres_programs, running_postgres

ROOT = Path(__file__).resolve().parent.parent
_NETWORK = "10.177.0"


@dataclass(frozen=True)
class Host:
    """A network namespace. `link`: its end of the cable to the bridge."""

    name: str
    address: str
    link: str

    def command(self, *arguments: str | Path) -> list[str]:
        """The command that runs something on this host."""
        return ["ip", "netns", "exec", self.name, *map(str, arguments)]

    def start(self, *arguments: str | Path, cwd: Path, **environment: str) -> "subprocess.Popen[str]":
        """A Python module or `-c` text, on this host."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HEARSAFE_", "PREFECT_"))}
        options: dict[str, Any] = {"cwd": cwd, "env": {**kept, "PYTHONPATH": str(ROOT), **environment}, "text": True}
        return subprocess.Popen(
            self.command(sys.executable, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        )

    def hearsafe(self, *arguments: str | Path, cwd: Path) -> "subprocess.Popen[str]":
        return self.start("-m", "flows.command_line", *arguments, cwd=cwd)

    def plug(self, *, in_: bool) -> None:
        """Connect the host to the others, or cut it off."""
        _ip("-n", self.name, "link", "set", self.link, "up" if in_ else "down")


@dataclass(frozen=True)
class Hosts:
    """Two hosts that may run hearsafe, the database that both reach, and the host that it is on."""

    first: Host
    second: Host
    database: str
    server: Host


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _require() -> Path:
    """The folder of PostgreSQL's programs. Skips where hosts cannot be made."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and iproute2 (Debian package: iproute2), for hosts made of network namespaces")
    programs = postgres_programs()
    if programs is None:
        pytest.skip("needs PostgreSQL (Debian package: postgresql)")
    return programs


@contextmanager
def two_hosts() -> Iterator[Hosts]:
    """Both hosts and a PostgreSQL server on the third, all gone with the block. Skips where they cannot be made."""
    programs = _require()
    mark = secrets.token_hex(3)
    with ExitStack() as made:

        def host(kind: str, number: int) -> Host:
            name = f"hs{mark}{kind}"
            try:
                _ip("netns", "add", name)
            except subprocess.CalledProcessError:
                pytest.skip("needs a machine where root may make network namespaces")
            made.callback(_ip, "netns", "delete", name)
            _ip("-n", name, "link", "set", "lo", "up")
            return Host(name, f"{_NETWORK}.{number}", f"{kind}0")

        server, first, second = host("d", 1), host("a", 2), host("b", 3)
        _ip("-n", server.name, "link", "add", "bridge0", "type", "bridge")
        _ip("-n", server.name, "address", "add", f"{server.address}/24", "dev", "bridge0")
        _ip("-n", server.name, "link", "set", "bridge0", "up")
        for member in (first, second):
            port = f"to-{member.link}"
            _ip(
                "-n",
                server.name,
                "link",
                "add",
                port,
                "type",
                "veth",
                "peer",
                "name",
                member.link,
                "netns",
                member.name,
            )
            _ip("-n", server.name, "link", "set", port, "master", "bridge0", "up")
            _ip("-n", member.name, "address", "add", f"{member.address}/24", "dev", member.link)
            member.plug(in_=True)
        database = running_postgres(
            programs, connections=100, listen=server.address, network=f"{_NETWORK}.0/24", on_host=server.command
        )
        yield Hosts(first, second, made.enter_context(database), server)

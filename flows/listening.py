"""A port of this machine for a server of our own: free when it is chosen, and ours when something answers on it."""

import socket
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from schemas.errors import UsageFault

HOST = "127.0.0.1"
_LISTENS = "0A"
_POLL_SECONDS = 0.2


def free_port(port: int | None) -> int:
    """The port asked for, or any free one. Raises: UsageFault: it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port or 0))
        except OSError:
            raise _taken() from None
        return probe.getsockname()[1]


def _taken() -> UsageFault:
    what = "this port is in use, or not yours to use"
    return UsageFault("port_taken", what, where="--port", do="Name another one")


def answers(server: "subprocess.Popen[bytes]", port: int, path: str, seconds: float) -> bool:
    """Wait for a server that we started to answer on its port, which another program may have taken since it was free.

    Returns: whether it does; else it ended, or took too long. Raises: UsageFault: another program listens there.
    """
    direct, end = build_opener(ProxyHandler({})), time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            free_port(port)
            return False
        with suppress(OSError, HTTPException), direct.open(f"http://{HOST}:{port}{path}", timeout=2):
            if not _listens(server.pid, port):
                raise _taken()
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _listens(process: int, port: int) -> bool:
    """Whether a process holds a socket that listens on a port. Only Linux can tell; elsewhere it is taken to be so."""
    if sys.platform != "linux":
        return True
    place = Path(f"/proc/{process}")
    held: set[str] = set()
    with suppress(OSError):  # it has ended
        for descriptor in (place / "fd").iterdir():
            with suppress(OSError):  # it was closed since it was listed
                held.add(str(descriptor.readlink()))
        for line in (place / "net" / "tcp").read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == _LISTENS and int(local.rpartition(":")[2], 16) == port and f"socket:[{rest[5]}]" in held:
                return True
    return False

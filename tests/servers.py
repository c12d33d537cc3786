"""Servers that tests start on loopback and end: their ports, their logs, the wait until they listen."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS = 180


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Raises: AssertionError, with the log's end: the server ended, or does not listen in time."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"a server did not start:\n{log.read_text(errors='replace')[-3000:]}")


@contextmanager
def started(
    command: Sequence[str], log: Path, environment: Mapping[str, str], cwd: Path | None = None
) -> "Iterator[subprocess.Popen[bytes]]":
    """A server, ended with its block. `cwd`: else the folder of its log."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=dict(environment), cwd=cwd or log.parent
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

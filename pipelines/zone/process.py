"""The process of a zone worker: how it is started, and started ahead. Imports next to nothing, so it can be first."""

import fcntl
import os
import socket
import subprocess
import sys
from contextlib import suppress
from typing import IO, NamedTuple

from pipelines.zone.protocol import NETWORKED

_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
_REQUEST_ROOM = 1 << 20


class Started(NamedTuple):
    """A worker that was asked nothing yet. `holds`: our end of a socket that it keeps open and never reads."""

    process: "subprocess.Popen[bytes]"
    holds: socket.socket


_ahead: dict[str, Started] = {}
"""By verb, what `start_ahead` started and nobody took."""


def open_process(
    verb: str, inherited: tuple[int, ...] = (), *, answers: bool, networked: bool = False
) -> "subprocess.Popen[bytes]":
    """A worker's process: isolated Python, a clean environment and a session of its own, in no folder of ours."""
    arguments = [verb, *([NETWORKED] if networked else []), str(os.getpid())]
    return subprocess.Popen(
        [sys.executable, "-I", "-m", "pipelines.zone.worker", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if answers else None,
        stderr=subprocess.DEVNULL if answers else None,
        env=_ENVIRONMENT,
        cwd="/",
        pass_fds=inherited,
        close_fds=True,
        start_new_session=True,
    )


def _widen(pipe: IO[bytes] | None) -> None:
    """Room for a whole request, so that who sends it need not wait for a worker that still imports."""
    size = getattr(fcntl, "F_SETPIPE_SZ", None)
    if pipe is not None and size is not None:
        with suppress(OSError):  # the operating system's bounds on pipes: the sender waits, then
            fcntl.fcntl(pipe, size, _REQUEST_ROOM)


def start(verb: str, *, networked: bool = False) -> Started:
    """Start a worker for one verb."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            process = open_process(verb, (theirs.fileno(),), answers=True, networked=networked)
    except BaseException:
        ours.close()
        raise
    _widen(process.stdin)
    return Started(process, ours)


def start_ahead(verb: str) -> None:
    """Start the worker that this command will ask for, while it still imports and reads declarations itself.

    Where it comes to nothing, the worker sees its input closed, or its parent gone, and ends.
    """
    with suppress(OSError):  # who asks for it starts it then, and says what is wrong
        _ahead[verb] = start(verb)


def taken(verb: str) -> Started | None:
    """The worker that was started ahead for a verb, once."""
    return _ahead.pop(verb, None)

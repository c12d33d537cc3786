"""The parent's side of the zone: starts a worker, speaks with it, and turns its error codes back into faults."""

import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pipelines.durable import make_folder
from pipelines.workspace import Workspace
from pipelines.zone.keys import KeySource
from pipelines.zone.protocol import NETWORKED, Message, receive, send
from schemas.engine import TOKEN_VARIABLE
from schemas.errors import FAULT_KINDS, Fault, InternalFault
from schemas.survey import Survey

_REQUEST_ROOM = 1 << 20

_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def engine_token() -> str:
    """The key of a remote engine, for the worker's request; empty where none is set."""
    return os.environ.get(TOKEN_VARIABLE, "")


@dataclass(frozen=True)
class WaveZone:
    """Where a wave's zone and keys are, and where its zone key comes from."""

    folder: Path
    wave_keys: Path
    key: KeySource

    @classmethod
    def of(cls, workspace: Workspace, survey: Survey, key: KeySource) -> "WaveZone":
        return cls(
            workspace.zone(survey.survey, survey.wave.id), workspace.wave_keys(survey.survey, survey.wave.id), key
        )


class Worker:
    """A running zone worker. `holds`: our end of a socket that it keeps open and never reads."""

    def __init__(self, process: "subprocess.Popen[bytes]", holds: socket.socket) -> None:
        self._process = process
        self._holds = holds

    def hold(self, descriptors: Sequence[int]) -> None:
        """Keep these open as long as the worker runs, whatever becomes of us, so that it has the run's lock, too.

        A descriptor on its way through a socket is open until the other end is closed. Raises: InternalFault: it died.
        """
        if not descriptors:
            return
        try:
            socket.send_fds(self._holds, [b"held"], list(descriptors))
        except ConnectionError:
            raise _gone() from None

    def dismiss(self) -> None:
        """There is nothing more to ask: it closes the zone and ends, in its own time."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def end(self) -> None:
        """Dismiss it, and wait until it has ended. Raises: subprocess.TimeoutExpired."""
        self.dismiss()
        self._process.wait(timeout=60)

    def request(self, zone: WaveZone, verb: str, body: dict[str, Any]) -> None:
        """Say what to do, once: the worker was started for this verb. The key is cleared after it was written."""
        request = _request(zone, verb, body)
        self.ask(request)
        if isinstance(request.payload, bytearray):
            request.payload[:] = bytes(len(request.payload))

    def ask(self, message: Message) -> None:
        try:
            send(self._process.stdin, message)  # type: ignore[arg-type]
        except BrokenPipeError:
            raise _gone() from None

    def answer(self, tell: Callable[[str], None] = lambda _: None) -> Message:
        """The next answer that is not progress. Raises: Fault: what the worker reported; InternalFault: it died."""
        while True:
            try:
                message = receive(self._process.stdout)  # type: ignore[arg-type]
            except EOFError:
                message = None
            if message is None:
                raise _gone()
            if message.kind == "progress":
                tell(str(message.body["text"]))
            elif message.kind == "fault":
                raise _fault(message.body)
            else:
                return message


def _gone() -> InternalFault:
    return InternalFault("worker_gone", "the zone worker ended early", do="Run the command again")


def _fault(body: dict[str, Any]) -> Fault:
    kind = FAULT_KINDS.get(str(body["kind"]), InternalFault)
    return kind(str(body["code"]), str(body["what"]), where=str(body["where"]), do=str(body["do"]))


_KEYLESS = frozenset({"withdraw"})
"""Verbs that open no zone, and get no key of it."""


def _request(zone: WaveZone, verb: str, body: dict[str, Any]) -> Message:
    make_folder(zone.folder, 0o700)
    make_folder(zone.wave_keys, 0o700)
    key_file = Path(zone.key.place) if zone.key.kind == "file" and zone.key.place else zone.wave_keys / "zone.key"
    places = {"verb": verb, "folder": str(zone.folder.resolve()), "wave_keys": str(zone.wave_keys.resolve())}
    key = None if verb in _KEYLESS else zone.key.resolve()
    return Message("request", {**places, "key_file": str(key_file.resolve()), **body}, key if key is not None else b"")


def _start(
    zone: WaveZone, verb: str, inherited: tuple[int, ...] = (), *, answers: bool, networked: bool = False
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [
            sys.executable,
            "-I",
            "-m",
            "pipelines.zone.worker",
            verb,
            *([NETWORKED] if networked else []),
            str(os.getpid()),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if answers else None,
        stderr=subprocess.DEVNULL if answers else None,
        env=_ENVIRONMENT,
        cwd=zone.folder if zone.folder.is_dir() else zone.folder.anchor,
        pass_fds=inherited,
        close_fds=True,
        start_new_session=True,
    )


def _widen(pipe: IO[bytes] | None) -> None:
    """Room for a whole request, so that who sends it need not wait for a worker that still imports."""
    size = getattr(fcntl, "F_SETPIPE_SZ", None)
    if pipe is not None and size is not None:
        with suppress(PermissionError):  # the operating system's bound on pipes: the sender waits, then
            fcntl.fcntl(pipe, size, _REQUEST_ROOM)


@contextmanager
def starting(zone: WaveZone, verb: str, *, networked: bool = False) -> Iterator[Worker]:
    """A worker for one verb, not asked yet: it gets ready meanwhile. It is killed if the block ends before it does.

    Args:
        networked: it keeps the network, for a remote engine.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = _start(zone, verb, (theirs.fileno(),), answers=True, networked=networked)
        _widen(process.stdin)
        yield from _until_it_ends(process, ours)


def _until_it_ends(process: "subprocess.Popen[bytes]", holds: socket.socket) -> Iterator[Worker]:
    worker = Worker(process, holds)
    try:
        yield worker
        worker.end()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None and not stream.closed:
                _close_quietly(stream)


@contextmanager
def working(
    zone: WaveZone, verb: str, body: dict[str, Any], *, inherited: tuple[int, ...] = (), networked: bool = False
) -> Iterator[Worker]:
    """A worker that was asked to do its verb. `inherited`: descriptors that it holds, too. Else as `starting`."""
    make_folder(zone.folder, 0o700)
    with starting(zone, verb, networked=networked) as worker:
        worker.hold(inherited)
        worker.request(zone, verb, body)
        yield worker


def _close_quietly(stream: Any) -> None:
    """A pipe to a worker that died holds unsent bytes: closing it says so, which `answer` has reported already."""
    try:
        stream.close()
    except BrokenPipeError:
        return


def show(zone: WaveZone, survey: Survey) -> int:
    """Let the worker write its ingest report straight to this terminal. Returns: its exit code."""
    process = _start(zone, "show", answers=False)
    request = _request(zone, "show", {"survey": survey.model_dump(mode="json", by_alias=True)})
    send(process.stdin, request)  # type: ignore[arg-type]
    process.stdin.close()  # type: ignore[union-attr]
    return process.wait()

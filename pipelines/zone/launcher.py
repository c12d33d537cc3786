"""The parent's side of the zone: starts a worker, speaks with it, and turns its error codes back into faults."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.durable import make_folder
from pipelines.workspace import Workspace
from pipelines.zone.keys import KeySource
from pipelines.zone.process import Started, open_process, start, taken
from pipelines.zone.protocol import Message, receive, send
from schemas.engine import TOKEN_VARIABLE
from schemas.errors import FAULT_KINDS, Fault, InternalFault
from schemas.survey import Survey


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
        """Raises: as `answer`: it has ended, and what it said last."""
        try:
            send(self._process.stdin, message)  # type: ignore[arg-type]
        except BrokenPipeError:
            self.answer()
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
_LOOKING = frozenset({"show"})
"""Verbs that hold no lock: what they do not find was removed by another command, and stays so."""


def _request(zone: WaveZone, verb: str, body: dict[str, Any]) -> Message:
    if verb not in _LOOKING:
        make_folder(zone.folder, 0o700)
        make_folder(zone.wave_keys, 0o700)
    key_file = Path(zone.key.place) if zone.key.kind == "file" and zone.key.place else zone.wave_keys / "zone.key"
    places = {"verb": verb, "folder": str(zone.folder.resolve()), "wave_keys": str(zone.wave_keys.resolve())}
    key = None if verb in _KEYLESS else zone.key.resolve()
    return Message("request", {**places, "key_file": str(key_file.resolve()), **body}, key if key is not None else b"")


@contextmanager
def starting(verb: str, *, networked: bool = False) -> Iterator[Worker]:
    """A worker for one verb, not asked yet: the one that was started ahead, or a new one that gets ready meanwhile. It
    is killed if the block ends before it does.

    Args:
        networked: it keeps the network, for a remote engine.
    """
    ahead = taken(verb)
    if ahead is not None and networked:
        ahead.process.kill()  # it was cut off from the network: another one is needed
        with _asking(ahead):
            ahead = None
    with _asking(ahead or start(verb, networked=networked)) as worker:
        yield worker


@contextmanager
def _asking(started: Started) -> Iterator[Worker]:
    process, holds = started
    worker = Worker(process, holds)
    with holds:
        try:
            yield worker
            with suppress(subprocess.TimeoutExpired):  # all is answered: one that cannot end is killed
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
    with starting(verb, networked=networked) as worker:
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
    process = open_process("show", answers=False)
    request = _request(zone, "show", {"survey": survey.model_dump(mode="json", by_alias=True)})
    send(process.stdin, request)  # type: ignore[arg-type]
    process.stdin.close()  # type: ignore[union-attr]
    return process.wait()

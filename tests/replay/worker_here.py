"""The zone worker in this process, in a thread of its own, with a draw of the test's choosing.

Production cannot come here: its worker is a child process whose draw nothing outside it can name.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from pipelines import release
from pipelines.zone import crossing_room, launcher, worker
from pipelines.zone.launcher import WaveZone
from pipelines.zone.protocol import Message, receive, send
from privacy.measure import Draw, measure
from schemas.errors import Fault, InternalFault

ISOLATION = ("in the test's process",)


class WorkerHere:
    """Speaks as `launcher.Worker` does."""

    def __init__(self) -> None:
        (theirs, mine), (answers, said) = os.pipe(), os.pipe()
        self._orders, self._source = os.fdopen(mine, "wb"), os.fdopen(theirs, "rb")
        self._answers, self._out = os.fdopen(answers, "rb"), os.fdopen(said, "wb")
        self._thread: threading.Thread | None = None

    def request(self, zone: WaveZone, verb: str, body: dict[str, Any]) -> None:
        self._thread = threading.Thread(target=self._serve, args=(launcher._request(zone, verb, body),))
        self._thread.start()

    def _serve(self, request: Message) -> None:
        try:
            worker._serve(request, self._source, self._out, ISOLATION, networked=False)
        except Fault as fault:
            self._fault(fault)
        except Exception as unexpected:  # noqa: BLE001 - as in the worker itself
            self._fault(InternalFault(f"worker_{type(unexpected).__name__}", "the zone worker failed"))
        finally:
            self._out.close()

    def _fault(self, fault: Fault) -> None:
        told = {"code": fault.code, "what": fault.what, "where": fault.where, "do": fault.do}
        send(self._out, Message("fault", {"kind": type(fault).__name__, **told}))

    def ask(self, message: Message) -> None:
        send(self._orders, message)

    def answer(self, tell: Callable[[str], None] = lambda _: None) -> Message:
        while (message := receive(self._answers)) is not None:
            if message.kind == "progress":
                tell(str(message.body["text"]))
            elif message.kind == "fault":
                raise launcher._fault(message.body)
            else:
                return message
        raise InternalFault("worker_gone", "the zone worker ended early")

    def hold(self, descriptors: Sequence[int]) -> None:
        """Nothing to do: whoever holds them is this process."""

    def dismiss(self) -> None:
        if not self._orders.closed:
            self._orders.close()

    def end(self) -> None:
        self.dismiss()
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        self.end()
        self._source.close()
        self._answers.close()


@contextmanager
def worker_here(draw: Draw) -> Iterator[None]:
    """Ingests and releases in the block go through a worker in this process, whose noise is `draw`'s."""

    @contextmanager
    def starting(verb: str, *, networked: bool = False) -> Iterator[WorkerHere]:
        here = WorkerHere()
        try:
            yield here
        finally:
            here.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launcher, "starting", starting)
        patch.setattr(release, "starting", starting)
        patch.setattr(crossing_room, "measure", partial(measure, draw=draw))
        yield

"""One trial: a release is killed, what is left is judged, and it is run again until it succeeds."""

import fcntl
import multiprocessing
import os
import random
import secrets
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path

from pipelines.outlet.verify import verify
from privacy.ledger_state import lifetime_scope
from schemas.errors import Fault
from schemas.ledger import EventKind
from tests.faults import crossing
from tests.faults.smallville import Smallville
from tests.system.sweep import sweep

_CHANCE = random.SystemRandom()
MOST_ATTEMPTS = 5
LONGEST_RUN = 60.0


def fork_server() -> ForkServerContext:
    """A server that has imported everything a release needs."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.everything"])
    return context


@dataclass
class Tally:
    """What all trials came to."""

    kills: int = 0
    workers: int = 0
    survived: int = 0
    overspends: int = 0
    partial: int = 0
    stuck: int = 0
    most_attempts: int = 0
    hits: int = 0
    searched: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        for name in ("kills", "workers", "survived", "overspends", "partial", "stuck", "hits", "searched"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.most_attempts = max(self.most_attempts, other.most_attempts)
        self.notes += other.notes


class Trials:
    """Trials of copies of one prepared city."""

    def __init__(self, prepared: Smallville, scratch: Path) -> None:
        self._prepared = prepared
        self._scratch = scratch
        self._forks = fork_server()
        self._cells = crossing.keep_plan(prepared)
        self.tally = Tally()

    def at_point(self, point: str, *, swept: bool = False) -> None:
        """Kill at a point of the crossing."""
        city = self._fresh()
        ended = self._run(city, point)
        self._judge(city, killed=ended != 0, note=point, swept=swept)

    def at_any_moment(self, longest: float, *, swept: bool = False) -> None:
        """Kill the run, its worker or both by SIGKILL after a random time."""
        city = self._fresh()
        delay, victims = _CHANCE.uniform(0, longest), _CHANCE.choice(("run", "worker", "both"))
        process = self._forks.Process(target=crossing.release_once, args=(str(city.folder), ""))
        process.start()
        process.join(delay)
        worker = crossing.worker_pid(city.folder)
        if victims in {"worker", "both"} and worker is not None and process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
                self.tally.workers += 1
        if victims in {"run", "both"} or worker is None:
            process.kill()
        process.join(LONGEST_RUN)
        self._judge(city, killed=process.exitcode != 0, note=f"{victims} after {delay:.4f} s", swept=swept)

    def undisturbed(self) -> float:
        """Seconds that a run takes when nothing happens to it."""
        city = self._fresh()
        start = time.monotonic()
        assert self._run(city, "") == 0
        took = time.monotonic() - start
        assert len(city.releases()) == 1
        assert set(crossing.draws(city.folder).values()) == {self._cells}
        shutil.rmtree(city.folder)
        return took

    def _fresh(self) -> Smallville:
        return self._prepared.copy(self._scratch / secrets.token_hex(6))

    def _run(self, city: Smallville, point: str) -> int | None:
        process = self._forks.Process(target=crossing.release_once, args=(str(city.folder), point))
        process.start()
        process.join(LONGEST_RUN)
        if process.exitcode is None:
            process.kill()
            process.join()
        return process.exitcode

    def _judge(self, city: Smallville, *, killed: bool, note: str, swept: bool) -> None:
        self.tally.kills += killed
        self.tally.survived += not killed
        wait_for_orphans(city)
        self._promises(city, note)
        attempts = 0
        while attempts < MOST_ATTEMPTS:
            attempts += 1
            if self._run(city, "") == 0:
                break
        else:
            self._note("stuck", note)
        self.tally.most_attempts = max(self.tally.most_attempts, attempts)
        self._promises(city, note)
        if len(city.releases()) != 1 or list((city.folder / "ws" / "releases").glob("*/*/.*")):
            self._note("partial", note)
        if swept:
            places = [city.folder / "ws" / name for name in ("ledger", "releases", "keys")]
            self.tally.hits += len(sweep(places, city.needles))
            self.tally.searched += len(city.needles) * len(places)
        shutil.rmtree(city.folder)

    def _promises(self, city: Smallville, note: str) -> None:
        """Draws are at most charges, spent is their sum and within the cap, and what a reader sees is whole."""
        ledger = city.ledger()
        charged = {event.seq: event.body for event in ledger.events() if event.kind is EventKind.CHARGED}
        drawn, state = crossing.draws(city.folder), ledger.state()
        spent = state.spent_in(lifetime_scope("adults")).nano_rho
        standing = state.policies.get("adults")
        cap = 0 if standing is None else standing.policy.caps.lifetime.nano_rho
        booked = sum(body["charge_nano_rho"] for body in charged.values())
        if not set(drawn) <= set(charged) or any(count > self._cells for count in drawn.values()):
            self._note("overspends", note)
        if spent != booked or spent > cap or len(charged) > 1 + self.tally.most_attempts + MOST_ATTEMPTS:
            self._note("overspends", note)
        for found in city.releases():
            try:
                verify(found, None)
            except Fault:
                self._note("partial", note)

    def _note(self, what: str, note: str) -> None:
        setattr(self.tally, what, getattr(self.tally, what) + 1)
        self.tally.notes.append(f"{what}: {note}")


def wait_for_orphans(city: Smallville) -> None:
    """Until no process holds the run lock; at once where there is none. Raises: TimeoutError: an orphan kept it."""
    lock = city.folder / "ws" / "ledger" / "release.lock"
    if not lock.parent.exists():
        return
    with lock.open("a") as stream:
        until = time.monotonic() + LONGEST_RUN
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            if time.monotonic() > until:
                raise TimeoutError("an orphan kept the run lock")
            time.sleep(0.002)

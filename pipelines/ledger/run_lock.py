"""The run lock: held from before a charge until after its seal, by the run and by its worker together."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import BudgetRefused

_POLL_SECONDS = 0.05


def wait_for(take: Callable[[], bool], wait_seconds: float) -> None:
    """Try to take a lock until it is free. Raises: BudgetRefused `run_in_progress`: it did not become free in time."""
    until = time.monotonic() + wait_seconds
    while not take():
        if time.monotonic() >= until:
            what = "another command of this workspace is at work"
            raise BudgetRefused("run_in_progress", what, do="Wait for it to end, then try again")
        time.sleep(_POLL_SECONDS)


@contextmanager
def file_lock(path: Path, wait_seconds: float) -> Iterator[int]:
    """An exclusive flock. Yields a descriptor that children may inherit: the lock lasts until the last copy is closed.

    Raises: BudgetRefused `run_in_progress`: not free within `wait_seconds`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.set_inheritable(descriptor, True)
        wait_for(lambda: _taken(descriptor), wait_seconds)
        yield descriptor
    finally:
        # Never LOCK_UN: it would take the lock from a worker that still holds its copy.
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

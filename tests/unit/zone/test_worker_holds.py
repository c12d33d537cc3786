"""What a worker is given to hold stays open as long as it runs, whatever becomes of its giver."""

import fcntl
import os
from pathlib import Path

import pytest

from pipelines.zone.keys import KeySource
from pipelines.zone.launcher import WaveZone, starting
from schemas.errors import InternalFault


def _taken(path: Path) -> bool:
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_worker_that_died_holds_nothing_and_is_said_to_be_gone(tmp_path: Path) -> None:
    zone = WaveZone(tmp_path / "zone", tmp_path / "keys", KeySource("file"))
    with starting(zone, "measure") as worker:
        worker.end()
        with pytest.raises(InternalFault) as fault:
            worker.hold((0,))
    assert fault.value.code == "worker_gone"


@pytest.mark.parametrize("held", [True, False])
def test_a_lock_lasts_as_long_as_the_worker_that_holds_it(tmp_path: Path, held: bool) -> None:
    """And no longer than its giver where it was not given."""
    zone = WaveZone(tmp_path / "zone", tmp_path / "keys", KeySource("file"))
    path = tmp_path / "lock"
    with starting(zone, "measure") as worker:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if held:
            worker.hold((descriptor,))
        os.close(descriptor)
        assert _taken(path) == held
        worker.end()
        assert not _taken(path)
    assert not (tmp_path / "zone").exists(), "nothing was asked, and nothing was made"

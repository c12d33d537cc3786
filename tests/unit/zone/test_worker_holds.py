"""A worker holds what it was given as long as it runs, and one that was started ahead serves once or ends."""

import fcntl
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from pipelines.zone import process
from pipelines.zone.launcher import starting
from pipelines.zone.process import start_ahead
from schemas.errors import InternalFault


def _taken(path: Path) -> bool:
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_worker_that_died_holds_nothing_and_is_said_to_be_gone() -> None:
    with starting("measure") as worker:
        worker.end()
        with pytest.raises(InternalFault) as fault:
            worker.hold((0,))
    assert fault.value.code == "worker_gone"


@pytest.mark.parametrize("held", [True, False])
def test_a_lock_lasts_as_long_as_the_worker_that_holds_it(tmp_path: Path, held: bool) -> None:
    """And no longer than its giver where it was not given."""
    path = tmp_path / "lock"
    with starting("measure") as worker:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if held:
            worker.hold((descriptor,))
        os.close(descriptor)
        assert _taken(path) == held
        worker.end()
        assert not _taken(path)
    assert [made.name for made in tmp_path.iterdir()] == ["lock"], "nothing was asked, and nothing was made"


def test_a_worker_started_ahead_is_the_one_that_is_asked_and_no_other() -> None:
    start_ahead("measure")
    first = process._ahead["measure"].process
    with starting("measure") as worker:
        assert worker._process is first
    assert first.returncode is not None
    with starting("measure") as worker:
        assert worker._process is not first


def test_one_that_was_cut_off_ahead_is_not_asked_to_reach_a_network() -> None:
    start_ahead("measure")
    first = process._ahead["measure"].process
    with starting("measure", networked=True) as worker:
        assert first.returncode is not None
        assert "networked" in worker._process.args


def _workers_of(parent: int) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = place.read_bytes().split(b"\0")
            if b"pipelines.zone.worker" in words and str(parent).encode() in words:
                found.append(place.parent.name)
    return found


def test_a_command_that_fails_leaves_no_worker_that_was_started_ahead(tmp_path: Path) -> None:
    """The declarations are missing: one line, and what was started has ended with the command."""
    seen = "from pipelines.zone import process; from flows import entry; import atexit; atexit.register(lambda: print(list(process._ahead)))"
    done = subprocess.Popen(
        [sys.executable, "-c", f"{seen}; entry.main()", "release", str(tmp_path / "nowhere")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    out, err = done.communicate(timeout=60)
    assert (done.returncode, err.count("\n"), out) == (3, 1, "['measure']\n"), (out, err)
    deadline = time.monotonic() + 20
    while left := _workers_of(done.pid):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)

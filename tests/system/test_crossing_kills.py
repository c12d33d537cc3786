"""kill -9 of the run or of its worker at every step of the crossing, and two runs at once.

Whatever dies, a charge draws at most once, a release is whole or absent, and at most two further runs finish the work.
"""

import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from math import prod
from pathlib import Path

import pytest

from tests.system.city import build_city
from tests.system.faulty_worker import STEPS

HERE = Path(__file__).resolve().parent
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["pipelines.release", "pipelines.crossing", "pipelines.declarations", "tests.system.faulty_worker"]
)

RUN_STEPS = (
    "planning",
    "opening the zone",
    "charging",
    "measuring",
    "recording the seal",
    "estimating",
    "publishing",
    "recording the publication",
)


def run_release(folder: str, run_step: str, worker_step: str, delay: float) -> None:
    """One run of the release in this process, killed by SIGKILL at `run_step` (or `delay` seconds after it)."""
    from pipelines.declarations import load_declarations
    from pipelines.release import release
    from pipelines.workspace import open_workspace
    from pipelines.zone import launcher
    from pipelines.zone.keys import KeySource

    here = Path(folder)
    plain = launcher.subprocess.Popen

    def start(command: list[str], **options: object) -> object:
        faulty = [
            command[0],
            "-I",
            "-c",
            _SHIM,
            str(HERE.parent.parent),
            command[-1],
            worker_step,
            str(here / "draws.log"),
        ]
        return plain(faulty, **options)

    def tell(text: str) -> None:
        if text == run_step:
            if delay:
                signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
                signal.setitimer(signal.ITIMER_REAL, delay)
            else:
                os.kill(os.getpid(), signal.SIGKILL)

    launcher.subprocess.Popen = start  # type: ignore[misc, assignment]
    release(open_workspace(here / "ws"), load_declarations(here / "city"), key=KeySource("file"), tell=tell)


_SHIM = "import sys;  sys.path.insert(0, sys.argv[1]); from tests.system.faulty_worker import main; sys.exit(main(*sys.argv[2:]))"


def run(folder: Path, run_step: str = "", worker_step: str = "none", delay: float = 0.0) -> int:
    """Exit code of one run in a process of its own (negative: killed by that signal)."""
    process = FORKS.Process(target=run_release, args=(str(folder), run_step, worker_step, delay))
    process.start()
    process.join(60)
    assert process.exitcode is not None, "a run hung"
    return process.exitcode


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with an ingested wave and no release yet."""
    from pipelines.declarations import load_declarations
    from pipelines.ingest import ingest
    from pipelines.intake.batch import SourceFile
    from pipelines.workspace import open_workspace
    from pipelines.zone.keys import KeySource

    folder = tmp_path_factory.mktemp("kills")
    city = build_city(folder / "city", residents=120)
    files = [SourceFile("web", city.export)]
    workspace = open_workspace(folder / "ws")
    ingest(workspace, load_declarations(city.folder), files, contacts=city.contacts, key=KeySource("file"))
    return folder


@pytest.fixture
def fresh(prepared: Path, tmp_path: Path) -> Path:
    shutil.copytree(prepared, tmp_path / "run")
    return tmp_path / "run"


def charges(folder: Path) -> list[int]:
    from pipelines.ledger.store import Ledger
    from pipelines.workspace import open_workspace
    from schemas.ledger import EventKind

    return [e.seq for e in Ledger.open(open_workspace(folder / "ws")).events() if e.kind is EventKind.CHARGED]


def draws_of(folder: Path) -> dict[int, int]:
    """Cells drawn per charge seq."""
    log = folder / "draws.log"
    drawn: dict[int, int] = {}
    for line in log.read_text().splitlines() if log.exists() else []:
        seq, cells = (int(part) for part in line.split())
        drawn[seq] = drawn.get(seq, 0) + cells
    return drawn


def releases(folder: Path) -> list[Path]:
    return [p for p in (folder / "ws" / "releases").glob("*/*/*") if not p.name.startswith(".")]


def require_promises(folder: Path, cells: int) -> None:
    from pipelines.outlet.verify import verify

    booked, drawn = charges(folder), draws_of(folder)
    assert set(drawn) <= set(booked), "a draw without a charge"
    assert all(count <= cells for count in drawn.values()), "a charge drew twice"
    for found in releases(folder):
        verify(found, None)


def wait_for_orphans(folder: Path) -> None:
    """Until no process holds the run lock any more."""
    import fcntl

    with (folder / "ws" / "ledger" / "release.lock").open("a") as stream:
        for _ in range(200):
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(0.05)
    pytest.fail("an orphan kept the lock")


def planned_cells(folder: Path) -> int:
    from pipelines.declarations import load_declarations
    from pipelines.planning import planned

    return sum(prod(table.shape) for table in planned(load_declarations(folder / "city")).measured)


def kill_and_retry(folder: Path, crash: Callable[[], int]) -> None:
    cells = planned_cells(folder)
    assert crash() != 0, "the run was not disturbed"
    wait_for_orphans(folder)
    require_promises(folder, cells)
    assert run(folder) == 0, "the retry failed"
    require_promises(folder, cells)
    assert len(releases(folder)) == 1
    assert len(charges(folder)) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("step", RUN_STEPS)
def test_the_run_is_killed(fresh: Path, step: str) -> None:
    kill_and_retry(fresh, lambda: run(fresh, run_step=step))


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_the_worker_is_killed(fresh: Path, step: str) -> None:
    kill_and_retry(fresh, lambda: run(fresh, worker_step=step))


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.02, 0.1, 0.25, 0.5])
def test_the_run_is_killed_while_the_worker_draws(fresh: Path, delay: float) -> None:
    cells = planned_cells(fresh)
    run(fresh, run_step="measuring", delay=delay)
    wait_for_orphans(fresh)
    require_promises(fresh, cells)
    assert run(fresh) == 0
    require_promises(fresh, cells)
    assert len(releases(fresh)) == 1


@pytest.mark.slow
def test_two_runs_at_once_charge_once(fresh: Path) -> None:
    both = [FORKS.Process(target=run_release, args=(str(fresh), "", "none", 0.0)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert len(charges(fresh)) == 1
    assert len(releases(fresh)) == 1
    require_promises(fresh, planned_cells(fresh))


def test_the_log_sees_draws(fresh: Path) -> None:
    """The draw log itself: an undisturbed run logs every planned cell once, under its one charge."""
    assert run(fresh) == 0
    (seq,) = charges(fresh)
    assert draws_of(fresh) == {seq: planned_cells(fresh)}


if sys.platform != "linux":
    pytest.skip("kills and orphans are tested on Linux", allow_module_level=True)

"""A release that dies at a chosen point, in processes forked from one that has imported everything.

The run is forked by a fork server, its zone worker by the run: the worker's own `main`, on real pipes, with the
real descriptors, parent-death signal and isolation. What is left out is the start of a fresh interpreter.
"""

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from pipelines import planning
from pipelines.ledger import store
from pipelines.ledger.database import Database
from pipelines.ledger.witness import Outside
from pipelines.planning import planned
from pipelines.release import release
from pipelines.zone import crossing_room, launcher, worker
from privacy import mechanisms
from tests.faults.smallville import FILE, Smallville

_LOG = "draws.log"
_PID = "worker.pid"
PLANNED = "planned.pickle"


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class ForkedWorker:
    """What `subprocess.Popen` is to the launcher: the worker's main in a child of this process.

    `told`: a file that is told its process id.
    """

    def __init__(
        self,
        command: list[str],
        *,
        cwd: str,
        env: dict[str, str],
        pass_fds: tuple[int, ...],
        told: Path | None = None,
        **_: Any,
    ) -> None:
        theirs, ours = os.pipe()
        mine, yours = os.pipe()
        self.returncode: int | None = None
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            os.dup2(theirs, 0)
            os.dup2(yours, 1)
            for descriptor in map(int, os.listdir("/proc/self/fd")):
                if descriptor > 2 and descriptor not in pass_fds:
                    _close(descriptor)
            os.chdir(cwd)
            os.environ.clear()
            os.environ.update(env)
            os._exit(_worker_main(parent))
        os.close(theirs)
        os.close(yours)
        self.stdin = os.fdopen(ours, "wb")
        self.stdout = os.fdopen(mine, "rb")
        if told is not None:
            told.write_text(str(self.pid))

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        return


def _worker_main(parent: int) -> int:
    import sys

    sys.stdin = os.fdopen(0, "r")
    return worker.main([str(parent)])


def release_once(folder: str, point: str) -> None:
    """One run of the release, killed at `point` where that is one of POINTS. Every draw is logged before it is made."""
    here = Smallville(Path(folder))
    os.dup2(os.open(here.folder / "errors.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    launcher.subprocess.Popen = partial(ForkedWorker, told=here.folder / _PID)  # type: ignore[misc, assignment]
    WRAP.get(point, lambda: None)()
    _log_draws(here.folder / _LOG)
    declarations, plan = pickle.loads((here.folder / PLANNED).read_bytes())
    planning.planned = lambda _: plan
    release(here.workspace, declarations, key=FILE, tell=lambda text: _at(point, text))


def release_and_leave_an_orphan(folder: str) -> None:
    """One run that dies as its worker begins to draw, slowly, and without the signal of its parent's death."""

    def survive(_parent: int) -> bool:
        return True

    draw = mechanisms.draw

    def slowly(*arguments: Any) -> Any:
        (Path(folder) / "drawing").touch()
        time.sleep(0.15)
        return draw(*arguments)

    worker.isolation.die_with_parent = survive
    mechanisms.draw = slowly
    here = Smallville(Path(folder))

    def watch() -> None:
        while not (here.folder / "drawing").exists():
            time.sleep(0.002)
        die()

    threading.Thread(target=watch, daemon=True).start()
    release_once(folder, "")


def keep_plan(city: Smallville) -> int:
    """Plan once for all runs of copies of this city: planning touches nothing. Returns: cells that one draw is of."""
    declarations = city.declarations
    plan = planned(declarations)
    (city.folder / PLANNED).write_bytes(pickle.dumps((declarations, plan)))
    return sum(prod(table.shape) for table in plan.measured)


def _at(point: str, text: str) -> None:
    if point == "before the PUBLISHED row" and text == "recording the publication":
        die()


def _before(module: Any, name: str, when: Callable[..., bool] = lambda *_: True) -> None:
    """Die before a call of `module.name` whose arguments satisfy `when`."""
    plain = getattr(module, name)

    def called(*arguments: Any, **options: Any) -> Any:
        if when(*arguments):
            die()
        return plain(*arguments, **options)

    setattr(module, name, called)


def _after(module: Any, name: str, when: Callable[..., bool] = lambda *_: True) -> None:
    """Die after a call of `module.name` whose arguments satisfy `when`."""
    plain = getattr(module, name)

    def called(*arguments: Any, **options: Any) -> Any:
        result = plain(*arguments, **options)
        if when(*arguments):
            die()
        return result

    setattr(module, name, called)


def _charging(_database: Any, _connection: Any, rows: Any) -> bool:
    return any(row.kind == "CHARGED" for row in rows)


def _just_charged(_outside: Any, events: Any, _ledger_id: str) -> bool:
    return events[-1].kind == "CHARGED"


def _published(path: Path, _target: Path) -> bool:
    return path.parent.parent.parent.name == "releases"


def _sealed(path: Path, _target: Path) -> bool:
    return path.parent.name == "sealed"


def _part(descriptor: int) -> bool:
    return os.readlink(f"/proc/self/fd/{descriptor}").endswith(".part")


def _half_a_seal() -> None:
    plain = crossing_room.seal

    def seal(*arguments: Any) -> None:
        content = plain(*arguments)
        (Path.cwd() / "sealed" / "half.part").write_bytes(content[: len(content) // 2])
        die()

    crossing_room.seal = seal  # type: ignore[assignment]


WRAP: dict[str, Callable[[], None]] = {
    "before the approval check": lambda: _before(store, "decide"),
    "after the approval check": lambda: _after(store, "decide"),
    "before the charge commits": lambda: _after(Database, "append", _charging),
    "after the charge commits": lambda: _before(Outside, "catch_up", _just_charged),
    "before the read": lambda: _before(crossing_room, "count_tables"),
    "after the read": lambda: _after(crossing_room, "count_tables"),
    "during noise": lambda: _after(mechanisms, "draw"),
    "in the middle of the seal": _half_a_seal,
    "before the seal's fsync": lambda: _before(os, "fsync", _part),
    "before the seal's rename": lambda: _before(Path, "rename", _sealed),
    "after the seal's rename": lambda: _after(Path, "rename", _sealed),
    "before the release is renamed": lambda: _before(Path, "rename", _published),
    "after the release is renamed": lambda: _after(Path, "rename", _published),
    "before the PUBLISHED row": lambda: None,
}
"""How a run or its worker is made to die at each point. The last one dies by what the run tells of itself."""
POINTS = tuple(WRAP)


def _log_draws(log: Path) -> None:
    """Every draw writes `seq cells` before it is made: writes of a killed process stay."""
    measure, measure_and_seal = crossing_room.measure, crossing_room.measure_and_seal
    current = {"seq": 0}

    def draw(mechanism: Any, scale: float, values: list[int]) -> list[int]:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, f"{current['seq']} {len(values)}\n".encode())
        os.close(descriptor)
        return mechanisms.draw(mechanism, scale, values)

    def noting(crossing: Any, zone: Any, event: Any, **options: Any) -> Any:
        current["seq"] = event.seq
        return measure_and_seal(crossing, zone, event, **options)

    crossing_room.measure = lambda plan, exact, charge: measure(plan, exact, charge, draw=draw)
    crossing_room.measure_and_seal = noting


def draws(folder: Path) -> dict[int, int]:
    """Cells drawn per charge, by the log."""
    log = folder / _LOG
    drawn: dict[int, int] = {}
    for line in log.read_text().splitlines() if log.exists() else []:
        seq, cells = map(int, line.split())
        drawn[seq] = drawn.get(seq, 0) + cells
    return drawn


def worker_pid(folder: Path) -> int | None:
    """The worker that was started last; None where none was."""
    try:
        return int((folder / _PID).read_text())
    except (FileNotFoundError, ValueError):
        return None

"""Power cuts: a life of Smallville is traced, cut at any call, and what the disk may hold then is gone on with."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Sequence
from copy import copy
from pathlib import Path

from schemas.errors import Fault
from tests.faults import crossing
from tests.faults.power_model import Disk, File, Folder
from tests.faults.power_run import Kind, go_on
from tests.faults.power_trace import Op, traced
from tests.faults.smallville import Smallville, build_smallville
from tests.faults.trial import LONGEST_RUN, Trials

MIXTURES: dict[str, float | None] = {"nothing unsynced": 0.0, "everything": 1.0, "a mixture": None}


class Story:
    """A life that was traced, from where it started."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        from_nothing = kind == "from nothing"
        self.start = build_smallville(folder / "start", approved=not from_nothing, ingested=not from_nothing)
        self.cells = crossing.keep_plan(self.start)
        self.end = self.start.copy(folder / "end")
        log = folder / "calls"
        self.ops: Sequence[Op] = traced("tests.faults.power_run", [kind, str(self.end.folder)], self.end.folder, log)
        log.unlink()

    def forgetful(self, below: str) -> "Story":
        """The same life, but that nothing below a place is ever synced."""
        other = copy(self)
        other.ops = [op for op in self.ops if op.kind != "sync" or not op.place.is_relative_to(below)]
        return other

    def first_draw(self) -> int:
        """Calls until the first draw has been noted, which is just before it is made."""
        return next(n for n, op in enumerate(self.ops, 1) if op.kind == "write" and op.place.name == "draws.log")

    def disk(self, calls: int) -> Disk:
        """The disk after so many calls."""
        disk = Disk(self.start.folder, "ws")
        for op in self.ops[:calls]:
            disk.do(op)
        return disk

    def is_understood(self) -> bool:
        """Whether the model of the disk, after all calls, holds what the disk holds, byte for byte."""
        return _contents(self.disk(len(self.ops)).top) == _files(self.end.folder)


def _contents(folder: Folder, place: Path = Path()) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, what in folder.now.items():
        if isinstance(what, File):
            found[str(place / name)] = bytes(what.now)
        else:
            found |= _contents(what, place / name)
    return found


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _released(contents: dict[str, bytes]) -> dict[str, bytes]:
    """The noisy integers of every release that a reader may see, by the folder's name."""
    places = {name: Path(name) for name in contents if name.startswith("ws/releases/")}
    seen = {name: path for name, path in places.items() if path.name == "measurements.parquet"}
    return {path.parent.name: contents[name] for name, path in seen.items() if not path.parent.name.startswith(".")}


class PowerCuts(Trials):
    """Trials of what a story's disk may hold after a power cut."""

    def __init__(self, story: Story, scratch: Path) -> None:
        super().__init__(story.start, scratch)
        self._story, self._states, self._last = story, set[str](), dict[str, bytes]()
        self.changed = 0
        """Releases that somebody may have read before the cut and that came back as others, or not at all."""
        self.kinds = Counter[str]()

    def cut(self, calls: int, kind: str) -> bool:
        """Cut the power after so many calls. Returns: False where the disk holds what was tried before."""
        disk = self._story.disk(calls)
        seen = _released(_contents(disk.top))
        folder = self._scratch / f"cut-{calls}-{kind.partition(' ')[0]}"
        disk.write_out(folder, MIXTURES[kind])
        state = hashlib.sha256(repr(sorted(_files(folder).items())).encode()).hexdigest()
        if state in self._states:
            shutil.rmtree(folder)
            return False
        self._states.add(state)
        self.kinds[kind] += 1
        city = Smallville(folder)
        self._last = seen
        note = f"{kind} of what was unsynced after call {calls} ({_words(self._story.ops[calls - 1])})"
        try:
            self._judge(city, killed=True, note=note, swept=False)
        except Fault as fault:
            self._note("stuck", f"{note}: {fault}")
            shutil.rmtree(folder)
        return True

    def _run(self, city: Smallville, point: str) -> int | None:
        begun = bool(crossing.draws(city.folder))
        process = self._forks.Process(target=go_on, args=(str(city.folder), not begun))
        process.start()
        process.join(LONGEST_RUN)
        if process.exitcode == 0:
            now = _released(_files(city.folder))
            self.changed += any(now.get(name) != content for name, content in self._last.items())
        return process.exitcode


def _words(op: Op) -> str:
    return f"{op.kind} {op.place}"

"""The whole way, from exports to published files, as production runs it but for its worker's process and noise.

Two lives of one workspace, begun from the same copy at the same time: all that is outside the zone and its keys must
come out equal, byte for byte.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pipelines.declarations import load_declarations
from pipelines.ingest import ingest
from pipelines.intake.batch import SourceFile
from pipelines.ledger import store
from pipelines.ledger.store import Ledger
from pipelines.planning import planned
from pipelines.release import release
from pipelines.workspace import open_workspace
from pipelines.zone import ingest_room
from pipelines.zone.keys import KeySource, create_hmac_key, create_key_file
from privacy.measure import Draw
from schemas.errors import Fault
from tests.replay.in_memory import write_contacts, write_export
from tests.replay.neighbours import Pair, Row
from tests.replay.recording import Distance, Recorder, Replayer, distances
from tests.replay.worker_here import worker_here

KEY = KeySource("file")
Export = Sequence[Row]
Step = tuple[Export, ...]
"""Exports to ingest together, header first; none: a release."""
RELEASE: Step = ()


@dataclass
class Life:
    """What anybody outside the zone can see of a workspace's life.

    `files`: everything outside zone and keys, by path. `places`: names of what is in zone and keys (with the size of what
    is sealed). `said`: progress, results and faults, in order.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


class _Clock(datetime):
    """A clock that goes by a minute whenever it is read."""

    ticks = count()

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=next(cls.ticks))


@contextmanager
def frozen() -> Iterator[None]:
    """What differs between any two runs, and says nothing of their data, is the same: clock and snapshot ids."""
    _Clock.ticks = count()
    numbers = count(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "datetime", _Clock)
        patch.setattr(ingest_room, "new_snapshot_id", lambda: f"{next(numbers):032x}")
        yield


class Twins:
    """Two lives in the same place, one after the other, with the same keys: ties between rows fall alike."""

    def __init__(self, folder: Path, survey: dict[str, Any], policy: dict[str, Any]) -> None:
        self.declared = folder / "declared"
        self.declared.mkdir(parents=True)
        for name, content in (("survey.yaml", survey), ("policy.yaml", policy)):
            (self.declared / name).write_text(json.dumps(content), encoding="utf-8")
        self.declarations = load_declarations(self.declared)
        self.contacts = folder / "contacts.csv"
        write_contacts(self.contacts)
        self._base, self._root, self._exports = folder / "base", folder / "workspace", folder / "exports"
        with frozen():
            workspace = open_workspace(self._base)
            Ledger.open(workspace)
        wave_keys = workspace.wave_keys(self.declarations.survey.survey, self.declarations.survey.wave.id)
        wave_keys.mkdir(mode=0o700, parents=True)
        create_hmac_key(wave_keys / "hmac.key", create_key_file(wave_keys / "zone.key"))

    @property
    def root(self) -> Path:
        """The workspace of the life that was lived last."""
        return self._root

    def live(self, steps: Sequence[Step], draw: Draw, *, frozen_clock: bool = True) -> Life:
        """One life, from the common beginning; with the machine's own clock where it is not to be `frozen_clock`."""
        for place in (self._root, self._exports):
            shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self._base, self._root)
        self._exports.mkdir()
        life = Life()
        with frozen() if frozen_clock else nullcontext(), worker_here(draw):
            for number, step in enumerate(steps):
                life.said.append(_said(lambda n=number, s=step: self._step(n, s, life.said.append)))
        for path in sorted(self._root.rglob("*")):
            name = str(path.relative_to(self._root))
            inside = name.startswith(("zone", "keys"))
            if path.is_file() and not inside:
                life.files[name] = path.read_bytes()
            elif inside:
                sized = path.suffix == ".sealed"
                life.places[name.rpartition("-")[0] if sized else name] = path.stat().st_size if sized else 0
        return life

    def _step(self, number: int, step: Step, tell: Callable[[str], None]) -> str:
        workspace = open_workspace(self._root)
        if step == RELEASE:
            return repr(release(workspace, self.declarations, key=KEY, memory="300MB", tell=tell))
        files: list[SourceFile] = []
        for part, records in enumerate(step):
            files.append(SourceFile("web", self._exports / f"export{number}-{part}.csv"))
            write_export(files[-1].path, self.declarations.survey, list(records))
        contacts = self.contacts if self.declarations.survey.residents.verified_by else None
        return ingest(workspace, self.declarations, files, contacts=contacts, key=KEY, memory="300MB", tell=tell)


def _said(work: Callable[[], str]) -> str:
    try:
        return work()
    except Fault as fault:
        return f"exit {fault.exit_code}: {fault.line()}"


def lives(both: Twins, steps: list[Step], neighbours: list[Step]) -> tuple[Life, Life, list[Distance]]:
    """The first life draws, the second is given the same noisy values; each draws as often as the other."""
    recorder = Recorder()
    first = both.live(steps, recorder)
    replayer = Replayer(recorder.calls)
    second = both.live(neighbours, replayer)
    assert len(replayer.calls) == len(recorder.calls), "the neighbour draws less often"
    plan = planned(both.declarations)
    draws = len(plan.measured)
    moved: list[Distance] = []
    for start in range(0, len(recorder.calls), draws):
        released = slice(start, start + draws)
        moved += distances(plan, recorder.calls[released], replayer.calls[released])
    return first, second, moved


def differences(one: Life, two: Life) -> list[str]:
    """What tells the two lives apart from outside."""
    names = sorted(one.files.keys() | two.files.keys())
    found = [name for name in names if one.files.get(name) != two.files.get(name)]
    found += [f"{a} | {b}" for a, b in zip(one.said, two.said, strict=False) if a != b]
    found += [f"{len(one.said)} and {len(two.said)} things said"] if len(one.said) != len(two.said) else []
    return found + sorted(f"zone or keys: {name}" for name, _ in one.places.items() ^ two.places.items())


def exports(neighbours: Pair) -> tuple[Export, Export]:
    """Both sides of a pair, as exports."""
    return [neighbours.header, *neighbours.with_victim], [neighbours.header, *neighbours.without]

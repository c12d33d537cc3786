"""What an analyst learns of durations: no time of day is published, and reading takes as long of either neighbour."""

import os
import random
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import duckdb

from pipelines.outlet.verify import verify
from privacy import mechanisms
from schemas.plan import Mechanism
from tests.faults.watches import FALSE_ALARM, fine_times, watch
from tests.prove.frame import Effort, Figure, Suite
from tests.replay.neighbours import pair
from tests.replay.question_types import TypeCase, policy_of, survey_of, together
from tests.replay.whole_way import RELEASE, Export, Twins, exports

CASE = together(("rating", "multi"))
_QUERY = (
    "SELECT subject, statistic, value, moe FROM read_parquet('{}/summary.parquet') WHERE publishable ORDER BY value"
)


class SameNoise:
    """Draws noise once, and adds the same noise to the neighbour's counts: their releases differ as their data do."""

    def __init__(self) -> None:
        self._drawn: list[list[int]] = []
        self._next: int | None = None

    def again(self) -> None:
        """From here on, the noise that was drawn, in its order."""
        self._next = 0

    def __call__(self, mechanism: Mechanism, scale: float, values: list[int]) -> list[int]:
        if self._next is None:
            noisy = mechanisms.draw(mechanism, scale, values)
            self._drawn.append([after - before for after, before in zip(noisy, values, strict=True)])
            return noisy
        noise, self._next = self._drawn[self._next], self._next + 1
        return [value + error for value, error in zip(values, noise, strict=True)]


def _slowly(seconds: float, mechanism: Mechanism, scale: float, values: list[int]) -> list[int]:
    time.sleep(seconds)
    return mechanisms.draw(mechanism, scale, values)


def _twins(folder: Path, case: TypeCase) -> Twins:
    return Twins(folder, survey_of(case), policy_of(case))


def _kept(both: Twins, place: Path) -> Path:
    """The releases of the life that was just lived, with their times."""
    return Path(shutil.copytree(both.root / "releases", place))


def _release(releases: Path) -> Path:
    return next(path for path in releases.glob("*/*/*") if path.is_dir())


def published_times(effort: Effort) -> Iterator[Figure]:
    """Releases of neighbours, one of them made slowly: whatever is dated is dated by the day."""
    runs = effort.count(short=1, extended=3, long=20)
    fine = found = 0
    for number in range(runs):
        both = _twins(effort.folder / f"twins-{number}", CASE)
        with_victim, without = exports(pair(CASE, random.Random(number), "worst", others=20))
        for export, draw in ((with_victim, mechanisms.draw), (without, partial(_slowly, 0.2))):
            both.live([(export,), RELEASE], draw, frozen_clock=False)
            fine += len(list(fine_times(both.root / "releases")))
            found += 1
            touched = _kept(both, effort.folder / f"touched-{found}")
            os.utime(_release(touched) / "card.json")
            if not list(fine_times(touched)):
                raise AssertionError("a file that was just written is not seen as dated")
    yield Figure("releases whose dates were read, half of them made slowly", found, "=", 2 * runs)
    yield Figure("times of day in or on released files", fine, "=", 0)


def _pairs(effort: Effort, count: int) -> list[tuple[Path, Path]]:
    """Release folders of neighbours with the same noise."""
    made: list[tuple[Path, Path]] = []
    for number in range(count):
        both = _twins(effort.folder / f"pair-{number}", CASE)
        noise, sides = SameNoise(), []
        neighbours: tuple[Export, Export] = exports(pair(CASE, random.Random(f"timing {number}"), "worst", others=40))
        for side, export in enumerate(neighbours):
            both.live([(export,), RELEASE], noise)
            noise.again()
            sides.append(_release(_kept(both, effort.folder / f"released-{number}-{side}")))
        if (sides[0] / "measurements.parquet").read_bytes() == (sides[1] / "measurements.parquet").read_bytes():
            raise AssertionError("the neighbours' releases are the same: their readings tell nothing")
        made.append((sides[0], sides[1]))
    return made


def _query(folder: Path) -> object:
    with duckdb.connect(":memory:") as database:
        return database.execute(_QUERY.format(folder)).fetchall()


def reading(effort: Effort) -> Iterator[Figure]:
    """Verifying, cataloguing and querying either neighbour's release: the durations are of one law."""
    runs = effort.count(short=48, extended=240, long=2400)
    pairs = _pairs(effort, effort.count(short=1, extended=2, long=4))
    readings = {"verify": partial(verify, key=None), "query": _query}
    for name, read in readings.items():
        same = watch(read, pairs, runs)
        yield Figure(f"{name}: timed runs of each neighbour", len(same.other), ">=", runs)
        yield Figure(f"{name}: p of a difference between neighbours' durations", same.p, ">=", FALSE_ALARM)
    longer = {"short": 4.0, "extended": 1.0, "long": 0.25}[effort.level]
    planted = watch(_query, pairs, runs, longer)
    yield Figure(f"query: p where one neighbour takes {longer:g} of it longer on purpose", planted.p, "<=", FALSE_ALARM)


SUITES = (
    Suite(
        name="published-times",
        purpose="nothing that is published is dated finer than the day, however long a release took",
        run=published_times,
        minutes=1,
        levels=("short", "extended", "long"),
    ),
    Suite(
        name="timing",
        purpose="2,400 timed readings of each neighbour's release by verify and query: no difference",
        run=reading,
        minutes=4,
        levels=("short", "extended", "long"),
    ),
)

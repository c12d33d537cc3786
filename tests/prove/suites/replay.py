"""Record and replay: nothing but the exact inputs of the noise differs between neighbours, and they by the sensitivity."""

import random
from collections.abc import Iterator

from tests.prove.frame import Effort, Figure, Suite
from tests.replay.in_memory import room
from tests.replay.neighbours import KINDS, pair
from tests.replay.question_types import TYPES, policy_of, survey_of, together
from tests.replay.replaying import replay_type
from tests.replay.whole_way import RELEASE, Twins, differences, exports, lives


def pairs(effort: Effort) -> Iterator[Figure]:
    """Every question type through intake, zone and measurement."""
    count = effort.count(short=2, long=400)
    for name, case in TYPES.items():
        with room(effort.folder) as here:
            alone, shared = replay_type(case, here.measured, count, seed=1)
        yield Figure(f"{name}: pairs equal in all but the exact inputs", alone.pairs + shared.pairs, ">=", count)
        yield Figure(f"{name}: tables moved beyond the declared sensitivity", len(alone.beyond + shared.beyond), "=", 0)
        yield Figure(f"{name}: tables whose sensitivity nobody reaches", len(alone.slack | shared.slack), "=", 0)


def whole_way(effort: Effort) -> Iterator[Figure]:
    """Exports to published files: ingest, release, release again, a later ingest, release."""
    wide = together(n for n, case in TYPES.items() if case.format == "delimited" and "residents" not in case.declared)
    cases = [wide, *(TYPES[name] for name in ("verified", "keyless", "long", "xlsx"))]
    rounds = effort.count(short=1, long=3)
    told_apart, files, moved_beyond, tried = 0, 0, 0, 0
    for case in cases:
        both = Twins(effort.folder / case.name, survey_of(case), policy_of(case))
        for number, kind in enumerate([*KINDS] * rounds):
            neighbours = pair(case, random.Random(f"{case.name} {number}"), kind)
            with_victim, without = exports(neighbours)
            steps = [(with_victim,), RELEASE, RELEASE]
            one, two, moved = lives(both, steps, [(without,), RELEASE, RELEASE])
            tried += 1
            told_apart += bool(differences(one, two))
            files += len(one.files)
            moved_beyond += sum(not distance.within for distance in moved)
    yield Figure("pairs lived through, from export to published files", tried, ">=", len(cases) * len(KINDS) * rounds)
    yield Figure("files outside the zone compared byte for byte", files, ">=", 7 * tried)
    yield Figure("pairs told apart from outside the zone", told_apart, "=", 0)
    yield Figure("tables moved beyond the declared sensitivity", moved_beyond, "=", 0)


SUITES = (
    Suite("replay", "neighbours of every question type, replayed", pairs, minutes=4, levels=("long",)),
    Suite("whole-way", "neighbours from export to published files, replayed", whole_way, minutes=4, levels=("long",)),
)

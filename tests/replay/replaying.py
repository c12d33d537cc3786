"""Pairs of neighbours through the cheap form: what must be equal is asserted, how far tables moved is returned."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.replay.in_memory import Measure
from tests.replay.neighbours import KINDS, Pair, exchange, pair
from tests.replay.question_types import TypeCase
from tests.replay.recording import Distance, Recorder, Replayer, distances


@dataclass
class Found:
    """What replaying pairs came to: `beyond` the sensitivity, and the tables that `reached` it."""

    pairs: int = 0
    beyond: list[Distance] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    not_moved: frozenset[str] = frozenset()

    @property
    def slack(self) -> set[str]:
        """Tables whose declared sensitivity no pair reached, though some could."""
        return self.tables - self.reached - self.not_moved

    def add(self, moved: list[Distance]) -> None:
        self.pairs += 1
        self.beyond += [distance for distance in moved if not distance.within]
        self.tables |= {distance.table for distance in moved}
        self.reached |= {distance.table for distance in moved if distance.reached}


def pairs_of(case: TypeCase, rng: random.Random, count: int) -> Iterator[Pair]:
    """Every kind in turn; every seventh pair is a file that removing the resident makes empty."""
    kinds = list(KINDS)
    for number in range(count):
        yield pair(case, rng, kinds[number % len(kinds)], others=0 if number % 7 == 6 else None)


def replay(case: TypeCase, neighbours: Pair, measure: Measure, *, shared_keys: bool, noise: str) -> list[Distance]:
    """Record one side, replay the other, each side being the first at random. Raises: AssertionError."""
    plan = case.plan(shared_keys=shared_keys, noise=noise)
    recorder = Recorder()
    first = measure(case.survey, plan, [neighbours.header, *neighbours.with_victim], recorder)
    replayer = Replayer(recorder.calls)
    second = measure(case.survey, plan, [neighbours.header, *neighbours.without], replayer)
    assert first == second, "the measurements differ where the noise is the same"
    return distances(plan, recorder.calls, replayer.calls)


def replay_type(case: TypeCase, measure: Measure, count: int, *, seed: int = 0) -> tuple[Found, Found]:
    """`count` pairs that differ by one resident, and a quarter as many exchanges under a shared key."""
    rng = random.Random(f"{case.name} {seed}")
    alone, shared = Found(), Found(not_moved=case.not_exchanged)
    for number, neighbours in enumerate(pairs_of(case, rng, count)):
        noise = ("gaussian", "laplace")[number % 2]
        alone.add(replay(case, neighbours, measure, shared_keys=False, noise=noise))
    for number in range(0 if case.keyless or case.household else max(count // 4, 4)):
        noise, turn = ("gaussian", "laplace")[number % 2], number // 2 % 4
        neighbours = exchange(case, rng, worst=turn < 2, apart=turn % 2 == 0)
        shared.add(replay(case, neighbours, measure, shared_keys=True, noise=noise))
    return alone, shared

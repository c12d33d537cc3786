"""Record and replay at the mechanism call: on D draw and write down, on its neighbour D′ hand out the same outputs.

After Re:cord-play (arXiv 2602.17454): whatever differs then, other than the exact inputs, is no post-processing of
noisy outputs. The inputs may differ by the declared sensitivity and no more.
"""

from dataclasses import dataclass, field
from itertools import islice
from math import prod

from privacy.mechanisms import draw
from schemas.plan import MeasuredTable, Mechanism, Plan


@dataclass(frozen=True)
class Call:
    """One call of a mechanism: what it was asked, and what it gave."""

    mechanism: Mechanism
    scale: float
    exact: tuple[int, ...]
    noisy: tuple[int, ...]

    @property
    def asked(self) -> tuple[Mechanism, float, int]:
        """Everything of the call that is not exact."""
        return self.mechanism, self.scale, len(self.exact)


@dataclass
class Recorder:
    """A `draw` that writes down its calls."""

    calls: list[Call] = field(default_factory=list)

    def __call__(self, mechanism: Mechanism, scale: float, exact: list[int]) -> list[int]:
        noisy = draw(mechanism, scale, exact)
        self.calls.append(Call(mechanism, scale, tuple(exact), tuple(noisy)))
        return noisy


@dataclass
class Replayer:
    """A `draw` that gives what was recorded, to calls that ask for the same."""

    recorded: list[Call]
    calls: list[Call] = field(default_factory=list)

    def __call__(self, mechanism: Mechanism, scale: float, exact: list[int]) -> list[int]:
        assert len(self.calls) < len(self.recorded), "the neighbour draws more often"
        before = self.recorded[len(self.calls)]
        call = Call(mechanism, scale, tuple(exact), before.noisy)
        assert call.asked == before.asked, "the neighbour asks for other noise"
        self.calls.append(call)
        return list(before.noisy)


@dataclass(frozen=True)
class Distance:
    """How far a table moved between neighbours, and how far it may: L1 and squared L2, in the table's units."""

    table: str
    l1: int
    l2_squared: int
    most_l1: int
    most_l2_squared: int

    @property
    def within(self) -> bool:
        return self.l1 <= self.most_l1 and self.l2_squared <= self.most_l2_squared

    @property
    def reached(self) -> bool:
        return (self.l1, self.l2_squared) == (self.most_l1, self.most_l2_squared)


def draws_of(plan: Plan) -> list[list[MeasuredTable]]:
    """The tables of each draw that the plan takes: those of one mechanism and scale are drawn together."""
    alike: dict[tuple[Mechanism, float], list[MeasuredTable]] = {}
    for table in plan.measured:
        alike.setdefault((table.mechanism, table.scale), []).append(table)
    return list(alike.values())


def distances(plan: Plan, recorded: list[Call], replayed: list[Call]) -> list[Distance]:
    """Distance of every measured table."""
    draws = draws_of(plan)
    assert len(recorded) == len(replayed) == len(draws), "not one draw a mechanism and scale"
    found: list[Distance] = []
    for tables, one, two in zip(draws, recorded, replayed, strict=True):
        cells = iter(zip(one.exact, two.exact, strict=True))
        for table in tables:
            moved = [abs(a - b) for a, b in islice(cells, prod(table.shape))]
            found.append(Distance(table.id, sum(moved), sum(m * m for m in moved), table.l1, table.l2_squared))
        assert next(cells, None) is None, "a draw of more cells than its tables have"
    return found

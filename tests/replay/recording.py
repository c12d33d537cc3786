"""Record and replay at the mechanism call: on D draw and write down, on its neighbour D′ hand out the same outputs.

After Re:cord-play (arXiv 2602.17454): whatever differs then, other than the exact inputs, is no post-processing of
noisy outputs. The inputs may differ by the declared sensitivity and no more.
"""

from dataclasses import dataclass, field
from math import prod

from privacy.mechanisms import draw
from schemas.plan import Mechanism, Plan


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


def distances(plan: Plan, recorded: list[Call], replayed: list[Call]) -> list[Distance]:
    """Distance of every measured table."""
    assert len(recorded) == len(replayed) == len(plan.measured), "not one draw a table"
    found: list[Distance] = []
    for table, one, two in zip(plan.measured, recorded, replayed, strict=True):
        assert len(one.exact) == prod(table.shape), "a draw of other cells than its table has"
        moved = [abs(a - b) for a, b in zip(one.exact, two.exact, strict=True)]
        found.append(Distance(table.id, sum(moved), sum(m * m for m in moved), table.l1, table.l2_squared))
    return found

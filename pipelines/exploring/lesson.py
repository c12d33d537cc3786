"""How the noise works, on an invented question: real draws, exact chances, and what that does to groups of any size."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

from privacy.ledger_limits import cap_nano
from privacy.mechanisms import draw
from schemas.plan import NANO, Mechanism
from schemas.policy import Cap

INVENTED = {"Excellent": 212, "Good": 407, "Fair": 158, "Poor": 23}
"""Eight hundred residents who do not exist."""

_Z = 1.959964
_REACH = 6.0
"""Half-width of the chart of two worlds, in standard deviations of the noise."""


@dataclass(frozen=True)
class Law:
    """A mechanism and its scale: what one resident, in one cell of one table, costs ε at δ."""

    mechanism: Mechanism
    scale: float
    rho: float

    @property
    def sd(self) -> float:
        """Standard deviation of the noise in people."""
        return self.scale if self.mechanism == "discrete_gaussian" else self.scale * sqrt(2)

    def chance(self, k: int) -> float:
        """Unnormalised probability that the noise is k."""
        if self.mechanism == "discrete_gaussian":
            return exp(-(k**2) / (2 * self.scale**2))
        return exp(-abs(k) / self.scale)


@dataclass(frozen=True)
class Draws:
    """The invented counts and, for each draw, the same with fresh noise."""

    options: tuple[str, ...]
    counts: tuple[int, ...]
    noisy: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Worlds:
    """Chances of each published count with one resident and without; `most`: the largest ratio of the two."""

    published: tuple[int, ...]
    with_you: tuple[float, ...]
    without_you: tuple[float, ...]
    most: float


def law_of(family: str, epsilon: float, delta: float) -> Law:
    """The noise that spends ε (at δ for Gaussian) on one table of single choices."""
    if family == "laplace":
        return Law("discrete_laplace", 1 / epsilon, epsilon**2 / 2)
    rho = cap_nano(Cap(epsilon=epsilon), delta).nano_rho / NANO
    return Law("discrete_gaussian", 1 / sqrt(2 * rho), rho)


def draws(law: Law, times: int) -> Draws:
    """Fresh noise each time, from the same source as a release."""
    exact = list(INVENTED.values())
    noisy = tuple(tuple(draw(law.mechanism, law.scale, exact)) for _ in range(times))
    return Draws(tuple(INVENTED), tuple(exact), noisy)


def worlds(law: Law, count: int) -> Worlds:
    """The two laws of the published count, and the most that any outcome favours one of them."""
    reach = max(3, round(_REACH * law.sd / 2))
    published = tuple(range(count - reach, count + reach + 1))
    whole = sum(law.chance(k) for k in range(-40 * reach, 40 * reach + 1))
    here = tuple(law.chance(k - count) / whole for k in published)
    there = tuple(law.chance(k - count + 1) / whole for k in published)
    ratios = [max(a / b, b / a) for a, b in zip(here, there, strict=True) if a > 0 and b > 0]
    return Worlds(published, here, there, max(ratios))


def group_margins(
    law: Law, sizes: Sequence[int] = (25, 50, 100, 200, 400, 800, 1600, 3200)
) -> list[tuple[int, float, float]]:
    """(people, sampling margin, noise margin) in points, for a share of one half in groups of these sizes."""
    return [(n, 100 * _Z * 0.5 / sqrt(n), 100 * _Z * law.sd / n) for n in sizes]

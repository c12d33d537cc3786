"""OpenDP's maps against the formulas in rationals, on a grid of scales and sensitivities."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

from privacy.charges import on_grid
from privacy.mechanisms import privacy_map
from schemas.attributes import MICRO
from tests.prove.frame import Effort, Figure, Suite

SENSITIVITIES = [(1, 1), (2, 2), (3, 3), (5, 5), (10, 10), (15, 15), (MICRO, MICRO**2), (4 * MICRO, 4 * MICRO**2)]


def _excess(found: float, exact: Fraction) -> Fraction:
    return (Fraction(found) - exact) / exact


def grid(effort: Effort) -> Iterator[Figure]:
    """The map is never below the formula, and above it by rounding only."""
    steps = effort.count(short=40, long=2000)
    scales = [on_grid(0.3 * 10 ** (7 * i / steps)) for i in range(steps)]
    least, most, points = Fraction(0), Fraction(0), 0
    for scale, (l1, l2_squared) in product(scales, SENSITIVITIES):
        gaussian, none = privacy_map("discrete_gaussian", scale, l1, l2_squared)
        rho, pure = privacy_map("discrete_laplace", scale, l1, l2_squared)
        assert none is None and pure is not None
        exact = Fraction(scale)
        for found, formula in (
            (gaussian, l2_squared / (2 * exact**2)),
            (pure, l1 / exact),
            (rho, (l1 / exact) ** 2 / 2),
        ):
            excess = _excess(found, formula)
            least, most, points = min(least, excess), max(most, excess), points + 1
    yield Figure("points of the grid", points, ">=", 3 * steps * len(SENSITIVITIES))
    yield Figure("least relative excess of OpenDP's map over the formula", float(least), ">=", 0)
    yield Figure("largest relative excess of OpenDP's map over the formula", float(most), "<=", 1e-12)


SUITES = (
    Suite(
        name="maps",
        purpose="what OpenDP says noise costs is what the formulas say, never less",
        run=grid,
        minutes=0.5,
        levels=("short", "extended", "long"),
    ),
)

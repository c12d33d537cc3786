"""OpenDP's maps are the textbook losses, never below them; noise is whole numbers from the operating system."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from math import isqrt, sqrt
from threading import Barrier

import numpy as np
import pytest

from privacy import mechanisms
from privacy.audit import correlation_deviation
from privacy.mechanisms import draw, l2_distance_in, privacy_map
from schemas.attributes import MICRO
from schemas.plan import Mechanism

SCALES = [1e-3, 0.1, 1.0, 1.5, 26.312, 1e3, 3.3457e7, 1e10]
L2_SQUARED = [1, 2, 3, 6, 7, MICRO**2, 2 * MICRO**2, 3 * MICRO**2]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("l2_squared", L2_SQUARED)
def test_gaussian_map_is_half_the_squared_ratio(scale: float, l2_squared: int) -> None:
    exact = Fraction(l2_squared) / (2 * Fraction(scale) ** 2)
    rho, pure = privacy_map("discrete_gaussian", scale, 1, l2_squared)
    assert pure is None
    assert exact <= Fraction(rho) <= exact * Fraction(1 + 1e-14)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("l1", [1, 2, 3, 12, MICRO, 3 * MICRO])
def test_laplace_map_is_the_ratio_and_half_its_square(scale: float, l1: int) -> None:
    exact = Fraction(l1) / Fraction(scale)
    rho, pure = privacy_map("discrete_laplace", scale, l1, l1)
    assert pure is not None
    assert exact <= Fraction(pure) <= exact * Fraction(1 + 1e-14)
    assert exact**2 / 2 <= Fraction(rho) <= exact**2 / 2 * Fraction(1 + 1e-14)


@pytest.mark.parametrize("l2_squared", [*range(1, 60), *L2_SQUARED, 10**24 + 1])
def test_the_distance_is_never_below_the_root(l2_squared: int) -> None:
    distance = Fraction(l2_distance_in(l2_squared))
    assert distance**2 >= l2_squared
    assert float(distance) <= sqrt(l2_squared) * (1 + 1e-15)
    if isqrt(l2_squared) ** 2 == l2_squared:
        assert distance**2 == l2_squared


def test_more_noise_costs_less() -> None:
    for mechanism in ("discrete_gaussian", "discrete_laplace"):
        losses = [privacy_map(mechanism, scale, 2, 2)[0] for scale in (0.5, 1.0, 2.0, 50.0)]
        assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("mechanism", ["discrete_gaussian", "discrete_laplace"])
def test_draws_are_fresh_whole_numbers(mechanism: mechanisms.Mechanism) -> None:
    exact = [0] * 64
    one, two = draw(mechanism, 1e6, exact), draw(mechanism, 1e6, exact)
    assert one != two
    assert all(type(cell) is int for cell in one)
    assert exact == [0] * 64


@pytest.mark.parametrize("mechanism", ["discrete_gaussian", "discrete_laplace"])
def test_vanishing_noise_leaves_counts_alone(mechanism: mechanisms.Mechanism) -> None:
    exact = [0, 3, 10**15, -7]
    assert draw(mechanism, 0.01, exact) == exact


@pytest.mark.parametrize("mechanism", ["discrete_gaussian", "discrete_laplace"])
def test_threads_have_their_own_measurements_and_their_own_noise(mechanism: Mechanism) -> None:
    """Nothing of OpenDP is shared: by chance, 2,000 draws that are correlated beyond 6.5 sd come once in 10¹⁰."""
    together = Barrier(2)

    def drawn(_: int) -> tuple[object, list[int]]:
        together.wait(30)
        return mechanisms._measurement(mechanism, 40.0), draw(mechanism, 40.0, [0] * 2000)

    with ThreadPoolExecutor(2) as threads:
        (one, first), (other, second) = threads.map(drawn, range(2))
    assert one is not other
    assert mechanisms._measurement(mechanism, 40.0) is mechanisms._measurement(mechanism, 40.0)
    assert abs(correlation_deviation(np.array(first, dtype=float), np.array(second, dtype=float))) < 6.5

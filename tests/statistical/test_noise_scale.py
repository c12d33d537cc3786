"""The noise drawn has the scale that is charged for: the right scale passes, and one 30 % off would fail.

With 4,000 pooled draws a false alarm has probability 1e-8 a test, and 30 % off is seen with more than 0.999,999.
"""

from math import exp

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2, chisquare, norm

from privacy.mechanisms import draw
from schemas.attributes import MICRO
from schemas.plan import Mechanism
from tests.planning_sample import plan_of, small_policy, small_survey

pytestmark = pytest.mark.statistical

FALSE_ALARM = 1e-8
DRAWS = 4000
MORE = 5600
"""For bounds at 6.5 sd: as tight as 4,000 draws at 5.5."""
CASES: list[tuple[Mechanism, float]] = [
    (mechanism, scale)
    for mechanism in ("discrete_gaussian", "discrete_laplace")
    for scale in (5.0, 26.312, 1000.0, 32.6 * MICRO)
]


def noise(mechanism: Mechanism, scale: float, draws: int = DRAWS) -> NDArray[np.float64]:
    """Draws around exact counts of every size, less the counts."""
    exact = [(i % 7) * 10**6 for i in range(draws)]
    return np.array(draw(mechanism, scale, exact), dtype=np.float64) - np.array(exact)


def has_scale(mechanism: Mechanism, drawn: NDArray[np.float64], scale: float) -> bool:
    """Whether draws fit a scale: Σ(x/σ)² is χ²(n) for Gaussian noise, discrete or not, at these scales.

    Σ|x| of so many Laplace draws is normal; its mean and variance are those of the discrete law, 4 % off the continuous
    one's at a scale of two: with r = e^(−1/b), E|x| = 2r ÷ (1 − r²) and E x² = 2r ÷ (1 − r)².
    """
    if mechanism == "discrete_gaussian":
        statistic, freedom = float(np.sum((drawn / scale) ** 2)), len(drawn)
        return bool(chi2.ppf(FALSE_ALARM / 2, freedom) <= statistic <= chi2.isf(FALSE_ALARM / 2, freedom))
    r = exp(-1 / scale)
    mean, square = 2 * r / (1 - r**2), 2 * r / (1 - r) ** 2
    away = float(np.mean(np.abs(drawn))) - mean
    return abs(away) < float(norm.isf(FALSE_ALARM / 2)) * ((square - mean**2) / len(drawn)) ** 0.5


@pytest.mark.parametrize(("mechanism", "scale"), CASES)
def test_the_right_scale_passes(mechanism: Mechanism, scale: float) -> None:
    assert has_scale(mechanism, noise(mechanism, scale), scale)


@pytest.mark.parametrize(("mechanism", "scale"), CASES)
@pytest.mark.parametrize("off", [0.7, 1.3])
def test_a_scale_thirty_per_cent_off_fails(mechanism: Mechanism, scale: float, off: float) -> None:
    assert not has_scale(mechanism, noise(mechanism, scale * off), scale)


@pytest.mark.parametrize(("mechanism", "scale"), CASES)
def test_noise_is_centred_and_fresh(mechanism: Mechanism, scale: float) -> None:
    drawn = noise(mechanism, scale, MORE)
    spread = scale if mechanism == "discrete_gaussian" else scale * 2**0.5
    assert abs(float(np.mean(drawn))) < 6.5 * spread / MORE**0.5
    neighbours = float(np.corrcoef(drawn[:-1], drawn[1:])[0, 1])
    assert abs(neighbours) < 6.5 / MORE**0.5


def _probabilities(mechanism: Mechanism, scale: float, most: int) -> NDArray[np.float64]:
    """Discrete law on −most … most by its definition, the tails added to the ends."""
    far = np.arange(-200, 201)
    weights = np.array([exp(-(x**2) / (2 * scale**2)) if "gauss" in mechanism else exp(-abs(x) / scale) for x in far])
    weights /= weights.sum()
    inner = weights[200 - most : 201 + most].copy()
    inner[0] += weights[: 200 - most].sum()
    inner[-1] += weights[201 + most :].sum()
    return inner


@pytest.mark.parametrize("mechanism", ["discrete_gaussian", "discrete_laplace"])
@pytest.mark.parametrize(("off", "fits"), [(1.0, True), (0.7, False), (1.3, False)])
def test_the_whole_law_is_the_discrete_one(mechanism: Mechanism, off: float, fits: bool) -> None:
    """Cell by cell at a small scale, where a rounded continuous law would differ."""
    most = 4
    drawn = np.clip(noise(mechanism, 1.5 * off), -most, most).astype(int)
    seen = np.bincount(drawn + most, minlength=2 * most + 1)
    p_value = float(chisquare(seen, _probabilities(mechanism, 1.5, most) * DRAWS).pvalue)
    assert (p_value > FALSE_ALARM) == fits


def test_the_tables_of_a_plan_have_their_scales() -> None:
    for kind in ("gaussian", "laplace"):
        plan = plan_of(small_survey(questions=3), small_policy(noise=kind))
        for table in plan.measured[:: max(len(plan.measured) // 6, 1)]:
            drawn = noise(table.mechanism, table.scale)
            assert has_scale(table.mechanism, drawn, table.scale), table.id
            assert not has_scale(table.mechanism, drawn, table.scale * 1.3), table.id

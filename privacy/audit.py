"""The statistics of empirical privacy audits: what runs on synthetic data can say against a claim.

An audit can refute a claim, never prove one. Gaussian noise is tested by total variation, the point ε′ = 0 of its
curve: at its nominal (ε, δ) 50 to 260 times more runs would be needed.

Source: Steinke, Nasr and Jagielski, "Privacy Auditing with One (1) Training Run", NeurIPS 2023, theorem 2.1 (one run);
Clopper and Pearson, Biometrika 26 (1934) (limits); Canonne, Kamath and Steinke, NeurIPS 2020 (the discrete laws).
Claim: docs/claims/audit.md.
"""

from dataclasses import dataclass
from math import exp, expm1, inf, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom, norm

from schemas.plan import Mechanism

Integers = NDArray[np.int64]
_EXACT_BELOW = 200.0
"""Scales below this have their discrete law summed; above, it equals the continuous one to nine digits in moments."""


def binomial_limits(hits: int, trials: int, alarm: float) -> tuple[float, float]:
    """One-sided Clopper–Pearson limits of a probability: (low, high), each wrong with probability `alarm` at most."""
    low = 0.0 if hits == 0 else float(beta.ppf(alarm, hits, trials - hits + 1))
    high = 1.0 if hits == trials else float(beta.isf(alarm, hits + 1, trials - hits))
    return low, high


def variation_at_least(hits_with: int, hits_without: int, runs: int, alarm: float) -> float:
    """Lower limit on the total variation between two neighbours, from an event seen so often in `runs` of each."""
    low, _ = binomial_limits(hits_with, runs, alarm / 2)
    _, high = binomial_limits(hits_without, runs, alarm / 2)
    return low - high


def epsilon_at_least(hits_with: int, hits_without: int, runs: int, alarm: float) -> float:
    """Lower limit on pure ε, from an event that is rarer on one side; −∞ where it was never seen there."""
    low, _ = binomial_limits(hits_with, runs, alarm / 2)
    _, high = binomial_limits(hits_without, runs, alarm / 2)
    return log(low / high) if low > 0 else -inf


def one_run_p_value(correct: int, guesses: int, chance: float) -> float:
    """How likely so many guesses about who was in are right, if each is with probability `chance` at most.

    Pure ε allows e^ε / (1 + e^ε), abstentions left out; total variation v allows (1 + v) / 2, none left out.
    """
    return float(binom.sf(correct - 1, guesses, chance)) if guesses else 1.0


def law(mechanism: Mechanism, scale: float) -> tuple[Integers, NDArray[np.float64]]:
    """Support and probabilities of the noise, by definition, out to where less than 1e-16 is left."""
    most = int(40 * scale) + 10 if mechanism == "discrete_laplace" else int(9 * scale) + 10
    support = np.arange(-most, most + 1)
    x = support.astype(np.float64)
    weights = np.exp(-np.abs(x) / scale) if mechanism == "discrete_laplace" else np.exp(-(x**2) / (2 * scale**2))
    return support, weights / weights.sum()


def shift_variation(mechanism: Mechanism, scale: float, shift: int) -> float:
    """Total variation between the noise and the noise moved by `shift`: the mass between −shift/2 and shift/2."""
    if scale >= _EXACT_BELOW:
        half = shift / 2
        if mechanism == "discrete_laplace":
            return -expm1(-half / scale)
        return float(norm.cdf(half / scale) - norm.cdf(-half / scale))
    support, mass = law(mechanism, scale)
    first = (shift - 1) // 2 - shift
    return float(mass[(support > first) & (support <= first + shift)].sum())


def variation_claimed(rho: float, pure_epsilon: float | None) -> float:
    """The most that the two outputs of a release may vary by its claimed loss.

    Gaussian noise of ρ in all: 2Φ(√(2ρ)/2) − 1 (the likelihood ratio is Gaussian; the discrete law exceeds that by less
    than its own mass at zero does, which `shift_variation` states). With a pure ε: tanh(ε/2), or √(ρ/2) by Pinsker's
    inequality, whichever is less.
    """
    if pure_epsilon is None:
        return float(2 * norm.cdf(sqrt(2 * rho) / 2) - 1)
    return float(min(np.tanh(pure_epsilon / 2), sqrt(rho / 2)))


def epsilon_chance(epsilon: float) -> float:
    """The most that a guess about one resident may be right under pure ε, at even odds."""
    return 1 / (1 + exp(-epsilon))


def _moments(mechanism: Mechanism, scale: float) -> tuple[float, float]:
    """Mean and variance of the shape statistic: x² for Gaussian noise, |x| for Laplace noise."""
    if mechanism == "discrete_laplace":
        q = exp(-1 / scale)
        mean = 2 * q / (1 - q * q)
        return mean, 2 * q / (1 - q) ** 2 - mean**2
    if scale >= _EXACT_BELOW:
        return scale**2, 2 * scale**4
    support, mass = law(mechanism, scale)
    squares = support.astype(np.float64) ** 2
    mean = float(squares @ mass)
    return mean, float(squares**2 @ mass) - mean**2


def scale_deviation(mechanism: Mechanism, scale: float, noise: Integers) -> float:
    """Standard deviations by which the noise's spread is off its claimed scale; negative where there is too little.

    The sum of the statistic is nearly gamma-distributed; its cube root is nearly normal (Wilson and Hilferty 1931).
    """
    x = noise.astype(np.float64).ravel()
    statistic = np.abs(x) if mechanism == "discrete_laplace" else x**2
    mean, variance = _moments(mechanism, scale)
    shape = len(x) * mean**2 / variance
    return float((np.cbrt(statistic.mean() / mean) - (1 - 1 / (9 * shape))) * 3 * sqrt(shape))


def centre_deviation(mechanism: Mechanism, scale: float, noise: Integers) -> float:
    """Standard deviations by which the noise's mean is off zero."""
    x = noise.astype(np.float64).ravel()
    spread = scale * sqrt(2) if mechanism == "discrete_laplace" else scale
    return float(x.mean() / (spread / sqrt(len(x))))


def correlation_deviation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Standard deviations by which the correlation of two draws that should be independent is off zero."""
    return float(np.corrcoef(one.ravel(), two.ravel())[0, 1] * sqrt(one.size))


def most_deviations(tests: int, alarm: float) -> float:
    """How many standard deviations the largest of `tests` may be off, either way, with false alarms this rare."""
    return float(norm.isf(alarm / (2 * tests)))


@dataclass(frozen=True)
class Likelihood:
    """Log-likelihood ratio of 'with' to 'without' for one table's noisy cells."""

    mechanism: Mechanism
    scale: float
    with_: Integers
    without: Integers

    def of(self, noisy: Integers) -> float:
        """Positive where the noisy cells look more like those with the resident."""
        near, far = (noisy - self.with_).astype(np.float64), (noisy - self.without).astype(np.float64)
        if self.mechanism == "discrete_laplace":
            return float((np.abs(far) - np.abs(near)).sum() / self.scale)
        return float((far**2 - near**2).sum() / (2 * self.scale**2))


def factor_seen(rho: float, claimed: float, runs: int, alarm: float, power: float = 0.9) -> float:
    """The smallest factor on the loss's root (a sensitivity too large, or noise too small) that is seen so often.

    By the normal approximation, for a release of `rho`; ∞ where not even 64 times would be.
    """
    for step in range(1, 600):
        factor = 1.005**step * 1.0
        variation = float(2 * norm.cdf(factor * sqrt(2 * rho) / 2) - 1)
        hit = (1 + variation) / 2
        spread = sqrt(2 * max(hit * (1 - hit), 0.25 / runs) / runs)
        if variation - (norm.isf(alarm / 2) * sqrt(2) + norm.isf(1 - power)) * spread >= claimed:
            return round(factor, 2)
        if factor > 64:
            break
    return inf

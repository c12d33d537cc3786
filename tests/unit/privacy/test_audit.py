"""The audits' statistics, against their definitions and against the sample sizes they are known to need."""

from math import exp, tanh

import numpy as np
import pytest
from scipy.stats import norm

from pipelines.audit.checks import ALARM
from privacy import audit
from privacy.mechanisms import draw
from schemas.plan import Mechanism

LAWS: list[tuple[Mechanism, float]] = [("discrete_gaussian", 0.8), ("discrete_gaussian", 4.231), ("discrete_laplace", 1.0), ("discrete_laplace", 7.5)]  # fmt: skip


def test_limits_hold_the_probability() -> None:
    """Clopper and Pearson's own example: 3 of 10."""
    low, high = audit.binomial_limits(3, 10, 0.025)
    assert (round(low, 4), round(high, 4)) == (0.0667, 0.6525)
    assert audit.binomial_limits(0, 10, 0.01)[0] == 0
    assert audit.binomial_limits(10, 10, 0.01)[1] == 1


@pytest.mark.parametrize(("mechanism", "scale"), LAWS)
@pytest.mark.parametrize("shift", [1, 2, 5])
def test_variation_of_a_shift_is_that_of_the_two_laws(mechanism: Mechanism, scale: float, shift: int) -> None:
    _, mass = audit.law(mechanism, scale)
    padded = np.concatenate([mass, np.zeros(shift)]) - np.concatenate([np.zeros(shift), mass])
    assert audit.shift_variation(mechanism, scale, shift) == pytest.approx(np.abs(padded).sum() / 2, abs=1e-12)


def test_variation_of_wide_noise_is_the_continuous_one() -> None:
    for mechanism in ("discrete_gaussian", "discrete_laplace"):
        assert audit.shift_variation(mechanism, 200.0, 20) == pytest.approx(
            audit.shift_variation(mechanism, 199.999, 20), rel=1e-3
        )


def test_claims_are_what_the_loss_allows() -> None:
    rho = 0.0279317
    assert audit.variation_claimed(rho, None) == pytest.approx(0.0943, abs=5e-4)
    assert audit.variation_claimed(rho, None) == pytest.approx(2 * norm.cdf((2 * rho) ** 0.5 / 2) - 1)
    assert audit.variation_claimed(0.5, 1.0) == pytest.approx(tanh(0.5))
    assert audit.variation_claimed(0.005, 0.8) == pytest.approx(0.05)
    assert audit.epsilon_chance(1.0) == pytest.approx(exp(1) / (1 + exp(1)))


def two_samples(factor: float, runs: int, rng: np.random.Generator) -> float:
    mu = factor * (2 * 0.0279317) ** 0.5
    with_, without = rng.normal(mu, 1, runs), rng.normal(0, 1, runs)
    hits = int((with_ > mu / 2).sum()), int((without > mu / 2).sum())
    return audit.variation_at_least(*hits, runs, ALARM)


def test_twice_the_sensitivity_is_seen_and_the_claim_raises_no_alarm() -> None:
    """With 6,300 runs a side and false alarms of 1e-8, 99 of 100 times; the sound build never in 300."""
    rng = np.random.default_rng(1)
    claimed = audit.variation_claimed(0.0279317, None)
    assert sum(two_samples(2, 6300, rng) > claimed for _ in range(100)) >= 96
    assert not any(two_samples(1, 6300, rng) > claimed for _ in range(300))
    assert 1.5 < audit.factor_seen(0.0279317, claimed, 6300, ALARM) <= 2.1
    assert audit.factor_seen(0.0279317, claimed, 20, ALARM) > 10


def test_canaries_of_half_the_noise_are_guessed() -> None:
    """Steinke, Nasr and Jagielski's test at ε = 1: 450 guesses see twice the loss 99 of 100 times."""
    rng = np.random.default_rng(2)
    chance = audit.epsilon_chance(1.0)
    right = {epsilon: rng.binomial(450, audit.epsilon_chance(epsilon), 400) for epsilon in (1.0, 2.0)}
    p_values = {e: [audit.one_run_p_value(int(r), 450, chance) for r in found] for e, found in right.items()}
    assert sum(p < ALARM for p in p_values[2.0]) >= 385
    assert not any(p < ALARM for p in p_values[1.0])
    assert audit.one_run_p_value(0, 0, chance) == 1


def test_pure_epsilon_is_bounded_from_below() -> None:
    found = audit.epsilon_at_least(10_000, 3400, 20_000, ALARM)
    assert 0.9 < found < np.log(5000 / 1700)
    assert audit.epsilon_at_least(0, 5, 10, ALARM) == -np.inf


@pytest.mark.statistical
@pytest.mark.parametrize(("mechanism", "scale"), [*LAWS, ("discrete_gaussian", 3e7), ("discrete_laplace", 3e7)])
def test_spread_and_centre_both_ways(mechanism: Mechanism, scale: float) -> None:
    """The right scale is within 6.5 sd (one in 10¹⁰), 15 % off either way is beyond."""
    noise = np.array(draw(mechanism, scale, [0] * 10_200))
    assert abs(audit.scale_deviation(mechanism, scale, noise)) < 6.5
    assert abs(audit.centre_deviation(mechanism, scale, noise)) < 6.5
    assert audit.scale_deviation(mechanism, scale * 1.15, noise) < -6.5
    assert audit.scale_deviation(mechanism, scale * 0.85, noise) > 6.5


def test_shared_noise_is_correlated() -> None:
    noise = np.random.default_rng(3).normal(size=(40, 25))
    assert abs(audit.correlation_deviation(noise[:-1], noise[1:])) < 5
    assert audit.correlation_deviation(noise, noise) > 30

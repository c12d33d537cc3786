"""Conversions between currencies of loss: zCDP ρ (the ledger's), ε at δ (people's), pure ε (Laplace's).

Claim: docs/claims/accountant.md.
"""

from collections.abc import Callable
from functools import cache
from math import exp, expm1, isfinite, log, log1p

EPSILON_MEANINGLESS = 1e5
"""Beyond this a converted ε says nothing to anybody, and the conversion loses its digits."""


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that rises from below 0 to above it crosses: halved until no number lies between."""
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return low


def _require_numbers(*losses: float) -> None:
    """Raises: ValueError: halving would find a root of what is no number, too."""
    if not all(isfinite(loss) for loss in losses):
        raise ValueError("a loss that is no number cannot be converted")


def _log_delta(rho: float, epsilon: float, alpha: float) -> float:
    return (alpha - 1) * (alpha * rho - epsilon) + alpha * log1p(-1 / alpha) - log(alpha - 1)


def _best_alpha(rho: float, epsilon: float) -> float:
    """The order at which `_log_delta` is smallest: where its derivative ρ(2α − 1) − ε + log(1 − 1/α) is 0; that rises.

    The logarithm is negative, so the root lies above (ε/ρ + 1)/2; and at x = (2ρ)^−½ more the rest, at least 2ρx = 1/x,
    outweighs −log(1 − 1/α) ≤ log(1 + 1/x).
    """
    above = max((epsilon / rho + 1) / 2, 1 + 1e-12)
    return _root(lambda alpha: rho * (2 * alpha - 1) - epsilon + log1p(-1 / alpha), above, above + (2 * rho) ** -0.5)


def delta_of(rho: float, epsilon: float) -> float:
    """Smallest δ that ρ-zCDP gives at ε by the tight conversion, at most 1.

    δ = inf over α > 1 of exp((α−1)(αρ−ε)) / (α−1) · (1 − 1/α)^α. Every α gives a bound, so none that is missed by a
    little can understate it.
    Source: Canonne, Kamath and Steinke 2020, proposition 7 and corollary 13.
    """
    if rho <= 0:
        return 0.0
    return exp(min(0.0, _log_delta(rho, epsilon, _best_alpha(rho, epsilon))))


@cache
def epsilon_of(rho: float, delta: float) -> float | None:
    """ε that ρ-zCDP gives at δ; None where it is beyond EPSILON_MEANINGLESS ("no meaningful ε").

    Raises: ValueError: a number is not finite.
    """
    _require_numbers(rho, delta)
    if rho <= 0:
        return 0.0
    if delta_of(rho, EPSILON_MEANINGLESS) > delta:
        return None
    if delta_of(rho, 0.0) <= delta:
        return 0.0
    upper = rho + 2 * (rho * log(1 / delta)) ** 0.5 + 1e-9
    return _root(lambda epsilon: -_excess(rho, epsilon, delta), 0.0, upper * 1.01 + 1e-6) * (1 + 1e-9)


@cache
def rho_of(epsilon: float, delta: float) -> float:
    """Largest ρ whose conversion at δ is at most ε: what a cap or a spend in ε is worth in the ledger's currency.

    Rounded down by a relative 4e-9, so that converting back never shows more than the policy said.

    Raises: ValueError: a number is not finite.
    """
    _require_numbers(epsilon, delta)
    return _root(lambda rho: _excess(rho, epsilon, delta), 0.0, epsilon + 1.0) * (1 - 4e-9)


def _excess(rho: float, epsilon: float, delta: float) -> float:
    return log(max(delta_of(rho, epsilon), 1e-300)) - log(delta) if rho > 0 else -1e3


def posterior_odds(prior: float, epsilon: float) -> float:
    """Where pure ε can move a belief of `prior`, for the plain-words label: e^ε·p / (1 + (e^ε − 1)·p)."""
    return exp(epsilon) * prior / (1 + expm1(epsilon) * prior)

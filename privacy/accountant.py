"""Conversions between currencies of loss: zCDP ρ (the ledger's), ε at δ (people's), pure ε (Laplace's).

Claim: docs/claims/accountant.md.
"""

from math import exp, expm1, log, log1p

EPSILON_MEANINGLESS = 1e5
"""Beyond this a converted ε says nothing to anybody, and the conversion loses its digits."""


def _log_delta(rho: float, epsilon: float, alpha: float) -> float:
    return (alpha - 1) * (alpha * rho - epsilon) + alpha * log1p(-1 / alpha) - log(alpha - 1)


def delta_of(rho: float, epsilon: float) -> float:
    """Smallest δ that ρ-zCDP gives at ε by the tight conversion, at most 1.

    δ = inf over α > 1 of exp((α−1)(αρ−ε)) / (α−1) · (1 − 1/α)^α.
    Source: Canonne, Kamath and Steinke 2020, proposition 7 and corollary 13.
    """
    if rho <= 0:
        return 0.0
    from scipy.optimize import minimize_scalar  # most commands convert nothing, and importing it takes a second

    middle = max((epsilon + rho) / (2 * rho), 1 + 1e-9)
    found = minimize_scalar(
        lambda log_alpha_less_1: _log_delta(rho, epsilon, 1 + exp(log_alpha_less_1)),
        bounds=(log(middle) - 12 if middle < 2 else log(1e-6), log(middle) + 6),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return min(1.0, exp(min(0.0, float(found.fun))))


def epsilon_of(rho: float, delta: float) -> float | None:
    """ε that ρ-zCDP gives at δ; None where it is beyond EPSILON_MEANINGLESS ("no meaningful ε")."""
    if rho <= 0:
        return 0.0
    if delta_of(rho, EPSILON_MEANINGLESS) > delta:
        return None
    if delta_of(rho, 0.0) <= delta:
        return 0.0
    from scipy.optimize import root_scalar

    upper = rho + 2 * (rho * log(1 / delta)) ** 0.5 + 1e-9
    solved = root_scalar(lambda e: _excess(rho, e, delta), bracket=(0.0, upper * 1.01 + 1e-6), xtol=1e-12)
    return float(solved.root) * (1 + 1e-9)


def rho_of(epsilon: float, delta: float) -> float:
    """Largest ρ whose conversion at δ is at most ε: what a cap or a spend in ε is worth in the ledger's currency.

    Rounded down by a relative 4e-9, so that converting back never shows more than the policy said.
    """
    from scipy.optimize import root_scalar

    solved = root_scalar(lambda r: _excess(r, epsilon, delta), bracket=(0.0, epsilon + 1.0), xtol=1e-15, rtol=1e-13)
    return float(solved.root) * (1 - 4e-9)


def _excess(rho: float, epsilon: float, delta: float) -> float:
    return log(max(delta_of(rho, epsilon), 1e-300)) - log(delta) if rho > 0 else -1e3


def posterior_odds(prior: float, epsilon: float) -> float:
    """Where pure ε can move a belief of `prior`, for the plain-words label: e^ε·p / (1 + (e^ε − 1)·p)."""
    return exp(epsilon) * prior / (1 + expm1(epsilon) * prior)

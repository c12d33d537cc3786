"""The inverse of a plan: which ε do wished-for margins need? From public numbers only; nothing is spent.

Claim: docs/claims/plan.md.
"""

from collections.abc import Mapping
from math import sqrt
from typing import Literal

from privacy.plan import make_plan
from schemas.errors import DeclarationFault
from schemas.plan import MarginForecast, Plan, PublishedTable
from schemas.policy import Cap, Caps, Policy, Spend
from schemas.survey import Survey

LEAST, MOST = 0.01, 50.0
"""The range of ε that is searched; beyond it a promise of privacy says nothing."""
End = Literal["middle", "high"]
_UNREAD = "0" * 64
"""Plans made here are looked at, never charged: they name no file."""
_FREE = 1e6


def _searched() -> tuple[float, ...]:
    """Every ε of three significant digits in the range, as a person would write it into a policy."""
    exact = [(digits, power) for power in range(-4, 0) for digits in range(100, 1000)]
    found = [float(f"{digits}e{power}") for digits, power in exact]
    return tuple(epsilon for epsilon in found if LEAST <= epsilon <= MOST)


SEARCHED = _searched()


def margin_at(forecast: MarginForecast, end: End) -> float:
    """The 95 % margin in points at the middle or at the high, cautious end of a forecast."""
    return forecast.high_points if end == "high" else sqrt(forecast.sampling_points**2 + forecast.noise_points**2)


def spending(policy: Policy, epsilon: float) -> Policy:
    """The same policy with another spend."""
    return policy.model_copy(update={"spend": Spend(epsilon=epsilon, noise=policy.spend.noise)})


def looked_at(survey: Survey, policy: Policy) -> Plan:
    """A plan that is tried out. Raises: DeclarationFault."""
    return make_plan(survey, policy, survey_digest=_UNREAD, policy_digest=_UNREAD)


def _freed(policy: Policy) -> Policy:
    """Without caps that bind. Where one is on pure ε it still asks for Laplace noise."""
    caps = (policy.caps.release, policy.caps.wave, policy.caps.year, policy.caps.lifetime)
    pure = _FREE if any(cap.pure_epsilon is not None for cap in caps) else None
    free = Cap(rho=_FREE, pure_epsilon=pure)
    return policy.model_copy(update={"caps": Caps(release=free, wave=free, year=free, lifetime=free)})


def named(plan: Plan, target: str) -> tuple[PublishedTable, ...]:
    """The published tables that a target names: one by its attributes in any order, or all of a kind."""
    axes = set(target.split("*"))
    return tuple(table for table in plan.published if table.kind == target or set(table.attributes) == axes)


def holds(plan: Plan, targets: Mapping[str, float], end: End = "high") -> bool:
    """Whether every table that is named is expected within its target, and knows more than its margins.

    A narrow margin that rests on the belief that groups hardly differ is no precision that was bought.

    Raises: DeclarationFault: a target names neither a table of the plan nor a kind of them.
    """
    for target, points in targets.items():
        tables = named(plan, target)
        if not tables:
            raise DeclarationFault(
                "name_unknown",
                f"{target!r} is neither a table of this plan nor a kind of table",
                where="targets",
                do="Name one as hearsafe plan --explain lists it",
            )
        if not all(table.informative and margin_at(table.forecast, end) <= points for table in tables):
            return False
    return True


def epsilon_for(survey: Survey, policy: Policy, targets: Mapping[str, float], *, end: End = "high") -> float | None:
    """The smallest ε, to three digits, at which a plan is expected to hold all targets; None if MOST is too little.

    Found by bisection over plans: at the ε returned the targets hold and at the one before they do not. Stricter or
    more targets never need less. The policy's caps do not count, its δ and kind of noise do.

    Args:
        targets: margin in points wished for, by table id or kind of table.

    Raises: DeclarationFault: a target names nothing, or the plan cannot be made.
    """
    freed = _freed(policy)

    def hold(position: int) -> bool:
        return holds(looked_at(survey, spending(freed, SEARCHED[position])), targets, end)

    low, high = -1, len(SEARCHED) - 1
    if not hold(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if hold(middle) else (middle, high)
    return SEARCHED[high]

"""What making a crosstab a priority buys and what the other tables pay, and the loss that a wanted margin needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from pipelines.tuning.forecasts import TableForecast, moved, table_forecasts
from pipelines.tuning.knobs import Knobs, knobs_of, turned
from privacy.plan import make_plan
from schemas.attributes import Attribute
from schemas.errors import DeclarationFault, Fault
from schemas.plan import Plan
from schemas.policy import Cap, Caps, Policy
from schemas.survey import Survey

_NO_DIGEST = "0" * 64
"""Plans made here are looked at, never charged: they name no file."""

LEAST_LOSS, MOST_LOSS = 0.01, 50.0
"""Range that the inverse looks for ε in."""
_STEPS = 14


def trial_plan(survey: Survey, policy: Policy) -> Plan:
    """The plan of a policy that is only tried out. Raises: DeclarationFault."""
    return make_plan(survey, policy, survey_digest=_NO_DIGEST, policy_digest=_NO_DIGEST)


@dataclass(frozen=True)
class PriorityCost:
    """A crosstab made a priority. Margins in points, the middle of the forecast's range.

    `others_pct`: by how many per cent the margins of the other measured tables widen, in the middle of them.
    """

    label: str
    before_points: float
    after_points: float
    verdict: str
    others_pct: float
    widest_label: str
    widest_points: float
    lost: tuple[str, ...]


def _middle(row: TableForecast) -> float:
    return (row.low + row.high) / 2


def priority_cost(
    survey: Survey, policy: Policy, attributes: Sequence[Attribute], table: tuple[str, ...]
) -> PriorityCost:
    """What one more priority changes. Raises: DeclarationFault: it cannot be one."""
    knobs = knobs_of(policy)
    with_it = turned(policy, replace(knobs, priority=(*knobs.priority, table)))
    before = table_forecasts(trial_plan(survey, policy), policy, attributes)
    after = table_forecasts(trial_plan(survey, with_it), with_it, attributes)
    own, name = {row.id: row for row in after}, "*".join(table)
    old = {row.id: row for row in before}
    mine = own.get(name) or next(row for row in after if set(row.id.split("*")) == set(table))
    earlier = old.get(mine.id)
    pairs = [(old[row.id], row) for row in after if row.id in old and row.id != mine.id and row.measured]
    rises = [(_middle(row) - _middle(was), row.label) for was, row in pairs]
    widest = max(rises, default=(0.0, ""))
    shares = [_middle(row) / _middle(was) for was, row in pairs if _middle(was) > 0]
    good = ("publishable", "perhaps")
    lost = tuple(m.label for m in moved(before, after) if m.before in good and m.after not in good)
    return PriorityCost(
        label=mine.label,
        before_points=100.0 if earlier is None else _middle(earlier),
        after_points=_middle(mine),
        verdict=mine.verdict,
        others_pct=100 * (median(shares) - 1) if shares else 0.0,
        widest_label=widest[1],
        widest_points=max(widest[0], 0.0),
        lost=lost,
    )


@dataclass(frozen=True)
class Needed:
    """The smallest ε found at which a table's margin is expected within a target. None: not below MOST_LOSS."""

    epsilon: float | None
    allowed: bool
    """Whether the caps of the policy allow it in one release."""


def _freed(policy: Policy) -> Policy:
    """The policy without caps that bind: to learn what a wish would need, not to spend it."""
    free = Cap(epsilon=2 * MOST_LOSS)
    return policy.model_copy(update={"caps": Caps(release=free, wave=free, year=free, lifetime=free)})


def epsilon_for(survey: Survey, policy: Policy, table: str, points: float) -> Needed:
    """The loss that a table needs for a margin of `points`, by bisection over plans: public numbers only.

    The cautious end of the forecast must keep the target. Raises: DeclarationFault: the plan cannot be made.
    """
    freed, knobs = _freed(policy), knobs_of(policy)
    noise = "auto" if knobs.currency == "rho" else knobs.noise

    def keeps(epsilon: float) -> bool:
        tried = turned(freed, replace(knobs, currency="epsilon", spend=epsilon, noise=noise))
        forecast = next((t for t in trial_plan(survey, tried).published if t.id == table), None)
        if forecast is None:
            raise DeclarationFault("name_unknown", f"{table!r} is not a table of this plan", where="policy.yaml")
        return forecast.forecast.high_points <= points and forecast.informative

    low, high = LEAST_LOSS, MOST_LOSS
    if not keeps(high):
        return Needed(None, allowed=False)
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if keeps(middle) else (middle, high)
    return Needed(high, allowed=_is_allowed(survey, policy, high, noise))


def _is_allowed(survey: Survey, policy: Policy, epsilon: float, noise: str) -> bool:
    knobs: Knobs = replace(knobs_of(policy), currency="epsilon", spend=epsilon, noise=noise)
    try:
        trial_plan(survey, turned(policy, knobs))
    except Fault:
        return False
    return True

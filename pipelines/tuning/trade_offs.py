"""What making a crosstab a priority buys and what the other tables pay, and the loss that a wanted margin needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from pipelines.tuning.forecasts import TableForecast, moved, table_forecasts
from pipelines.tuning.knobs import knobs_of, turned
from privacy import inverse
from privacy.plan import make_plan
from schemas.attributes import Attribute
from schemas.errors import Fault
from schemas.plan import Plan
from schemas.policy import Policy
from schemas.survey import Survey

_NO_DIGEST = "0" * 64
"""Plans made here are looked at, never charged: they name no file."""


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
    """The smallest ε found at which a table's margin is expected within a target; None where none is."""

    epsilon: float | None
    allowed: bool
    """Whether the caps of the policy allow it in one release."""


def epsilon_for(survey: Survey, policy: Policy, table: str, points: float) -> Needed:
    """The loss that a table needs for a margin of `points`, at the cautious end of its forecast.

    Raises: DeclarationFault: the plan cannot be made, or has no such table.
    """
    epsilon = inverse.epsilon_for(survey, policy, {table: points})
    return Needed(epsilon, allowed=epsilon is not None and _is_allowed(survey, policy, epsilon))


def _is_allowed(survey: Survey, policy: Policy, epsilon: float) -> bool:
    try:
        trial_plan(survey, inverse.spending(policy, epsilon))
    except Fault:
        return False
    return True

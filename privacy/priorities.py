"""What naming a crosstab as priority would buy: which unknown ones could then be known, and what the others pay.

Making a plan for every unknown crosstab takes minutes, so they are ranked by what a priority's share of the loss would
learn of each, and plans are made for the best one of each demographic.
"""

from dataclasses import dataclass
from statistics import median

from privacy.inverse import looked_at, margin_at
from privacy.prior import Belief, group_shares, net_prior_variance, prior_variance, public_belief
from privacy.sensitivity import table_sensitivity, table_unit
from privacy.workload import FLOOR_NAMED
from schemas.attributes import Attribute, attributes_of
from schemas.nets import NET, net_attributes
from schemas.plan import NANO, MarginForecast, Plan, PublishedTable
from schemas.policy import Policy
from schemas.survey import Survey

MOST_TRIED = 5


@dataclass(frozen=True)
class Priority:
    """A crosstab that says nothing beyond its margins now, and would if it were named.

    `alike`: unknown crosstabs of the same demographic that promise as much, itself included. `toplines_pct`,
    `toplines_points`: change of the toplines' margins (middle of the forecast), in the middle of them.
    """

    table: PublishedTable
    after: MarginForecast
    alike: int
    toplines_pct: float
    toplines_points: float


def _promise(axes: tuple[Attribute, ...], net: Attribute | None, belief: Belief, plan: Plan) -> float:
    """Part of the prior variance of a crosstab's group effects (else of its interaction) that its share would teach."""
    measured = axes if net is None else (axes[0], net)
    bound = table_sensitivity(measured, shared_keys=plan.shared_keys)
    share = FLOOR_NAMED / len(plan.measured)
    if plan.charge_nano_pure_epsilon is None:
        precision = 2 * share * plan.charge_nano_rho / NANO / (bound.l2_squared / table_unit(measured) ** 2)
    else:
        loss = share * plan.charge_nano_pure_epsilon / NANO
        precision = loss**2 / (2 * (bound.l1 / table_unit(measured)) ** 2)
    if net is None:
        multis = tuple(axis for axis in axes if axis.kind == "multi")
        before = prior_variance(tuple(a.id for a in axes), multis, {a.id: a for a in axes}, belief)
    else:
        before = net_prior_variance(axes[0], axes[1], net, belief)
    return precision * before / (1 + precision * before)


@dataclass(frozen=True)
class _Candidate:
    table: PublishedTable
    promise: float
    base: float


def _candidates(survey: Survey, plan: Plan) -> list[_Candidate]:
    """Crosstabs that say nothing beyond their margins, those first that would learn most; wide bases before narrow."""
    attributes = attributes_of(survey)
    belief = public_belief(survey, attributes, plan.interaction)
    by_id = {attribute.id: attribute for attribute in (*attributes, *net_attributes(survey, attributes))}
    found: list[_Candidate] = []
    for table in plan.published:
        axes = tuple(by_id[name] for name in table.attributes)
        if table.informative or table.priority or len(axes) != 2 or not axes[0].is_group or axes[1].is_group:
            continue
        promise = _promise(axes, by_id.get(f"{axes[1].id}{NET}"), belief, plan)
        found.append(_Candidate(table, promise, min(group_shares(axes[0], belief))))
    return sorted(found, key=lambda candidate: (-round(candidate.promise, 6), -candidate.base))


def _named(policy: Policy, table: PublishedTable) -> Policy:
    crosstabs = policy.workload.crosstabs
    more = crosstabs.model_copy(update={"priority": (*crosstabs.priority, table.attributes)})
    return policy.model_copy(update={"workload": policy.workload.model_copy(update={"crosstabs": more})})


def worthwhile_priorities(survey: Survey, policy: Policy, plan: Plan) -> tuple[Priority, ...]:
    """Unknown crosstabs that would be known if named, at most one a demographic, after making a plan for each tried.

    Raises: DeclarationFault: the policy's plan cannot be made.
    """
    candidates = _candidates(survey, plan)
    best: dict[str, _Candidate] = {}
    for candidate in candidates:
        best.setdefault(candidate.table.attributes[0], candidate)
    before = {t.id: margin_at(t.forecast, "middle") for t in plan.published if t.kind == "topline"}
    found: list[Priority] = []
    for candidate in list(best.values())[:MOST_TRIED]:
        tried = {table.id: table for table in looked_at(survey, _named(policy, candidate.table)).published}
        after = tried[candidate.table.id]
        if not after.informative:
            continue
        group = candidate.table.attributes[0]
        changes = [(margin_at(tried[name].forecast, "middle"), was) for name, was in before.items()]
        found.append(
            Priority(
                table=candidate.table,
                after=after.forecast,
                alike=sum(
                    other.table.attributes[0] == group and round(other.promise - candidate.promise, 6) == 0
                    for other in candidates
                ),
                toplines_pct=100 * (median(now / was for now, was in changes) - 1) if changes else 0.0,
                toplines_points=median(now - was for now, was in changes) if changes else 0.0,
            )
        )
    return tuple(found)

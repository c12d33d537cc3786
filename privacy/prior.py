"""The public belief that plan and forecast share: how many answer, how they spread, how much groups may differ.

Nothing here has seen data. A prior variance is that of one orthonormal contrast of a residual component, in
respondents²; it is infinite where nothing is believed beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, prod, sqrt

from privacy.residual import Component
from schemas.attributes import Attribute, CellRole
from schemas.survey import Demographic, Survey

SCORE_VARIANCE = 1 / 12
"""Variance of a respondent's score, in squares of its range: a score spread evenly over the range."""
_LEAST_SPREAD = 0.01


BELIEF_SIZE = 600.0
"""Responses of a survey of the size that `prior.interaction` speaks of."""


def expected_interaction(interaction: float, responses: float) -> float:
    """Energy of interactions in units of pure sampling that a belief means for a survey of this size.

    Sampling grows with the number of respondents, differences of opinion with its square: what groups differ by in
    points stays the same. So the part of the energy beyond sampling is proportional to the responses. A belief below 1
    has no such part.
    """
    return 1 + (interaction - 1) * responses / BELIEF_SIZE if interaction > 1 else interaction


def interaction_at_belief_size(energy: float, responses: float) -> float:
    """The `prior.interaction` that means this energy for a survey of this size: `expected_interaction` undone."""
    return 1 + (energy - 1) * BELIEF_SIZE / max(responses, 1.0) if energy > 1 else energy


@dataclass(frozen=True)
class Belief:
    """Public assumptions of a plan.

    `responses`: declared expected responses. `interaction`: energy of interactions in units of pure sampling.
    `shares`: attribute id → expected share of each cell, for attributes that put a respondent into one cell.
    """

    responses: float
    interaction: float
    shares: Mapping[str, tuple[float, ...]]


def _even(attribute: Attribute, roles: tuple[CellRole, ...]) -> tuple[float, ...]:
    likely = set(attribute.roles(*roles)) or set(range(attribute.size))
    return tuple(1 / len(likely) if i in likely else 0.0 for i in range(attribute.size))


def _declared(attribute: Attribute, shares: Mapping[str, float]) -> tuple[float, ...]:
    whole = sum(shares.values())
    return tuple(
        shares.get(cell.code, shares.get(cell.code.removeprefix("_"), 0.0)) / whole for cell in attribute.cells
    )


def public_belief(survey: Survey, attributes: tuple[Attribute, ...], interaction: float) -> Belief:
    """Belief from the declaration: `expected_shares`, else `targets`, else even shares of the declared options."""
    demographics: dict[str, Demographic] = {d.id: d for d in survey.demographics}
    shares: dict[str, tuple[float, ...]] = {}
    for attribute in attributes:
        demographic = demographics.get(attribute.id)
        known = None if demographic is None else demographic.expected_shares or demographic.targets
        if known:
            shares[attribute.id] = _declared(attribute, known)
        elif attribute.kind == "single":
            shares[attribute.id] = _even(attribute, (CellRole.SUBSTANTIVE, CellRole.NO_OPINION))
    return Belief(float(survey.expected.responses), interaction, shares)


def group_shares(attribute: Attribute, belief: Belief) -> tuple[float, ...]:
    """Expected shares of an attribute's groups that are not empty, smallest first."""
    if attribute.id not in belief.shares:
        return tuple(sorted(s for s in _even(attribute, (CellRole.SUBSTANTIVE,)) if s > 0))
    groups = attribute.roles(CellRole.SUBSTANTIVE) or range(attribute.size)
    return tuple(sorted(s for s in (belief.shares[attribute.id][i] for i in groups) if s > 0)) or (1.0,)


def _spread(attribute: Attribute, belief: Belief) -> float:
    """Expected squared distance of a respondent's cells from everybody's mean: 1 − Σp² for a single choice."""
    if attribute.kind == "score":
        return 2 * SCORE_VARIANCE
    if attribute.kind == "multi":
        ticks = (1 + attribute.at_most) / 2
        return ticks * (1 - ticks / (len(attribute.roles(CellRole.SUBSTANTIVE)) + 1))
    return max(1 - sum(share**2 for share in belief.shares[attribute.id]), _LEAST_SPREAD)


def _ticks_squared(attribute: Attribute) -> float:
    """Mean squared number of ticks, when 1 … at_most ticks are equally likely."""
    return (attribute.at_most + 1) * (2 * attribute.at_most + 1) / 6


def prior_variance(
    component: Component, universe: tuple[Attribute, ...], attributes: Mapping[str, Attribute], belief: Belief
) -> float:
    """Prior variance of a component; `universe` holds the multis of its universe, none for respondents' tables.

    Pure sampling from independent attributes gives an interaction the energy n · ∏ (1 − Σp²); the belief multiplies
    it, and it is spread evenly over the ∏ (n_i − 1) contrasts. In a multi's universe a component without the multi
    counts with its squared ticks, for there a group effect is an interaction of group and ticking.

    Nothing is believed about totals, main effects and the joint shares of demographics.
    """
    axes = tuple(attributes[i] for i in component)
    outside = tuple(multi for multi in universe if multi.id not in component)
    main_effect = len(axes) <= 1 and (not universe or all(axis.kind == "multi" for axis in axes))
    if main_effect or (not universe and all(axis.is_group for axis in axes)):
        return inf
    energy = prod(_spread(axis, belief) for axis in axes) * prod(_ticks_squared(multi) for multi in outside)
    return belief.interaction * belief.responses * energy / prod(axis.size - 1 for axis in axes)


def net_spread(head: Attribute, net: Attribute, belief: Belief) -> float:
    """Expected variance of one respondent's net score, −1 … +1."""
    if head.kind == "score":
        return 4 * SCORE_VARIANCE
    weights = [weight * head.unit / net.unit for weight in net.weights]
    shares = belief.shares[head.id]
    mean = sum(share * weight for share, weight in zip(shares, weights, strict=True))
    return sum(share * weight**2 for share, weight in zip(shares, weights, strict=True)) - mean**2


def net_prior_variance(group: Attribute, head: Attribute, net: Attribute, belief: Belief) -> float:
    """Prior variance of a group's effect on a net score, in respondents²: √interaction times that of pure sampling (as
    `privacy.group_prior` centres it), averaged over the groups.
    """
    shares = belief.shares[group.id] if group.id in belief.shares else group_shares(group, belief)
    typical = sum(share * (1 - share) for share in shares) / len(group_shares(group, belief))
    return sqrt(max(belief.interaction, 1.0)) * belief.responses * net_spread(head, net, belief) * typical

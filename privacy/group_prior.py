"""What is believed beforehand about how groups differ on all questions together: the shape of group effects.

A group effect is a net score's count in a group less what independence expects. Effects of different questions share a
part common to all, a part common to the items of an index, and a part of their own; over groups they are shaped partly
like pure sampling (variance ∝ π_g) and partly like differences of opinion (variance ∝ π_g²), for groups of shares π.
Their size is a multiple of pure sampling. Mixtures of these are weighed by the data (`privacy.group_effects`); the
lists below are their grid, and the public `interaction` centres the size.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean

import numpy as np

from privacy.components import Floats
from privacy.prior import interaction_at_belief_size
from schemas.plan import Plan
from schemas.survey import Survey

Shares = tuple[float, float, float]
STRUCTURES: tuple[Shares, ...] = (
    (0.0, 0.0, 1.0),
    (0.0, 0.5, 0.5),
    (0.3, 0.0, 0.7),
    (0.15, 0.25, 0.6),
    (0.3, 0.3, 0.4),
    (0.6, 0.2, 0.2),
)
"""Variance shares of an effect: common to all questions, to the items of an index, its own."""
MIXES = (0.0, 0.5, 1.0)
"""Share of an effect's variance that is shaped like differences of opinion; the rest is shaped like sampling."""
SIZES: tuple[float, ...] = tuple(float(size) for size in np.geomspace(0.7, 180.0, 13))
"""Variance of effects in units of pure sampling: never much below it, for the effects wanted are those of the people
who answered, who are a sample.
"""
_LOG_SIZE_SD = 0.7
_OWN_OF_INDEX = 0.02
"""An index's effect beside the mean of its items' (it averages the items that each respondent answered)."""


@dataclass(frozen=True)
class GroupPrior:
    """`interaction`: the belief about the energy of interactions, for the responses expected. `blocks`: index id → its
    items.
    """

    interaction: float
    blocks: Mapping[str, tuple[str, ...]]


def group_prior(survey: Survey, plan: Plan) -> GroupPrior:
    """What the plan believes beforehand."""
    return GroupPrior(plan.interaction, {index.id: index.items for index in survey.indices})


def learned_interaction(sizes: Sequence[float], responses: float) -> float | None:
    """The `prior.interaction` that a release speaks for: of what it learned on each demographic, the middle; None where
    it measured no group.

    It undoes the centring of `log_prior_of_size` and the growth of `expected_interaction`; a release that learned
    nothing gives back the belief it was made with.
    """
    if not sizes:
        return None
    return interaction_at_belief_size(max(exp(2 * fmean(log(size) for size in sizes)), 1.0), responses)


def log_prior_of_size(size: float, interaction: float) -> float:
    """Up to a constant. Centred at √interaction: a net score is the direction of a table in which samples differ least
    from their population, and of the belief's energy a part lies in others.
    """
    return -0.5 * ((log(size) - log(max(interaction, 1.0)) / 2) / _LOG_SIZE_SD) ** 2


def head_covariance(
    shares: Shares, items: Sequence[str], indices: Sequence[str], spread: Floats, blocks: Mapping[str, tuple[str, ...]]
) -> Floats:
    """Covariance between the effects of heads, items first, then indices, for one respondent's variance `spread`.

    An index's effect is the mean of its items' effects, and a little of its own.
    """
    whole, block, own = shares
    root = np.sqrt(spread[: len(items)])
    position = {name: i for i, name in enumerate(items)}
    covariance = whole * np.outer(root, root) + np.diag(own * root**2)
    means = np.zeros((len(indices), len(items)))
    for row, index in enumerate(indices):
        inside = [position[name] for name in blocks[index] if name in position]
        if inside:
            covariance[np.ix_(inside, inside)] += block * np.outer(root[inside], root[inside])
            means[row, inside] = 1 / len(inside)
    both = np.vstack([np.eye(len(items)), means])
    lone = np.array([spread[len(items) + i] if not means[i].any() else 0.0 for i in range(len(indices))])
    extra = np.concatenate([np.zeros(len(items)), np.maximum(lone, _OWN_OF_INDEX * spread[len(items) :])])
    return both @ covariance @ both.T + np.diag(extra)


def group_covariance(mix: float, shares: Floats, people: float) -> Floats:
    """Covariance of one head's effects over groups with these shares, of unit variance a respondent; rows sum to 0.

    Sampling: n (diag π − ππᵀ). Opinion: Q diag(π²) Qᵀ with Q = I − π1ᵀ, brought to the same trace.
    """
    sampling = people * (np.diag(shares) - np.outer(shares, shares))
    centring = np.eye(len(shares)) - np.outer(shares, np.ones(len(shares)))
    opinion = centring @ np.diag(shares**2) @ centring.T
    scale = np.trace(sampling) / max(float(np.trace(opinion)), 1e-300)
    return (1 - mix) * sampling + mix * scale * opinion

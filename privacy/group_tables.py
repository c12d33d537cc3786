"""From net scores to tables: which cells move when a group is more favourable, and by how much they may.

A crosstab with a known effect is the product of its margins plus effect × tilt: the least change, in the metric of
sampling, that gives the group that net score. Margins stay, whatever the effect.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from privacy.components import Floats
from privacy.group_effects import Effects, Groups, Heads, NetObservation, group_effects
from privacy.group_prior import GroupPrior
from privacy.measure import Measurements
from privacy.project import onto_capped_sum
from schemas.attributes import Attribute, CellRole
from schemas.plan import Plan

_NO_SPREAD = 1e-9
_RANGE_THIRD = 3.0
"""A score spread evenly over −1 … +1 has variance 1/3; one with mean m has at most 1 − m², and a third is taken."""


def net_weights(attribute: Attribute, net: Attribute) -> Floats:
    """Net score of one respondent in each cell of an attribute, −1 … +1."""
    return np.array(net.weights) * attribute.unit / net.unit


def tilt(counts: Floats, attribute: Attribute, weights: Floats) -> Floats:
    """Change of each cell per respondent of net score: Σ = 0, and its net score is 1. 0 where no answer can change."""
    answers = np.zeros(len(counts), dtype=bool)
    answers[list(attribute.roles(CellRole.SUBSTANTIVE))] = True
    base = float(counts[answers].sum())
    if base <= 0:
        return np.zeros(len(counts))
    mean = float(counts[answers] @ weights[answers]) / base
    moved = np.where(answers, counts * (weights - mean), 0.0)
    spread = float(moved @ weights)
    return moved / spread if spread > _NO_SPREAD * base else np.zeros(len(counts))


def feasible_effect(effect: Floats, tilted: Floats, counts: Floats, groups: Floats) -> Floats:
    """The nearest effect over the groups that sums to 0 and leaves no cell of the table negative."""
    total = float(counts.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(counts > 0, tilted * total / np.where(counts > 0, counts, 1.0), 0.0)
    up, down = float(np.max(-ratio, initial=0.0)), float(np.max(ratio, initial=0.0))
    if up <= 0 or down <= 0:
        return np.zeros(len(effect))
    low, high = -groups / down, groups / up
    inside = onto_capped_sum((effect - low)[None], np.array([-low.sum()]), (high - low)[None])[0]
    return inside + low


@dataclass(frozen=True)
class NetSources:
    """Heads with a net score, and what the measurement says of each by demographic."""

    heads: Heads
    observed: Mapping[str, Mapping[str, NetObservation]]
    """By group attribute, then head."""


def _combined(one: NetObservation | None, other: NetObservation) -> NetObservation:
    """Two independent observations, weighted by precision."""
    if one is None:
        return other
    weights = np.array([1 / one.variance, 1 / other.variance])
    counts = (weights[0] * one.counts + weights[1] * other.counts) / weights.sum()
    return NetObservation(counts, 1 / float(weights.sum()))


def _observations(
    plan: Plan, attributes: Mapping[str, Attribute], measurements: Measurements, nets: Mapping[str, Attribute]
) -> dict[str, dict[str, NetObservation]]:
    """By demographic and head: from net tables, and from people's tables of two and three axes as sums of cells.

    Those of one three-way table share their noise; each demographic takes its own.
    """
    found: dict[str, dict[str, NetObservation]] = {}
    for table in plan.measured:
        axes = [attributes[name] for name in table.attributes]
        noisy = measurements.tables[table.id] / table.unit
        for place, group in enumerate(axes[:-1]):
            if not group.is_group:
                continue
            for other, head, weights in _nets_of(axes, nets):
                columns = np.moveaxis(noisy, (place, other), (0, 1)).reshape(group.size, len(weights), -1)
                variance = table.noise_sd**2 * columns.shape[2] * float(weights @ weights)
                seen = NetObservation(columns.sum(axis=2) @ weights, variance)
                by_head = found.setdefault(group.id, {})
                by_head[head] = _combined(by_head.get(head), seen)
    return found


def _nets_of(axes: Sequence[Attribute], nets: Mapping[str, Attribute]) -> Iterator[tuple[int, str, Floats]]:
    """Axes of a table that say something of a net score, whose it is, and what each of their cells counts in it. Not
    beside multis, whose cells are no people.
    """
    if any(axis.kind == "multi" for axis in axes):
        return
    for place, axis in enumerate(axes):
        if axis.kind == "net" and axis.of is not None:
            yield place, axis.of, np.ones(1)
        elif axis.id in nets:
            yield place, axis.id, net_weights(axis, nets[axis.id])


def _spread(attribute: Attribute, counts: Floats, weights: Floats) -> tuple[float, float]:
    """Everybody's net score, and the variance of one respondent's."""
    people = float(counts.sum())
    net = float(counts @ weights)
    mean = net / people
    if attribute.kind == "score":
        return net, max(1 - mean**2, 0.0) / _RANGE_THIRD
    return net, max(float(counts @ weights**2) / people - mean**2, 0.0)


def all_effects(
    plan: Plan,
    attributes: Mapping[str, Attribute],
    measurements: Measurements,
    ones: Mapping[str, Floats],
    group_variance: Mapping[str, float],
    total: float,
    prior: GroupPrior,
) -> dict[str, Effects]:
    """Effects on every demographic that some net score or crosstab was measured with.

    Args:
        ones: feasible one-way counts. group_variance: noise variance of a cell of each demographic's one-way table.
    """
    nets = {a.of: a for a in attributes.values() if a.kind == "net" and a.of is not None and a.of in ones}
    observed = _observations(plan, attributes, measurements, nets)
    indices = tuple(name for name in nets if attributes[name].origin == "index")
    items = tuple(name for name in nets if attributes[name].origin != "index")
    pairs = [
        _spread(attributes[name], ones[name], net_weights(attributes[name], nets[name])) for name in (*items, *indices)
    ]
    heads = Heads(items, indices, np.array([net for net, _ in pairs]), np.array([spread for _, spread in pairs]))
    found: dict[str, Effects] = {}
    for group, by_head in observed.items():
        counts = ones[group]
        effects = group_effects(heads, Groups(counts, group_variance[group], total), by_head, prior)
        if effects is not None:
            found[group] = effects
    return found

"""What a plan will let us know, from public numbers only: expected margins, as ranges, and whether groups will show.

The headline figure of a table: % positive (else the share of one option) among the substantive answers, or the mean of
a score in points of its range; in a crosstab, within one group. Its variance is that of sampling plus that of noise,
where noise includes, for interactions that are measured little or not at all, the prior variance that stays open. Where
the question has a net score, the figure of a group rests on that.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isinf, sqrt

from privacy.allocate import BLOCK_PART
from privacy.prior import SCORE_VARIANCE, Belief, group_shares, net_prior_variance, prior_variance
from privacy.residual import Component, components_of, universe_of, variance_factor
from privacy.workload import head_and_groups
from schemas.attributes import Attribute, CellRole
from schemas.nets import NET
from schemas.plan import MarginForecast

_Z = 1.959964
"""Two-sided 95 % of a normal law."""
_MOST_POINTS = 100.0


@dataclass(frozen=True)
class Scenario:
    """One set of public assumptions: responses and prior relative to the declared ones, the part of them who answer a
    question with substance, the part of the noise variance that toplines take off each other, share and score of the
    headline figure, and which of the groups (0 the smallest, 1 the largest).
    """

    responses: float
    answered: float
    shared: float
    interaction: float
    share: float
    score_variance: float
    group: float


MILD = Scenario(
    responses=1.3, answered=1.0, shared=0.3, interaction=0.5, share=0.1, score_variance=SCORE_VARIANCE / 2, group=1.0
)
"""The low end: 30 % more answers, all to this question, groups half as different, a share of 10 %, the largest
group.
"""
MIDDLE = Scenario(
    responses=1.0, answered=0.9, shared=0.0, interaction=1.0, share=0.5, score_variance=SCORE_VARIANCE, group=0.5
)
HARSH = Scenario(responses=0.7, answered=0.75, shared=0.0, interaction=2.0, share=0.5, score_variance=0.25, group=0.0)
"""The high end: 30 % fewer answers, a quarter of them not to this question, groups twice as different, the widest
share, the smallest group.
"""


@dataclass(frozen=True)
class Knowledge:
    """Everything a forecast needs beside the table: attributes, belief, and the precision of each component."""

    attributes: Mapping[str, Attribute]
    belief: Belief
    precisions: Mapping[tuple[str, Component], float]
    blocks: Mapping[str, tuple[str, ...]]

    def net_of(self, head: str) -> Attribute | None:
        return self.attributes.get(f"{head}{NET}")

    @cached_property
    def block_of(self) -> Mapping[str, str]:
        """The index that a head is an item of (the first such), or is itself."""
        items = [(item, index) for index, inside in reversed(list(self.blocks.items())) for item in inside]
        return dict(items) | {index: index for index in self.blocks}

    @cached_property
    def net_precisions(self) -> Mapping[tuple[str, str], float]:
        """Precision of a group's net score, by group and head: from its own table, and from the crosstab as a sum of
        its cells.
        """
        found: defaultdict[tuple[str, str], float] = defaultdict(float)
        for (universe, component), precision in self.precisions.items():
            if universe.endswith(NET) and len(component) == 1:
                found[component[0], universe.removesuffix(NET)] += precision
            elif universe == "" and len(component) == 2 and (net := self.net_of(component[1])) is not None:
                unit = self.attributes[component[1]].unit / net.unit
                found[component] += precision / sum((weight * unit) ** 2 for weight in net.weights)
        return found

    @cached_property
    def block_precisions(self) -> Mapping[tuple[str, str], float]:
        """The same, summed over an index and its items: what is known of the effect that they share."""
        found: dict[tuple[str, str], float] = {}
        for group in dict.fromkeys(group for group, _ in self.net_precisions):
            for index, items in self.blocks.items():
                found[group, index] = sum(self.net_precisions.get((group, head), 0.0) for head in (index, *items))
        return found


INFORMATIVE = 0.5
"""A table is informative when measuring removes at least this part of its interactions' prior variance."""
LEARNED = 0.25
"""A crosstab also knows more than its margins when this part of the prior variance of its net score is learned."""


@dataclass(frozen=True)
class _NetParts:
    """A net score by group: prior variance and precision of what the items of an index share, and of its own."""

    shared: tuple[float, float]
    own: tuple[float, float]

    def open(self, interaction: float) -> float:
        """Variance that stays, in respondents² of net score, when the prior variance is multiplied by `interaction`."""
        return sum(_left(interaction * prior, precision) for prior, precision in (self.shared, self.own))

    @property
    def learned(self) -> float:
        before = self.shared[0] + self.own[0]
        return 1 - self.open(1.0) / before if before > 0 else 0.0


def _left(prior: float, precision: float) -> float:
    return 1 / (precision + 1 / prior) if prior > 0 else 0.0


def _net_parts(axes: tuple[Attribute, ...], knowledge: Knowledge) -> _NetParts | None:
    """None where the table is not one of a group with a question or index that has a net score."""
    head, groups = head_and_groups(axes)
    net = knowledge.net_of(head.id)
    if net is None or len(groups) != 1 or not groups[0].is_group:
        return None
    group = groups[0]
    prior = net_prior_variance(group, head, net, knowledge.belief)
    alone = knowledge.net_precisions.get((group.id, head.id), 0.0)
    block = knowledge.block_of.get(head.id)
    if block is None:
        return _NetParts((0.0, 0.0), (prior, alone))
    together = knowledge.block_precisions.get((group.id, block), 0.0)
    own = 0.0 if head.id == block else (1 - BLOCK_PART) * prior
    return _NetParts((BLOCK_PART * prior, together), (own, alone))


@dataclass(frozen=True)
class _Part:
    """One component of a table: its factor in the mean cell variance, prior variance and measured precision."""

    factor: float
    prior: float
    precision: float

    def open(self, interaction: float) -> float:
        """Cell variance that stays when the prior variance is multiplied by `interaction`."""
        return self.factor / (self.precision + 1 / (interaction * self.prior))


def _parts(axes: tuple[Attribute, ...], knowledge: Knowledge) -> list[_Part]:
    ids = tuple(axis.id for axis in axes)
    sizes = {axis.id: axis.size for axis in axes}
    universe = universe_of(axes)
    multis = tuple(axis for axis in axes if axis.kind == "multi")
    return [
        _Part(
            factor=variance_factor(ids, component, sizes),
            prior=prior_variance(component, multis, knowledge.attributes, knowledge.belief),
            precision=knowledge.precisions.get((universe, component), 0.0),
        )
        for component in components_of(ids)
    ]


def _is_informative(parts: list[_Part]) -> bool:
    """Whether measuring removes INFORMATIVE of the prior variance of a table's interactions; True without prior."""
    believed = [part for part in parts if not isinf(part.prior)]
    left, before = sum(part.open(1.0) for part in believed), sum(part.factor * part.prior for part in believed)
    return left <= (1 - INFORMATIVE) * before


def _group_share(groups: tuple[Attribute, ...], belief: Belief, place: float) -> float:
    """Expected share of everybody in the group at a place between the smallest (0) and the largest (1)."""
    share = 1.0
    for group in groups:
        shares = group_shares(group, belief)
        share *= shares[round(place * (len(shares) - 1))]
    return share


def _ratio_factor(head: Attribute, share: float) -> float:
    """Variance of the headline figure's numerator less share × base, per unit of cell variance."""
    if head.kind == "multi":
        return 1.0
    if head.kind == "score":
        return 0.5
    base = head.roles(CellRole.SUBSTANTIVE) or tuple(range(head.size))
    hits = len(head.positive) or 1
    return hits * (1 - share) ** 2 + (len(base) - hits) * share**2


@dataclass(frozen=True)
class _Net:
    """A net score by group, and the parts of everybody's table that its figures add it to."""

    effect: _NetParts
    topline: list[_Part]


def _variances(
    axes: tuple[Attribute, ...], parts: list[_Part], net: _Net | None, belief: Belief, scenario: Scenario
) -> tuple[float, float]:
    """(sampling, noise) variance of the headline figure as a share."""
    head, groups = head_and_groups(axes)
    everybody = belief.responses * scenario.responses * scenario.answered
    base = everybody * _group_share(groups, belief, scenario.group)
    cell = sum(part.open(scenario.interaction * scenario.responses) for part in parts)
    cell *= 1.0 if groups else 1 - scenario.shared
    sampling = scenario.score_variance if head.kind == "score" else scenario.share * (1 - scenario.share)
    if net is None:
        return sampling / base, _ratio_factor(head, scenario.share) * cell / base**2
    topline = (1 - scenario.shared) * sum(part.open(scenario.interaction) for part in net.topline)
    effect = net.effect.open(scenario.interaction * scenario.responses) / (2 * base) ** 2
    return sampling / base, _ratio_factor(head, scenario.share) * topline / everybody**2 + effect


def _points(variance: float) -> float:
    return round(min(_Z * sqrt(variance) * 100, _MOST_POINTS), 2)


def forecast(axes: tuple[Attribute, ...], knowledge: Knowledge) -> tuple[MarginForecast, bool]:
    """Expected 95 % margin of a table's headline figure (100 points where beyond), and whether it is informative."""
    belief, parts, effect = knowledge.belief, _parts(axes, knowledge), _net_parts(axes, knowledge)
    head, groups = head_and_groups(axes)
    net = None if effect is None else _Net(effect, _parts((head,), knowledge))
    low, middle, high = (_variances(axes, parts, net, belief, scenario) for scenario in (MILD, MIDDLE, HARSH))
    margins = MarginForecast(
        low_points=_points(sum(low)),
        high_points=_points(sum(high)),
        sampling_points=_points(middle[0]),
        noise_points=_points(middle[1]),
        base=round(belief.responses * _group_share(groups, belief, 0.0), 1),
    )
    return margins, _is_informative(parts) or (effect is not None and effect.learned >= LEARNED)

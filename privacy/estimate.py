"""Best consistent estimate of every published table from the noisy measurements. Post-processing: costs nothing.

Least squares in the residual basis; toplines learned from each other, group effects from net scores, other interactions
as far as they stand out of the noise; then feasible counts. What is known of each cell before feasibility is its noise
variance; what was not learned is bias, which rests on the public prior where the data cannot speak.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from privacy.components import Floats, Key, component_estimates, known_variance
from privacy.feasible import Known, Table, one_way_counts, people_total, three_way_counts, two_way_counts
from privacy.group_effects import Effects
from privacy.group_prior import GroupPrior
from privacy.group_tables import all_effects
from privacy.learned_pairs import LearnedPairs, learned_pairs
from privacy.linked import link_one_way, linked_two_way, partners
from privacy.measure import Measurements, Released
from privacy.residual import component_precisions
from privacy.shrinkage import Kept
from privacy.toplines import CellErrors, Toplines, learned_toplines
from schemas.attributes import Attribute
from schemas.errors import InternalFault
from schemas.plan import Plan, TableKind, table_id

_MOST_AXES = 3


@dataclass(frozen=True)
class TableEstimate:
    """One table, in respondents (ticks of respondents for a multi).

    `counts`: non-negative and consistent with every other table. `noise_variance`: of each cell, before projection, in
    respondents². `measured`: whether the table itself was measured. `informative`: whether it knows more than its
    margins.
    """

    attributes: tuple[str, ...]
    kind: TableKind
    counts: Floats
    noise_variance: Floats
    measured: bool
    informative: bool


@dataclass(frozen=True)
class Estimates:
    """`tables`: by table id, every published table and every one-way table of an attribute used. `topline_errors`: of
    learned toplines, by attribute. `effects`: by demographic. `kept`: by table id, of measured interactions.
    """

    total: float
    total_variance: float
    tables: Mapping[str, TableEstimate]
    topline_errors: Mapping[str, CellErrors] = field(default_factory=dict[str, CellErrors])
    effects: Mapping[str, Effects] = field(default_factory=dict[str, Effects])
    kept: Mapping[str, Kept] = field(default_factory=dict[str, Kept])


def _one_way_kind(attribute: Attribute) -> TableKind:
    if attribute.is_group:
        return "demographic"
    return "index" if attribute.origin == "index" else "topline"


def _link_pairs(known: Known, ones: Mapping[str, Floats], twos: dict[Table, Floats], fixed: set[Table]) -> None:
    """Bring crosstabs of numeric means, but for the `fixed` ones, into line with those of their histograms."""
    for mean, histogram in partners(known.attributes).items():
        for pair in [pair for pair in twos if mean in pair and pair not in fixed and not known.multis(pair)]:
            partner = tuple(histogram if name == mean else name for name in pair)
            if partner in twos:
                axis = pair.index(mean)
                own, other = np.moveaxis(twos[pair], axis, 0), np.moveaxis(twos[partner], axis, 0)
                twos[pair] = np.moveaxis(linked_two_way(own, other, ones[mean]), 0, axis)


def _product_variance(
    table: Table, ones: Mapping[str, Floats], total: float, known: Known, precisions: Mapping[Key, float]
) -> Floats:
    """Noise variance of a product of one-way tables by the delta method, its total counted once."""
    total_variance = variance_of_total(precisions)
    shares = [ones[name] / total for name in table]
    sizes = [known.sizes[name] for name in table]
    variance = np.zeros(tuple(sizes))
    total_slope = -np.multiply.outer(shares[0], shares[1])
    for axis, name in enumerate(table):
        other = shares[1 - axis][None, :] if axis == 0 else shares[1 - axis][:, None]
        universe = known.universe((name,))
        precision = precisions.get((universe, (name,)), 0.0)
        own = (1 - 1 / sizes[axis]) / precision if precision > 0 else 0.0
        if universe:
            own = known_variance((name,), universe, precisions, known.sizes)
        else:
            total_slope = total_slope + other / sizes[axis]
        variance = variance + own * other**2
    return variance + total_variance * total_slope**2


def estimate(
    plan: Plan, attributes: Mapping[str, Attribute], released: Released[Measurements], prior: GroupPrior | None
) -> Estimates:
    """Consistent counts of every published table. The set of tables depends on the plan only.

    `attributes`: with net scores. `prior`: what is believed about group differences; None leaves everything as least
    squares has it.

    Raises: InternalFault: a published table has more than three axes.
    """
    published = {table.attributes: table for table in plan.published}
    if any(len(table) > _MOST_AXES for table in published):
        raise InternalFault("too_many_axes", "a published table has more than three attributes")
    precisions = component_precisions(plan.measured, attributes)
    found = component_estimates(plan.measured, attributes, released.value.tables)
    used = {name for table in (*published, *(m.attributes for m in plan.measured)) for name in table}
    sizes = {name: attribute.size for name, attribute in attributes.items()}
    plain = {name: a for name, a in attributes.items() if name in used and a.kind != "net"}
    known = Known(plain, sizes, found)

    total = people_total(known)
    toplines = Toplines({}, {})
    if prior is not None:
        learning = {name: attribute for name, attribute in attributes.items() if name in used}
        toplines = learned_toplines(learning, found, precisions, total)
        known = Known(plain, sizes, found | {("", (name,)): part for name, part in toplines.parts.items()})
    ones = one_way_counts(known, known.attributes, total)
    for mean, histogram in partners(known.attributes).items():
        link_one_way(ones, histogram, mean, precisions, total)
    pairs = {pair: None for table in published for pair in combinations(table, 2)}
    effects, learned = _learned(plan, attributes, released, known, pairs, ones, precisions, total, prior)
    twos = two_way_counts(known, pairs, ones, total, learned.added)
    _link_pairs(known, ones, twos, set())
    cubes = [table for table in published if len(table) == _MOST_AXES]
    threes = three_way_counts(known, cubes, ones, twos, total)
    _link_pairs(known, ones, twos, {pair for table in cubes for pair in combinations(table, 2)})

    counts: dict[Table, Floats] = {(name,): cells for name, cells in ones.items()} | twos | threes
    measured = {table.attributes for table in plan.measured}
    tables: dict[str, TableEstimate] = {}
    for table in (*published, *((name,) for name in known.attributes if (name,) not in published)):
        in_plan = published.get(table)
        variance = np.full(counts[table].shape, known_variance(table, known.universe(table), precisions, sizes))
        if len(table) == 1 and table[0] in toplines.errors:
            variance = variance_of_total(precisions) / sizes[table[0]] ** 2 + np.diag(toplines.errors[table[0]].noise)
        if len(table) == 2 and not known.measures(table):
            variance = _product_variance(table, ones, total, known, precisions)
        tables[table_id(table)] = TableEstimate(
            attributes=table,
            kind=in_plan.kind if in_plan else _one_way_kind(attributes[table[0]]),
            counts=counts[table],
            noise_variance=variance,
            measured=table in measured,
            informative=_informs(table, known, effects) and (in_plan is None or in_plan.informative),
        )
    return Estimates(total, variance_of_total(precisions), tables, toplines.errors, effects, learned.kept)


def _informs(table: Table, known: Known, effects: Mapping[str, Effects]) -> bool:
    """Whether the measurement says anything of the table beside its margins."""
    return known.measures(table) or (len(table) == 2 and table[0] in effects and table[1] in effects[table[0]].heads)


def variance_of_total(precisions: Mapping[Key, float]) -> float:
    """Noise variance of the respondents, 0 where no table of respondents was measured."""
    precision = precisions.get(("", ()), 0.0)
    return 1 / precision if precision > 0 else 0.0


def _learned(
    plan: Plan,
    attributes: Mapping[str, Attribute],
    released: Released[Measurements],
    known: Known,
    pairs: Mapping[Table, None],
    ones: Mapping[str, Floats],
    precisions: Mapping[Key, float],
    total: float,
    prior: GroupPrior | None,
) -> tuple[Mapping[str, Effects], LearnedPairs]:
    if prior is None:
        return {}, LearnedPairs({}, {})
    groups = [name for name, attribute in known.attributes.items() if attribute.is_group]
    variances = {name: known_variance((name,), "", precisions, known.sizes) for name in groups}
    effects = all_effects(plan, attributes, released.value, ones, variances, total, prior)
    nets = {a.of: a for a in attributes.values() if a.kind == "net" and a.of is not None}
    return effects, learned_pairs(
        known, pairs, ones, total, precisions, nets, effects, prior.interaction, heavy_tails=plan.noise == "laplace"
    )

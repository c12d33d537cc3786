"""Residual components: what a table is made of, and how precisely measured tables let us know each part.

Every table splits into orthogonal components, one per subset of its attributes: the total `()`, main effects, then
interactions. The respondents' tables share one universe `""`; a table with a multi counts ticks, not people, so it
lives in that multi's own universe with its own total and its own group effects. So does a net score, whose axis has one
cell and is in no component.

Source: Xiao et al., "An Optimal and Scalable Matrix Mechanism for Noisy Marginals under Convex Loss Functions"
(ResidualPlanner), NeurIPS 2023; here the marginals themselves are measured with iid noise.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations
from math import inf, prod

from schemas.attributes import Attribute
from schemas.nets import NET
from schemas.plan import MeasuredTable, table_id

Component = tuple[str, ...]
"""Attribute ids in the survey's order; `()` is the total."""


def universe_of(attributes: tuple[Attribute, ...]) -> str:
    """Name of the universe a table lives in: `""` for respondents, else the id of its multi or net (two: joined)."""
    return table_id(tuple(a.id for a in attributes if a.kind in ("multi", "net")))


def components_of(table: tuple[str, ...]) -> tuple[Component, ...]:
    """Every subset of a table's attributes but its net score, the total first.

    >>> components_of(("a", "b"))
    ((), ('a',), ('b',), ('a', 'b'))
    """
    axes = tuple(name for name in table if not name.endswith(NET))
    return tuple(subset for size in range(len(axes) + 1) for subset in combinations(axes, size))


def dilution(table: tuple[str, ...], component: Component, sizes: Mapping[str, int]) -> float:
    """Precision of a component per unit of cell precision of a measured table: 1 / ∏ of the sizes summed over."""
    return 1 / prod(sizes[i] for i in table if i not in component)


def variance_factor(table: tuple[str, ...], component: Component, sizes: Mapping[str, int]) -> float:
    """Mean cell variance of a published table per unit of a component's variance.

    ∏_{i∈A} (n_i − 1)/n_i · ∏_{j∈W∖A} 1/n_j².
    """
    return prod((sizes[i] - 1) / sizes[i] if i in component else 1 / sizes[i] ** 2 for i in table)


def component_precisions(
    measured: Iterable[MeasuredTable], attributes: Mapping[str, Attribute]
) -> dict[tuple[str, Component], float]:
    """Precision of every component that the measured tables touch, in respondents⁻², by universe and component.

    Measuring B with noise of standard deviation s gives A ⊆ B precision s⁻² / ∏_{i∈B∖A} n_i; precisions add over B.
    """
    sizes = {identifier: attribute.size for identifier, attribute in attributes.items()}
    found: dict[tuple[str, Component], float] = {}
    for table in measured:
        universe = universe_of(tuple(attributes[i] for i in table.attributes))
        precision = table.noise_sd**-2
        for component in components_of(table.attributes):
            gained = precision * dilution(table.attributes, component, sizes)
            found[universe, component] = found.get((universe, component), 0.0) + gained
    return found


def cell_variance(
    table: tuple[str, ...],
    attributes: Mapping[str, Attribute],
    precisions: Mapping[tuple[str, Component], float],
) -> float:
    """Noise variance of a cell of the least-squares estimate of a table, in respondents²; `inf` where a component has
    precision 0.
    """
    sizes = {i: attributes[i].size for i in table}
    universe = universe_of(tuple(attributes[i] for i in table))
    total = 0.0
    for component in components_of(table):
        precision = precisions.get((universe, component), 0.0)
        if precision <= 0:
            return inf
        total += variance_factor(table, component, sizes) / precision
    return total

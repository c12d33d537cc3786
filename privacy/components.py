"""Tables to residual components and back: projection, precision-weighted means, reassembly.

A component A of a table is its sum over the axes outside A, centred on every axis in A. A table W is the sum over A ⊆ W
of component A spread evenly over the axes outside A (divided by their sizes).

Source: Xiao et al., NeurIPS 2023 (ResidualPlanner), sections 3 and 4; the precisions are in `privacy.residual`.
"""

from collections.abc import Iterable, Mapping
from math import prod

import numpy as np
from numpy.typing import NDArray

from privacy.residual import Component, components_of, dilution, universe_of
from schemas.attributes import Attribute
from schemas.plan import MeasuredTable

Floats = NDArray[np.float64]
Key = tuple[str, Component]
"""A component in its universe, as in `privacy.residual.component_precisions`."""


def component_of(table: Floats, axes: tuple[str, ...], component: Component) -> Floats:
    """Sum over the axes outside the component, centre on those inside. Shape: the sizes of the component's axes."""
    outside = tuple(position for position, axis in enumerate(axes) if axis not in component)
    part = table.sum(axis=outside) if outside else table
    for position in range(part.ndim):
        part = part - part.mean(axis=position, keepdims=True)
    return np.asarray(part, dtype=np.float64)


def spread(part: Floats, component: Component, axes: tuple[str, ...], sizes: Mapping[str, int]) -> Floats:
    """A component as its part of a cell of table `axes`; broadcasts to the table's shape."""
    shape = tuple(sizes[axis] if axis in component else 1 for axis in axes)
    return part.reshape(shape) / prod(sizes[axis] for axis in axes if axis not in component)


def component_estimates(
    measured: Iterable[MeasuredTable],
    attributes: Mapping[str, Attribute],
    noisy: Mapping[str, NDArray[np.int64]],
) -> dict[Key, Floats]:
    """Least-squares estimate of every component that the measured tables touch, in respondents.

    The components of one table are independent, so the estimate is the mean of what each measured B ⊇ A says of A,
    weighted by the precision it says it with.
    """
    sizes = {identifier: attribute.size for identifier, attribute in attributes.items()}
    sums: dict[Key, Floats] = {}
    weights: dict[Key, float] = {}
    for table in measured:
        universe = universe_of(tuple(attributes[i] for i in table.attributes))
        counts = noisy[table.id] / table.unit
        precision = table.noise_sd**-2
        for component in components_of(table.attributes):
            key = universe, component
            weight = precision * dilution(table.attributes, component, sizes)
            said = weight * component_of(counts, table.attributes, component)
            sums[key] = sums[key] + said if key in sums else said
            weights[key] = weights.get(key, 0.0) + weight
    return {key: total / weights[key] for key, total in sums.items()}


def assembled(axes: tuple[str, ...], universe: str, parts: Mapping[Key, Floats], sizes: Mapping[str, int]) -> Floats:
    """A table as the sum of its known components; unknown ones add nothing."""
    table = np.zeros(tuple(sizes[axis] for axis in axes))
    for component in components_of(axes):
        part = parts.get((universe, component))
        if part is not None:
            table = table + spread(part, component, axes, sizes)
    return table


def known_variance(
    axes: tuple[str, ...], universe: str, precisions: Mapping[Key, float], sizes: Mapping[str, int]
) -> float:
    """Noise variance of a cell of `assembled`, in respondents²: the sum over the components somebody measured.

    Where a component has no precision the cell says nothing of it; what that costs is bias, not noise.
    """
    total = 0.0
    for component in components_of(axes):
        precision = precisions.get((universe, component), 0.0)
        if precision > 0:
            factor = prod((sizes[i] - 1) / sizes[i] if i in component else 1 / sizes[i] ** 2 for i in axes)
            total += factor / precision
    return total

"""Three-way tables that agree with the two-way ones, which may have to give way.

Three pairwise consistent two-way tables need not be the margins of any non-negative table, and noisy ones often are
not. The product of the one-way tables always is feasible, and the feasible families form a convex set; so each family
of three-way tables that share two-way tables is mixed with its product by one factor, the smallest that suffices for
the fits found here (0 where they are feasible already).

Claim: docs/claims/estimate.md.
"""

from itertools import combinations

import numpy as np

from privacy.components import Floats, component_of, spread
from privacy.residual import components_of

_SWEEPS = 400
_CLOSE = 1e-12
_ROUNDING = 1e-13
_SEED_SHARE = 1e-6
_PAIRS = ((0, 1), (0, 2), (1, 2))
_AXES = ("0", "1", "2")


def _sums(table: Floats, pair: tuple[int, int]) -> Floats:
    (outside,) = set(range(3)) - set(pair)
    return table.sum(axis=outside)


def _raked(seed: Floats, pairs: tuple[Floats, Floats, Floats]) -> Floats:
    """Iterative proportional fitting of a non-negative table to its two-way margins (Deming and Stephan 1940)."""
    table = seed
    total = pairs[0].sum()
    for _ in range(_SWEEPS):
        worst = 0.0
        for axes, wanted in zip(_PAIRS, pairs, strict=True):
            (outside,) = set(range(3)) - set(axes)
            now = table.sum(axis=outside)
            worst = max(worst, float(np.abs(wanted - now).max()))
            factor = np.where(now > 0, wanted / np.where(now > 0, now, 1.0), 0.0)
            table = table * np.expand_dims(factor, outside)
        if worst <= _CLOSE * total:
            break
    return table


def _corrected(table: Floats, pairs: tuple[Floats, Floats, Floats]) -> Floats:
    """The table plus the smallest change that gives it exactly the two-way margins; cells may become negative."""
    sizes: dict[str, int] = dict(zip(_AXES, table.shape, strict=True))
    corrected = table
    lacking = {tuple(_AXES[i] for i in axes): m - _sums(table, axes) for axes, m in zip(_PAIRS, pairs, strict=True)}
    for component in components_of(_AXES)[:-1]:
        axes = next(axes for axes in combinations(_AXES, 2) if set(component) <= set(axes))
        part = component_of(lacking[axes], axes, component)
        corrected = corrected + spread(part, component, _AXES, sizes)
    return corrected


def needed_mixing(table: Floats, product: Floats, total: float) -> float:
    """Smallest λ for which (1 − λ) · table + λ · product is non-negative, where the product is; rounding is none."""
    gap = product - table
    short = (table < -_ROUNDING * total) & (gap > 0)
    return min(float(np.max(-table[short] / gap[short], initial=0.0)), 1.0)


def fitted_three_way(
    measured: Floats | None, pairs: tuple[Floats, Floats, Floats], product: Floats
) -> tuple[Floats, float]:
    """A table with the two-way margins (01, 02, 12), and the mixing with its product that makes it non-negative.

    It is raked from what was measured, moved to the margins and cut at zero; without a measurement from the product,
    which gives it no three-way interaction.
    """
    margins = (product.sum(axis=(1, 2)), product.sum(axis=(0, 2)), product.sum(axis=(0, 1)))
    kept = tuple(np.flatnonzero(margin > 0) for margin in margins)
    support = np.ix_(*kept)
    first, second, third = (pair[np.ix_(kept[i], kept[j])] for pair, (i, j) in zip(pairs, _PAIRS, strict=True))
    inside, independent = (first, second, third), product[support]
    seed = independent
    if measured is not None:
        seed = np.maximum(_corrected(measured[support], inside), 0.0) + _SEED_SHARE * independent
    fitted = _corrected(_raked(seed, inside), inside)
    whole = np.zeros(product.shape)
    whole[support] = fitted
    return whole, needed_mixing(fitted, independent, float(independent.sum()))


def families(tables: list[tuple[str, ...]]) -> list[list[tuple[str, ...]]]:
    """Three-way tables grouped so that tables of different groups share no two attributes."""
    groups: list[list[tuple[str, ...]]] = []
    for table in tables:
        pairs = set(combinations(table, 2))
        near = [g for g in groups if any(pairs & set(combinations(other, 2)) for other in g)]
        groups = [g for g in groups if g not in near] + [[table, *(other for g in near for other in g)]]
    return groups

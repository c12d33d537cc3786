"""The moment matrix of calibrated demographics, from one-way and two-way tables, and its inverse under noise.

XᵀX of demographic dummies is D^{1/2} (I + E) D^{1/2}: D the one-way counts, E the interactions of pairs in these units.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from privacy.components import Floats, Key
from privacy.estimate import Estimates
from schemas.plan import table_id

SINGULAR = 1e-9
"""Relative size below which a count or an eigenvalue is none."""


@dataclass(frozen=True)
class Moments:
    """Cells of all calibrated demographics in a row.

    `inverse`: of XᵀX, on what moves categories against each other. `matrix`: XᵀX without its part along the total.
    `noise`: variance of each entry of XᵀX. `credible`: 0 … 1, how surely a cell holds anybody. `measured`: whether
    every pair of demographics was.
    """

    inverse: Floats
    matrix: Floats
    noise: Floats
    credible: Floats
    measured: bool


def moments_of(names: list[str], estimates: Estimates, precisions: Mapping[Key, float]) -> Moments:
    """Moments of the named demographics.

    A category of x respondents with noise variance v counts by x² / (x² + v). The inverse is filtered, λ / (λ² + ν²)
    for an eigenvalue λ, with ν² four times the noise variance of λ; both go to the plain inverse as the noise vanishes,
    and collinear sets have no part in it.
    """
    size = np.concatenate([estimates.tables[name].counts for name in names])
    variance = np.concatenate([estimates.tables[name].noise_variance for name in names])
    present = size > SINGULAR * estimates.total
    credible = np.where(present, size**2 / np.where(present, size**2 + variance, 1.0), 0.0)
    scale = np.where(present, 1 / np.sqrt(np.where(present, size, 1.0)), 0.0)
    raw, raw_noise, measured = _interactions(names, estimates, precisions)
    scaled = raw * np.outer(scale * credible, scale * credible)
    noise = raw_noise * np.outer(scale * credible, scale * credible) ** 2
    level, vectors = np.linalg.eigh(np.eye(len(size)) + scaled)
    filter_size = 4 * (vectors**2 * (noise @ vectors**2)).sum(axis=0)
    strong = level > SINGULAR
    filtered = np.where(strong, level / np.where(strong, level**2 + filter_size, 1.0), 0.0)
    inverse = (vectors * filtered) @ vectors.T
    return Moments(inverse * np.outer(scale, scale), np.diag(size) + raw, raw_noise, credible, measured)


def _interactions(
    names: list[str], estimates: Estimates, precisions: Mapping[Key, float]
) -> tuple[Floats, Floats, bool]:
    """Interactions of all pairs of demographics as one symmetric matrix, their noise variance, whether all are
    measured.

    Nothing is believed about how demographics go together, so a block is shrunk by what its own size says of its noise
    (positive-part James and Stein).
    """
    counts = {name: estimates.tables[name].counts for name in names}
    starts = np.concatenate([[0], np.cumsum([len(counts[name]) for name in names])])
    moments = np.zeros((starts[-1], starts[-1]))
    noise = np.zeros_like(moments)
    measured = True
    for (i, first), (j, second) in combinations(enumerate(names), 2):
        table = estimates.tables.get(table_id((first, second)))
        precision = precisions.get(("", (first, second)), 0.0)
        if table is None or precision <= 0:
            measured = False
            continue
        block = table.counts - np.outer(counts[first], counts[second]) / estimates.total
        freedom = (block.shape[0] - 1) * (block.shape[1] - 1)
        energy = float((block**2).sum())
        kept = max(1 - freedom / precision / energy, 0.0) if energy > 0 else 0.0
        rows, columns = slice(starts[i], starts[i + 1]), slice(starts[j], starts[j + 1])
        moments[rows, columns], moments[columns, rows] = kept * block, kept * block.T
        noise[rows, columns], noise[columns, rows] = kept**2 / precision, kept**2 / precision
    return moments, noise, measured

"""How groups differ, learned for all questions and indices at once from their noisy net scores.

For each demographic the effects D (heads × groups) have a normal prior with covariance size · K ⊗ M
(`privacy.group_prior`) and are seen with independent noise. Each point of the prior's grid gives a posterior in closed
form: with the noise whitened, K and M are diagonalised apart. The posteriors are averaged with the weights that prior
and data give their points (empirical Bayes with an integrated hyperprior), so that what is not known about the size and
the shape of differences is part of the errors.

Source: Efron 2010, chapter 1 (normal hierarchical models); Hoeting et al. 1999 (model averaging).
Claim: docs/claims/estimate.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, log

import numpy as np

from privacy.components import Floats
from privacy.group_prior import (
    MIXES,
    SIZES,
    STRUCTURES,
    GroupPrior,
    group_covariance,
    head_covariance,
    log_prior_of_size,
)

_LEAST_SPREAD = 0.02
_LEAST_WEIGHT = 1e-3
"""Points of the grid below this part of the best one are left out."""


@dataclass(frozen=True)
class NetObservation:
    """A head's net score by group, in respondents, and the noise variance of each of its cells."""

    counts: Floats
    variance: float


@dataclass(frozen=True)
class Groups:
    """The cells of a demographic: estimated respondents and their noise variance."""

    counts: Floats
    variance: float
    total: float

    @cached_property
    def shares(self) -> Floats:
        return np.maximum(self.counts, 1e-9 * self.total) / self.total


@dataclass(frozen=True)
class Heads:
    """What effects are about. `items` first, then `indices`; `net`: everybody's net score in respondents, `spread`: the
    variance of one respondent's (both in the order items, indices).
    """

    items: tuple[str, ...]
    indices: tuple[str, ...]
    net: Floats
    spread: Floats

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.items, *self.indices)


@dataclass(frozen=True)
class Effects:
    """Posterior of the effects on one demographic: heads × groups, in respondents of net score.

    `value`; `noise` and `bias`: variances of its error from privacy noise and from what was not learned; `prior`: the
    variance it had beforehand; `lasting`: the part of the prior that is a difference of opinion and not of sampling.
    """

    heads: tuple[str, ...]
    value: Floats
    noise: Floats
    bias: Floats
    prior: Floats
    lasting: Floats
    size: float
    """Posterior geometric mean of the size: variance of effects in units of pure sampling."""

    @property
    def learned(self) -> Floats:
        """Part of the prior variance that was learned, 0 … 1."""
        rest = (self.noise + self.bias) / np.maximum(self.prior, 1e-300)
        return np.clip(1 - rest, 0.0, 1.0)


@dataclass(frozen=True)
class _Structure:
    """Heads diagonalised under whitened noise: `gain` carries eigenvectors back to all heads."""

    levels: Floats
    gain: Floats
    variance: Floats
    rotation: Floats


def _structure(covariance: Floats, seen: Sequence[int], noise: Floats) -> _Structure:
    root = np.linalg.cholesky(noise)
    whitening = np.linalg.inv(root)
    inside = whitening @ covariance[np.ix_(seen, seen)] @ whitening.T
    levels, vectors = np.linalg.eigh(inside)
    rotation: Floats = np.asarray(vectors.T @ whitening, dtype=np.float64)
    return _Structure(np.maximum(levels, 0.0), covariance[:, seen] @ rotation.T, np.diag(covariance), rotation)


@dataclass(frozen=True)
class _Shape:
    """Groups diagonalised: positive eigenvalues of their covariance and the eigenvectors."""

    levels: Floats
    vectors: Floats


def _shape(mix: float, groups: Groups) -> _Shape:
    levels, vectors = np.linalg.eigh(group_covariance(mix, groups.shares, groups.total))
    kept = levels > 1e-9 * levels.max()
    return _Shape(levels[kept], vectors[:, kept])


def group_effects(
    heads: Heads, groups: Groups, observed: Mapping[str, NetObservation], prior: GroupPrior
) -> Effects | None:
    """Posterior effects of every head on a demographic; None where nothing was observed.

    What is seen of a head is its noisy net score by group, less its expectation π_g · net. The noise of the group sizes
    moves all heads together, by net/total for a respondent too many in a group; by more than everybody it cannot.
    """
    names = heads.names
    seen = [i for i, name in enumerate(names) if name in observed]
    if not seen or len(groups.counts) < 2:
        return None
    spread = np.maximum(heads.spread, _LEAST_SPREAD)
    counts = np.array([observed[names[i]].counts for i in seen])
    away = counts - np.outer(heads.net[seen], groups.shares)
    slope = heads.net[seen] / groups.total
    of_groups = min(groups.variance, groups.total**2)
    noise = np.diag([observed[names[i]].variance for i in seen]) + of_groups * np.outer(slope, slope)
    shapes = [_shape(mix, groups) for mix in MIXES]
    points: list[tuple[float, float, _Structure, _Shape, Floats]] = []
    for shares in STRUCTURES:
        covariance = head_covariance(shares, heads.items, heads.indices, spread, prior.blocks)
        structure = _structure(covariance, seen, noise)
        for shape in shapes:
            rotated = structure.rotation @ away @ shape.vectors
            product = np.outer(structure.levels, shape.levels)
            for size in SIZES:
                spreads = 1 + size * product
                likelihood = -0.5 * float(np.log(spreads).sum() + (rotated**2 / spreads).sum())
                points.append(
                    (likelihood + log_prior_of_size(size, prior.interaction), size, structure, shape, rotated)
                )
    return _averaged(names, groups, points)


def _surprise(found: Floats, prior: Floats) -> Floats:
    """How much larger the effects of a head, and of a group, are than the prior expected (1 where they are not).

    One prior for all heads and groups draws those that differ more than others too far; the errors must know.
    """
    group = found.sum(axis=0, keepdims=True) / np.maximum(prior.sum(axis=0, keepdims=True), 1e-300)
    head = found.sum(axis=1, keepdims=True) / np.maximum(prior.sum(axis=1, keepdims=True), 1e-300)
    return np.maximum(group, 1.0) * np.maximum(head, 1.0)


def _averaged(
    names: tuple[str, ...], groups: Groups, points: list[tuple[float, float, _Structure, _Shape, Floats]]
) -> Effects:
    best = max(point[0] for point in points)
    weights = np.exp(np.array([point[0] for point in points]) - best)
    weights = np.where(weights >= _LEAST_WEIGHT, weights, 0.0) / weights[weights >= _LEAST_WEIGHT].sum()
    empty = np.zeros((len(names), len(groups.counts)))
    value, square, noise, rest, prior, lasting = (empty.copy() for _ in range(6))
    sampling = groups.total * groups.shares * (1 - groups.shares)
    for weight, (_, size, structure, shape, rotated) in zip(weights, points, strict=True):
        if weight <= 0:
            continue
        spreads = 1 + size * np.outer(structure.levels, shape.levels)
        drawn = size * shape.levels / spreads
        mean = structure.gain @ (drawn * rotated) @ shape.vectors.T
        back = (shape.vectors**2).T
        of_noise = (structure.gain**2 @ (size * shape.levels / spreads) ** 2) @ back
        before = size * np.outer(structure.variance, shape.levels) @ back
        after = before - (structure.gain**2 @ ((size * shape.levels) ** 2 / spreads)) @ back
        value += weight * mean
        square += weight * mean**2
        noise += weight * of_noise
        rest += weight * np.maximum(after - of_noise, 0.0)
        prior += weight * before
        over = size * (shape.levels @ back)
        lasting += weight * np.clip(1 - sampling / np.maximum(over, 1e-300), 0.0, 1.0)[None, :]
    log_size = sum(weight * log(size) for weight, (_, size, *_rest) in zip(weights, points, strict=True))
    certain = groups.counts**2 / (groups.counts**2 + groups.variance)
    bias = rest + np.maximum(square - value**2, 0.0)
    bias = bias * _surprise(value**2 + noise + bias, prior)
    rest_of_group = ((1 - certain) * value) ** 2
    return Effects(names, value * certain, noise * certain**2, bias + rest_of_group, prior, lasting, exp(log_size))

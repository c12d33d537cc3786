"""How much of a measured interaction is kept: the rest is noise by all that public belief and the table say.

Of a two-way table's interaction, what a net score does not say (`privacy.group_effects` has that part) is drawn towards
independence by τ² / (τ² + σ²): σ² its noise, τ² pure sampling times 1 + (size − 1) λ². The 1 is there
because those who answered are a sample. The size is the table's, with the public belief as its prior. The scale λ² is
the cell's, with the horseshoe's: most cells differ by little beside the net score, a few by a lot, and these pass.

Source: Efron and Morris 1973 (empirical Bayes with a hyperprior integrated over a grid); Carvalho, Polson and Scott
2010 (the horseshoe). Claim: docs/claims/estimate.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log

import numpy as np

from privacy.components import Floats
from privacy.group_prior import SIZES

_LOG_SIZE_SD = 0.7
_LOCAL = np.geomspace(0.003, 30.0, 9)
_SCALE_WEIGHTS = _LOCAL**0.5 / (1 + _LOCAL) / float((_LOCAL**0.5 / (1 + _LOCAL)).sum())
"""λ half-Cauchy: the density of log λ² is proportional to λ / (1 + λ²). Cut off at both ends."""
_SCALES = _LOCAL / float(_SCALE_WEIGHTS @ _LOCAL)
"""Mean 1, so that sizes stay what the public belief is about: the energy of interactions."""


@dataclass(frozen=True)
class Interaction:
    """What a measured table says of its interaction.

    `values`: its cells, in respondents; of them `contrasts` are free. `sampling`, `noise`: variances that pure sampling
    from independent attributes, and the noise, give each cell, in respondents².
    """

    values: Floats
    sampling: Floats
    noise: Floats
    contrasts: int


@dataclass(frozen=True)
class Kept:
    """`shares`: of each cell's interaction that is kept, and `share` their mean, weighted by what sampling gives each.
    `unlearned`, `prior`: by cell and in units of pure sampling, the posterior variance beside the noise that was kept,
    and the prior variance τ² as the data have it.
    """

    shares: Floats
    share: float
    unlearned: Floats
    prior: Floats

    def of(self, axis: int, groups: tuple[int, ...]) -> "Kept":
        """As cells of the attribute on `axis` × these groups of the other one."""

        def shown(numbers: Floats) -> Floats:
            return np.moveaxis(numbers, axis, 0)[:, list(groups)]

        return replace(self, shares=shown(self.shares), unlearned=shown(self.unlearned), prior=shown(self.prior))


def whole_interaction(shape: tuple[int, ...]) -> Kept:
    """Of a table whose net score is all there is: nothing else was drawn anywhere, and nothing else was believed."""
    return Kept(np.ones(shape), 1.0, np.zeros(shape), np.zeros(shape))


def kept_interactions(
    tables: Mapping[str, Interaction], interaction: float, *, heavy_tails: bool = False
) -> dict[str, Kept]:
    """By table id. A cell is drawn by its own τ²: where hardly anybody is expected, hardly anything is kept.

    Cells count as independent, each for its share of the free contrasts; sizes and scales are averaged by weight.

    Args:
        heavy_tails: of the noise, as Laplace's: a cell that stands out may be noise, so all scales are 1.
    """
    scales, log_weights = (np.ones(1), np.zeros(1)) if heavy_tails else (_SCALES, np.log(_SCALE_WEIGHTS))
    return {name: _kept(table, interaction, scales, log_weights) for name, table in tables.items()}


def _kept(table: Interaction, interaction: float, scales: Floats, log_weights: Floats) -> Kept:
    sizes = np.array(SIZES)
    sampling = np.maximum(table.sampling, 1e-300)
    true = np.multiply.outer(1 + np.multiply.outer(np.maximum(sizes - 1, 0.0), scales), sampling)
    variance = np.maximum(true + table.noise, 1e-300)
    likelihood = -0.5 * (np.log(variance) + table.values**2 / variance) + log_weights[:, None, None]
    best = likelihood.max(axis=1, keepdims=True)
    weights = np.exp(likelihood - best)
    whole = weights.sum(axis=1, keepdims=True)
    evidence = (np.log(whole) + best).sum(axis=(1, 2, 3)) * table.contrasts / table.values.size
    of_size = evidence - 0.5 * ((np.log(sizes) - log(interaction)) / _LOG_SIZE_SD) ** 2
    of_size = np.exp(of_size - of_size.max())
    weights *= (of_size / of_size.sum())[:, None, None, None] / whole

    def mean(numbers: Floats) -> Floats:
        return np.einsum("scij,scij->ij", weights, numbers)

    ratio = true / variance
    shares = mean(ratio)
    spread = np.maximum(mean(ratio**2) - shares**2, 0.0)
    posterior = shares * table.noise + spread * table.values**2
    unlearned = np.maximum(posterior - shares**2 * table.noise, 0.0) / sampling
    prior = mean(true) / sampling
    expected = table.sampling / max(float(table.sampling.sum()), 1e-300)
    return Kept(shares, float((shares * expected).sum()), unlearned, prior)

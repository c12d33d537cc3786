"""How much of a measured interaction is kept: the rest is noise by all that public belief and the tables say.

Of a two-way table's interaction, what a net score does not say (`privacy.group_effects` has that part) is drawn towards
independence by τ² / (τ² + σ²): σ² its noise per contrast, τ² a multiple of pure sampling that all tables of a release
share. The multiple has the public belief as its prior and the tables' energies as its data.

Source: Efron and Morris 1973 (empirical Bayes with a hyperprior integrated over a grid).
Claim: docs/claims/estimate.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from privacy.group_prior import SIZES

_LOG_SIZE_SD = 0.7


@dataclass(frozen=True)
class Interaction:
    """What a measured table says of its interaction: squared length, number of contrasts, and per contrast the noise
    variance and the variance that pure sampling from independent attributes gives, in respondents².
    """

    energy: float
    contrasts: int
    noise: float
    sampling: float


@dataclass(frozen=True)
class Kept:
    """`share` of a table's interaction that is kept; `size`: of true interactions in units of pure sampling."""

    share: float
    size: float


def kept_interactions(tables: Mapping[str, Interaction], interaction: float) -> dict[str, Kept]:
    """By table id. An energy is (size · sampling + noise) · χ² of its contrasts; sizes are averaged by weight."""
    sizes = np.array(SIZES)
    weights = np.exp(_log_weights(list(tables.values()), interaction))
    weights /= weights.sum()
    kept: dict[str, Kept] = {}
    for name, table in tables.items():
        true = sizes * table.sampling
        shares = true / (true + table.noise) if table.noise > 0 else np.ones(len(sizes))
        kept[name] = Kept(float(weights @ shares), float(weights @ sizes))
    return kept


def _log_weights(tables: Sequence[Interaction], interaction: float) -> np.ndarray:
    sizes = np.array(SIZES)
    found = -0.5 * ((np.log(sizes) - log(interaction)) / _LOG_SIZE_SD) ** 2
    for table in tables:
        variance = np.maximum(sizes * table.sampling + table.noise, 1e-300)
        found = found - 0.5 * (table.contrasts * np.log(variance) + table.energy / variance)
    return found - found.max()

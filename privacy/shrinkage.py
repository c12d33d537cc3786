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

from privacy.components import Floats
from privacy.group_prior import SIZES

_LOG_SIZE_SD = 0.7


@dataclass(frozen=True)
class Interaction:
    """What a measured table says of its interaction.

    `values`: its cells, in respondents; of them `contrasts` are free, each with noise variance `noise`. `sampling`:
    variance that pure sampling from independent attributes gives each cell, in respondents².
    """

    values: Floats
    sampling: Floats
    noise: float
    contrasts: int


@dataclass(frozen=True)
class Kept:
    """`shares`: of each cell's interaction that is kept, and `share` their mean, weighted by what sampling gives each.
    `size`: of true interactions in units of pure sampling.
    """

    shares: Floats
    share: float
    size: float


def kept_interactions(tables: Mapping[str, Interaction], interaction: float) -> dict[str, Kept]:
    """By table id. A cell is drawn by its own τ²: where hardly anybody is expected, hardly anything is kept.

    Cells count as independent, each for its share of the free contrasts; sizes are averaged by weight.
    """
    sizes = np.array(SIZES)
    weights = np.exp(_log_weights(list(tables.values()), interaction))
    weights /= weights.sum()
    kept: dict[str, Kept] = {}
    for name, table in tables.items():
        true = sizes[:, None, None] * table.sampling
        shares = np.tensordot(weights, true / np.maximum(true + table.noise, 1e-300), axes=1)
        whole = float(table.sampling.sum())
        share = float((shares * table.sampling).sum()) / whole if whole > 0 else 0.0
        kept[name] = Kept(shares, share, float(weights @ sizes))
    return kept


def _log_weights(tables: Sequence[Interaction], interaction: float) -> Floats:
    sizes = np.array(SIZES)
    found = -0.5 * ((np.log(sizes) - log(interaction)) / _LOG_SIZE_SD) ** 2
    for table in tables:
        variance = np.maximum(sizes[:, None, None] * table.sampling + table.noise, 1e-300)
        each = (np.log(variance) + table.values**2 / variance).sum(axis=(1, 2))
        found = found - 0.5 * each * table.contrasts / table.values.size
    return found - found.max()

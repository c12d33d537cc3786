"""A numeric question's histogram and its mean are two attributes of the same answers: their tables must agree.

Both hold the people without a usable number, cell by cell, and the same people with one. After the projections the
histogram's table is kept (for one-way tables: what both say, weighted by precision) and the mean's table moves to it.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Mapping

import numpy as np

from privacy.components import Floats, Key
from privacy.project import onto_margins, onto_simplex
from schemas.attributes import Attribute

_MEAN = "__mean"
_SCORE_CELLS = 2


def partners(attributes: Mapping[str, Attribute]) -> dict[str, str]:
    """Histogram id by the id of the mean that goes with it."""
    means = [name for name, attribute in attributes.items() if attribute.origin == "numeric_mean"]
    return {mean: mean.removesuffix(_MEAN) for mean in means if mean.removesuffix(_MEAN) in attributes}


def link_one_way(
    counts: dict[str, Floats], histogram: str, mean: str, precisions: Mapping[Key, float], total: float
) -> None:
    """Give both one-way tables in `counts` the same special cells, and the rest of the total to bins and score."""
    bins = len(counts[histogram]) - (len(counts[mean]) - _SCORE_CELLS)
    weights = np.array([precisions.get(("", (name,)), 0.0) for name in (histogram, mean)])
    if weights.sum() == 0:
        weights = np.ones(2)
    said = np.array([counts[histogram][bins:], counts[mean][_SCORE_CELLS:]])
    specials = weights @ said / weights.sum()
    rest = np.array([max(total - float(specials.sum()), 0.0)])
    for name, size in ((histogram, bins), (mean, _SCORE_CELLS)):
        counts[name] = np.concatenate([onto_simplex(counts[name][None, :size], rest)[0], specials])


def linked_two_way(mean_table: Floats, histogram_table: Floats, mean_counts: Floats) -> Floats:
    """The mean's crosstab (cells × groups) with the special rows and group bases of the histogram's crosstab."""
    bins = len(histogram_table) - (len(mean_counts) - _SCORE_CELLS)
    bases = histogram_table[:bins].sum(axis=0)
    score = onto_margins(mean_table[None, :_SCORE_CELLS], mean_counts[None, :_SCORE_CELLS], bases[None])[0]
    return np.vstack([score, histogram_table[bins:]])

"""What is added to the product of the margins in a two-way table: its effect from net scores, and the kept rest.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from privacy.components import Floats, Key
from privacy.feasible import Addition, Known, Table, with_margins
from privacy.group_effects import Effects
from privacy.group_tables import feasible_effect, net_weights, tilt
from privacy.project import product_table
from privacy.shrinkage import Interaction, Kept, kept_interactions
from schemas.attributes import Attribute
from schemas.plan import table_id

_NOBODY = 1e-12
_SOMEBODY = 0.25
"""Variance of a cell where hardly anybody is expected: somebody may be there all the same."""


@dataclass(frozen=True)
class LearnedPairs:
    """`added`: to the product of the margins, in respondents, in the pair's shape; for pairs of which something is
    known. `kept`: by table id, of interactions that were measured.
    """

    added: Mapping[Table, Addition]
    kept: Mapping[str, Kept]


@dataclass(frozen=True)
class _Tilted:
    """What a table's net score says: the effect over its groups, and the one that its margins allow without the rest.
    `tilted`, `weights`: over the cells.
    """

    effect: Floats
    feasible: Floats
    tilted: Floats
    weights: Floats

    def part(self, *, alone: bool) -> Floats:
        """Groups × cells. Beside the rest of its interaction, an effect may be larger than alone."""
        return np.outer(self.feasible if alone else self.effect, self.tilted)

    def rest_of(self, difference: Floats) -> Floats:
        return difference - np.outer(difference @ self.weights, self.tilted)


def _tilted(
    pair: Table,
    attributes: Mapping[str, Attribute],
    nets: Mapping[str, Attribute],
    ones: Mapping[str, Floats],
    effects: Mapping[str, Effects],
) -> _Tilted | None:
    group, head = pair
    known = effects.get(group)
    if known is None or head not in known.heads:
        return None
    counts, weights = ones[head], net_weights(attributes[head], nets[head])
    direction = tilt(counts, attributes[head], weights)
    effect = known.value[known.heads.index(head)]
    return _Tilted(effect, feasible_effect(effect, direction, counts, ones[group]), direction, weights)


def _variation(counts: Floats, total: float) -> Floats:
    """Variance of one respondent's being in each cell."""
    shares = np.clip(counts / total, 0.0, 1.0)
    return shares * (1 - shares)


def _is_learned(known: Known, pair: Table) -> bool:
    """Interactions of demographics among themselves stay as measured: nothing is believed about them."""
    return known.measures(pair) and not all(known.attributes[name].is_group for name in pair)


def _said(
    known: Known, pair: Table, rest: Floats, tilted: _Tilted | None, ones: Mapping[str, Floats], total: float,
    noise: float,
) -> dict[str, Interaction]:  # fmt: skip
    """What a measured table says of its interaction beside the net score, by table id; nothing where nothing is beside.

    A contrast's noise variance is `noise`; a cell of what is left has that of the row of the projection that left it.
    Margins of multis are not taken out. In the metric of sampling the tilt had its part of each cell, too.
    """
    free = [size if name in known.multis(pair) else size - 1 for name, size in zip(pair, rest.shape, strict=True)]
    variation = [_variation(ones[name], total) for name in pair]
    left = np.full(rest.shape[1], free[1] / rest.shape[1])
    if tilted is not None:
        cells = rest.shape[1]
        projection = (np.eye(cells) - np.outer(tilted.tilted, tilted.weights)) @ (np.eye(cells) - 1 / cells)
        left = (projection**2).sum(axis=1)
        part = tilted.tilted**2 / np.maximum(ones[pair[1]], _NOBODY)
        variation[1] = variation[1] * (1 - part / max(float(part.sum()), _NOBODY))
        free[1] -= 1
    contrasts = free[0] * free[1]
    if contrasts <= 0:
        return {}
    sampling = total * np.outer(*variation) + _SOMEBODY
    cell_noise = np.broadcast_to(noise * free[0] / rest.shape[0] * left, rest.shape)
    return {table_id(pair): Interaction(rest, sampling, cell_noise, contrasts)}


def learned_pairs(
    known: Known,
    pairs: Iterable[Table],
    ones: Mapping[str, Floats],
    total: float,
    precisions: Mapping[Key, float],
    nets: Mapping[str, Attribute],
    effects: Mapping[str, Effects],
    interaction: float,
    *,
    heavy_tails: bool,
) -> LearnedPairs:
    """Additions for every pair that is tilted or measured. Nothing is added where nothing is known."""
    tilts: dict[Table, _Tilted | None] = {}
    rests: dict[Table, Floats] = {}
    said: dict[str, Interaction] = {}
    for pair in pairs:
        tilts[pair] = _tilted(pair, known.attributes, nets, ones, effects)
        if not _is_learned(known, pair):
            continue
        multis = known.multis(pair)
        product = np.outer(ones[pair[0]], ones[pair[1]]) / total if multis else product_table(*(ones[i] for i in pair))
        values = known.values(pair)
        difference = (values if multis else with_margins(values, ones[pair[0]], ones[pair[1]])) - product
        tilted = tilts[pair]
        rests[pair] = difference if tilted is None else tilted.rest_of(difference)
        said |= _said(known, pair, rests[pair], tilted, ones, total, 1 / precisions[known.universe(pair), pair])
    kept = kept_interactions(said, interaction, heavy_tails=heavy_tails)
    added: dict[Table, Addition] = {}
    for pair, tilted in tilts.items():
        share = kept[table_id(pair)].shares if table_id(pair) in kept else 1.0
        if tilted is not None:
            change = tilted.part(alone=pair not in rests)
            if pair in rests:
                change = change + tilted.rest_of(share * rests[pair])
            added[pair] = Addition(change, tilted.weights, tilted.tilted)
        elif pair in rests:
            still = np.zeros(rests[pair].shape[1])
            added[pair] = Addition(share * rests[pair], still, still)
    return LearnedPairs(added, kept)

"""Feasible counts of a multi: options are ticks of the people who ticked, the other cells are exclusive people.

With N people, S in the exclusive cells and T = N − ΣS who ticked at least one of at most m options: 0 ≤ option ≤ T and
T ≤ Σ options ≤ m · T. In a crosstab the exclusive cells and T form a table of people with the groups as columns, and
each option is spread over the groups below their T.

Claim: docs/claims/estimate.md.
"""

from dataclasses import dataclass

import numpy as np

from privacy.components import Floats
from privacy.project import onto_capped_sum, onto_margins, onto_simplex
from schemas.attributes import Attribute, CellRole

EXCLUSIVE_ROLES = (CellRole.NONE, CellRole.NOT_ANSWERED, CellRole.NOT_ASKED, CellRole.INVALID)


@dataclass(frozen=True)
class MultiCells:
    """Positions of a multi's cells: the options, and the exclusive ones."""

    options: tuple[int, ...]
    exclusive: tuple[int, ...]
    at_most: int


def multi_cells(attribute: Attribute) -> MultiCells:
    """Split of a multi's cells."""
    exclusive = attribute.roles(*EXCLUSIVE_ROLES)
    options = tuple(i for i in range(attribute.size) if i not in exclusive)
    return MultiCells(options, exclusive, attribute.at_most)


def feasible_topline(values: Floats, cells: MultiCells, total: float) -> Floats:
    """Nearest feasible counts of a multi's one-way table among `total` people (exclusive cells first, then options)."""
    counts = np.zeros(len(values))
    people = np.maximum(values[list(cells.exclusive)], 0.0)
    if people.sum() > total:
        people = onto_simplex(values[None, list(cells.exclusive)], np.array([total]))[0]
    tickers = max(total - float(people.sum()), 0.0)
    ticks = np.clip(values[list(cells.options)], 0.0, tickers)
    most = min(cells.at_most, len(cells.options)) * tickers
    if not tickers <= ticks.sum() <= most:
        wanted = np.array([min(max(float(ticks.sum()), tickers), most)])
        ticks = onto_capped_sum(values[None, list(cells.options)], wanted, np.full((1, len(ticks)), tickers))[0]
    counts[list(cells.exclusive)] = people
    counts[list(cells.options)] = ticks
    return counts


def people_margin(counts: Floats, cells: MultiCells, total: float) -> Floats:
    """People by exclusive cell and, last, people who ticked: a one-way table of people."""
    people = counts[list(cells.exclusive)]
    return np.append(people, max(total - float(people.sum()), 0.0))


def feasible_crosstab(values: Floats, topline: Floats, groups: Floats, cells: MultiCells) -> tuple[Floats, Floats]:
    """Nearest feasible crosstab (multi cells × groups) with the fixed topline and group sizes.

    Returns: the crosstab, and the table of people (exclusive cells and, last, people who ticked × groups).
    """
    exclusive, options = list(cells.exclusive), list(cells.options)
    measured = values[exclusive]
    observed = np.vstack([measured, groups - measured.sum(axis=0)])
    margin = people_margin(topline, cells, float(groups.sum()))
    people = onto_margins(observed[None], margin[None], groups[None])[0]
    caps = np.broadcast_to(people[-1], (len(options), len(groups)))
    totals = np.minimum(topline[options], people[-1].sum())
    counts = np.zeros(values.shape)
    counts[exclusive] = people[:-1]
    counts[options] = onto_capped_sum(values[options], totals, caps)
    return counts, people


def feasible_pair_of_multis(values: Floats, first: Floats, second: Floats, total: float) -> Floats:
    """Ticks of two multis together: each cell between what must and what can coincide."""
    least = np.maximum(first[:, None] + second[None, :] - total, 0.0)
    return np.clip(values, least, np.minimum(first[:, None], second[None, :]))

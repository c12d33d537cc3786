"""From estimated components to counts that could be those of people: total, one-way, two-way, three-way, in that order.

What comes earlier is fixed for what comes later, so that every table agrees with every other. Interactions that nobody
measured are those of independence (three-way: of no three-way interaction), never zeros.

Claim: docs/claims/estimate.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from privacy.components import Floats, Key, assembled
from privacy.project import onto_margins, onto_simplex, product_table
from privacy.project_multi import (
    feasible_crosstab,
    feasible_pair_of_multis,
    feasible_topline,
    multi_cells,
    people_margin,
)
from privacy.project_three import families, fitted_three_way, needed_mixing
from privacy.residual import universe_of
from schemas.attributes import Attribute

LEAST_TOTAL = 1e-6
"""Floor of the total, in respondents: noise can make it negative, and shares need something to be shares of."""
Table = tuple[str, ...]


_NET_ROUNDS = 4


@dataclass(frozen=True)
class Addition:
    """What is known of a two-way table beside the product of its margins, in respondents and the table's shape.

    `weights`, `tilted`: the net score of each cell of the second axis, and the change of cells that moves it by one
    (`privacy.group_tables`); zeros where the table has no net score. Making a table feasible keeps its net scores.
    """

    change: Floats
    weights: Floats
    tilted: Floats


@dataclass(frozen=True)
class Known:
    """What the measurement says: components by universe, and the attributes they are about."""

    attributes: Mapping[str, Attribute]
    sizes: Mapping[str, int]
    parts: Mapping[Key, Floats]

    def universe(self, table: Table) -> str:
        return universe_of(tuple(self.attributes[i] for i in table))

    def multis(self, table: Table) -> Table:
        return tuple(i for i in table if self.attributes[i].kind == "multi")

    def measures(self, table: Table) -> bool:
        """Whether the table's highest interaction was measured, in this table or a larger one."""
        return (self.universe(table), table) in self.parts

    def values(self, table: Table) -> Floats:
        """The table as least squares has it; negative cells are possible."""
        return assembled(table, self.universe(table), self.parts, self.sizes)


def people_total(known: Known) -> float:
    """Respondents, never below LEAST_TOTAL: the total of their tables; without one, the least that the multis
    allow.
    """
    if ("", ()) in known.parts:
        return max(float(known.parts["", ()]), LEAST_TOTAL)
    least = LEAST_TOTAL
    for name, attribute in known.attributes.items():
        if attribute.kind == "multi" and known.measures((name,)):
            cells = multi_cells(attribute)
            values = np.maximum(known.values((name,)), 0.0)
            ticks = values[list(cells.options)]
            tickers = max(float(ticks.max()), float(ticks.sum()) / cells.at_most)
            least = max(least, float(values[list(cells.exclusive)].sum()) + tickers)
    return least


def one_way_counts(known: Known, names: Iterable[str], total: float) -> dict[str, Floats]:
    """Feasible one-way tables. A single choice or score sums to the total; unknown ones are even."""
    by_size: dict[int, list[str]] = defaultdict(list)
    counts: dict[str, Floats] = {}
    for name in names:
        attribute = known.attributes[name]
        if attribute.kind == "multi":
            counts[name] = feasible_topline(known.values((name,)), multi_cells(attribute), total)
        else:
            by_size[attribute.size].append(name)
    for size, members in by_size.items():
        values = np.array([known.values((name,)) for name in members])
        feasible = onto_simplex(values, np.full(len(members), total))
        counts |= dict(zip(members, feasible.reshape(-1, size), strict=True))
    return counts


def with_margins(values: Floats, first: Floats, second: Floats) -> Floats:
    """The same interactions, but these margins, whose totals agree."""
    rows, columns = first - values.sum(axis=1), second - values.sum(axis=0)
    lacking = rows[:, None] / values.shape[1] + columns[None, :] / values.shape[0]
    return values + lacking - rows.sum() / values.size


def _people_tables(
    known: Known, pairs: list[Table], ones: Mapping[str, Floats], added: Mapping[Table, Addition]
) -> dict[Table, Floats]:
    counts: dict[Table, Floats] = {}
    by_shape: dict[tuple[int, ...], list[Table]] = defaultdict(list)
    for pair in pairs:
        first, second = ones[pair[0]], ones[pair[1]]
        if known.measures(pair) or pair in added:
            by_shape[len(first), len(second)].append(pair)
        else:
            counts[pair] = product_table(first, second)
    for members in by_shape.values():
        rows, columns = (np.array([ones[pair[axis]] for pair in members]) for axis in (0, 1))
        values = np.array([_people_values(known, pair, ones, added) for pair in members])
        learned = [added[pair] for pair in members if pair in added]
        fitted = onto_margins(values, rows, columns)
        if len(learned) == len(members) and any(known.measures(pair) for pair in members):
            fitted = _keeping_nets(values, fitted, rows, columns, learned)
        counts |= dict(zip(members, fitted, strict=True))
    return counts


def _keeping_nets(values: Floats, fitted: Floats, rows: Floats, columns: Floats, learned: list[Addition]) -> Floats:
    """Feasible tables with the net scores by row of `values`: what a projection takes is added and projected again."""
    weights, tilted = np.array([a.weights for a in learned]), np.array([a.tilted for a in learned])
    wanted = np.einsum("tgk,tk->tg", values, weights)
    for _ in range(_NET_ROUNDS):
        lost = wanted - np.einsum("tgk,tk->tg", fitted, weights)
        values = values + lost[:, :, None] * tilted[:, None, :]
        fitted = onto_margins(values, rows, columns)
    return fitted


def _people_values(known: Known, pair: Table, ones: Mapping[str, Floats], added: Mapping[Table, Addition]) -> Floats:
    first, second = ones[pair[0]], ones[pair[1]]
    if pair in added:
        return product_table(first, second) + added[pair].change
    return with_margins(known.values(pair), first, second)


def _multi_table(
    known: Known, pair: Table, ones: Mapping[str, Floats], total: float, added: Mapping[Table, Addition]
) -> Floats:
    multis = known.multis(pair)
    if len(multis) == 2:
        first, second = ones[pair[0]], ones[pair[1]]
        product = np.outer(first, second) / total
        values = known.values(pair) if known.measures(pair) else product
        values = product + added[pair].change if pair in added else values
        return feasible_pair_of_multis(values, first, second, total)
    position = pair.index(multis[0])
    topline, groups = ones[multis[0]], ones[pair[1 - position]]
    if not known.measures(pair):
        table = np.outer(topline, groups) / total
    else:
        learned = known.values(pair)
        if pair in added:
            learned = np.outer(ones[pair[0]], ones[pair[1]]) / total + added[pair].change
        values = np.moveaxis(learned, position, 0)
        values = values + (topline - values.sum(axis=1))[:, None] / values.shape[1]
        table, _ = feasible_crosstab(values, topline, groups, multi_cells(known.attributes[multis[0]]))
    return np.moveaxis(table, 0, position)


def two_way_counts(
    known: Known, pairs: Iterable[Table], ones: Mapping[str, Floats], total: float, added: Mapping[Table, Addition]
) -> dict[Table, Floats]:
    """Feasible two-way tables with the one-way tables as margins.

    `added`: what is known of a pair beside the product of its margins; a measured pair that is not in it stays as
    least squares has it.
    """
    wanted = list(pairs)
    people = [pair for pair in wanted if not known.multis(pair)]
    counts = _people_tables(known, people, ones, added)
    counts |= {pair: _multi_table(known, pair, ones, total, added) for pair in wanted if known.multis(pair)}
    return counts


def _independent(table: Table, ones: Mapping[str, Floats], total: float) -> Floats:
    cells = ones[table[0]]
    for name in table[1:]:
        cells = np.multiply.outer(cells, ones[name] / total)
    return cells


def _people_cube(
    table: Table, known: Known, ones: Mapping[str, Floats], twos: Mapping[Table, Floats]
) -> tuple[Floats, float]:
    first, second, third = (twos[pair] for pair in combinations(table, 2))
    measured = known.values(table) if known.measures(table) else None
    return fitted_three_way(measured, (first, second, third), product_table(*(ones[name] for name in table)))


def _multi_cube(
    table: Table, known: Known, ones: Mapping[str, Floats], twos: Mapping[Table, Floats], total: float
) -> tuple[Floats, float]:
    (multi,) = known.multis(table)
    position = table.index(multi)
    one, other = (name for name in table if name != multi)
    cells = multi_cells(known.attributes[multi])
    exclusive, options = list(cells.exclusive), list(cells.options)
    by_one, by_other = (
        twos[pair] if pair[0] == multi else twos[pair].T for pair in combinations(table, 2) if multi in pair
    )
    groups = twos[one, other]
    product = np.moveaxis(_independent(table, ones, total), position, 0)
    wanted = np.moveaxis(known.values(table), position, 0) if known.measures(table) else product
    sides = [
        np.vstack([side[exclusive], np.maximum(size - side[exclusive].sum(axis=0), 0.0)])
        for side, size in ((by_one, ones[one]), (by_other, ones[other]))
    ]
    margin = people_margin(ones[multi], cells, float(groups.sum()))
    people_product = product_table(margin, ones[one], ones[other])
    observed = None
    if known.measures(table):
        observed = np.concatenate([wanted[exclusive], (groups - wanted[exclusive].sum(axis=0))[None]])
    people, mixing = fitted_three_way(observed, (sides[0], sides[1], groups), people_product)
    ticks = onto_margins(
        _near_margins(wanted[options], by_one[options], by_other[options]), by_one[options], by_other[options]
    )
    mixing = max(mixing, needed_mixing(people[-1] - ticks, people_product[-1] - product[options], total))
    cube = np.empty(product.shape)
    cube[exclusive], cube[options] = people[:-1], ticks
    return np.moveaxis(cube, 0, position), mixing


def _near_margins(stack: Floats, rows: Floats, columns: Floats) -> Floats:
    return np.array([with_margins(v, r, c) for v, r, c in zip(stack, rows, columns, strict=True)])


def three_way_counts(
    known: Known,
    tables: Iterable[Table],
    ones: Mapping[str, Floats],
    twos: dict[Table, Floats],
    total: float,
) -> dict[Table, Floats]:
    """Feasible three-way tables, and the two-way tables in `twos` mixed with their products as far as these need it.

    Tables of two multis get no margins: their cells are only kept between 0 and the people.
    """
    counts: dict[Table, Floats] = {}
    wanted = list(tables)
    for table in wanted:
        if len(known.multis(table)) > 1:
            values = known.values(table) if known.measures(table) else _independent(table, ones, total)
            counts[table] = np.clip(values, 0.0, total)
    for family in families([table for table in wanted if table not in counts]):
        cubes: dict[Table, tuple[Floats, float]] = {}
        for table in family:
            if known.multis(table):
                cubes[table] = _multi_cube(table, known, ones, twos, total)
            else:
                cubes[table] = _people_cube(table, known, ones, twos)
        mixing = max(needed for _, needed in cubes.values())
        for table, (cube, _) in cubes.items():
            counts[table] = _mixed(cube, _independent(table, ones, total), mixing)
        for pair in dict.fromkeys(pair for table in family for pair in combinations(table, 2)):
            twos[pair] = _mixed(twos[pair], _independent(pair, ones, total), mixing)
    return counts


def _mixed(table: Floats, product: Floats, mixing: float) -> Floats:
    return np.maximum((1 - mixing) * table + mixing * product, 0.0)

"""The split of the loss over the measured tables that minimises the expected error of what is published.

Minimise F = Σ_A a_A / (p_A + 1/τ_A²) over shares s, where p_A = Σ_B X_AB k_B s_B^r: table B gets precision k_B with
the whole loss, X is its dilution on component A, a_A sums weight × variance factor over the published tables that
contain A, and τ_A² is the prior variance. r = 1 for Gaussian noise (precision is linear in ρ), 2 for Laplace (it goes
with ε²). For r = 1, F is convex in s and the duality gap certifies the optimum.

Algorithm: the multiplicative algorithm of optimal design. With h_B = Σ_A X_AB a_A / (p_A + 1/τ_A²)², Cauchy–Schwarz
gives F(s') ≤ Σ_B u_B² h_B / u'_B + constant for the precisions u of s, with equality at s' = s, so minimising the right
side never raises F; the minimum is s'_B ∝ (u_B² h_B / k_B)^{1/(r+1)}, raised to the minimum share where it is below.
For r = 1 this is s'_B ∝ s_B · (gradient)^{1/2}.

Source: Yu, "Monotonic convergence of a general algorithm for computing optimal designs", Annals of Statistics 38
(2010), theorem 1; Xiao et al., NeurIPS 2023 (the objective without prior).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf

import numpy as np
from numpy.typing import NDArray

from privacy.prior import Belief, net_prior_variance, prior_variance
from privacy.residual import Component, components_of, dilution, universe_of, variance_factor
from privacy.workload import NetCandidate, WantedTable
from schemas.attributes import Attribute

Floats = NDArray[np.float64]

GAP = 1e-4
"""Certified relative distance from the optimum at which the search ends: the objective is flat, so that
errors differ by less than that there."""
MOST_ROUNDS = 3000
_RELAXED = 0.9
_VANISHED = 1e-100

KNOWN = 0.3
"""A crosstab is worth counting cell by cell when that removes at least this part of its interactions' variance."""
NET_KNOWN = 0.02
"""The same for a net score to be measured at all: many that are each little known tell together what they share."""
SURE = 0.999
"""And it is not measured where crosstabs alone remove this part of its prior variance."""
BLOCK_PART = 0.4
"""Part of an item's prior variance that it shares with the other items of its index."""
_KNOWN_STEPS = (0.05, 0.1, 0.2, KNOWN)
NEGLIGIBLE = 0.05
"""Optional tables below this part of an equal share are not measured: together they hold less than that of the loss."""


def _sums(places: NDArray[np.int64], values: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(places, values, size), dtype=np.float64)


@dataclass(frozen=True)
class Dilutions:
    """The sparse matrix X, components × tables, by its entries: one a component of a table."""

    components: NDArray[np.int64]
    tables: NDArray[np.int64]
    values: Floats
    shape: tuple[int, int]

    def of_tables(self, each: Floats) -> Floats:
        """X times one number a table."""
        return _sums(self.components, self.values * each[self.tables], self.shape[0])

    def of_components(self, each: Floats) -> Floats:
        """Xᵀ times one number a component."""
        return _sums(self.tables, self.values * each[self.components], self.shape[1])

    def keeping(self, kept: NDArray[np.bool_]) -> "Dilutions":
        """X with the columns of these tables only."""
        inside, places = kept[self.tables], np.cumsum(kept) - 1
        columns = places[self.tables[inside]]
        return Dilutions(self.components[inside], columns, self.values[inside], (self.shape[0], int(kept.sum())))


@dataclass(frozen=True)
class Design:
    """The problem as arrays: components × tables.

    `dilutions` X; `importance` a; `prior_precision` 1/τ² (0 where nothing is believed);
    `floors`: minimum shares, summing to less than 1; `top`: for each table, the component of all its attributes;
    `optional`: whether it may be left unmeasured; `least_known`: the known part below which it then is.
    """

    dilutions: Dilutions
    importance: Floats
    prior_precision: Floats
    floors: Floats
    top: NDArray[np.int64]
    optional: NDArray[np.bool_]
    least_known: Floats

    def without(self, kept: NDArray[np.bool_]) -> "Design":
        """The same published tables with fewer of them measured."""
        return replace(
            self,
            dilutions=self.dilutions.keeping(kept),
            floors=self.floors[kept],
            top=self.top[kept],
            optional=self.optional[kept],
            least_known=self.least_known[kept],
        )

    def objective(self, precisions: Floats) -> float:
        """F of the tables' cell precisions: weighted mean cell variance, in respondents²; inf if one is not known."""
        known = self.dilutions.of_tables(precisions) + self.prior_precision
        return float(np.sum(self.importance / known)) if np.all(known > 0) else inf

    def spared(self, precisions: Floats) -> NDArray[np.bool_]:
        """Net scores that the tables of cells know almost perfectly by themselves."""
        nets = self.least_known == NET_KNOWN
        return nets & (self.known_parts(np.where(nets, 0.0, precisions)) >= SURE)

    def known_parts(self, precisions: Floats) -> Floats:
        """For each table, the part of its top component's prior variance that measuring removes (1 without prior)."""
        gained = self.dilutions.of_tables(precisions)
        return (gained / (gained + self.prior_precision))[self.top]


@dataclass(frozen=True)
class Allocation:
    """Shares of the loss and cell precisions (respondents⁻²), one per measured table.

    `measured`: positions of those tables among the candidates. `gap`: certified distance from the optimum for these
    tables with Gaussian noise; `inf` for Laplace, where only a local optimum is found.
    """

    measured: NDArray[np.int64]
    shares: Floats
    precisions: Floats
    objective: float
    gap: float
    rounds: int


class _Rows:
    """The components while the problem is being put together: each with its importance and prior precision."""

    def __init__(self) -> None:
        self._positions: dict[tuple[str, Component], int] = {}
        self.importance: list[float] = []
        self.prior_precision: list[float] = []
        self.entries: list[tuple[int, int, float]] = []

    def row(self, key: tuple[str, Component], prior_variance_of: Callable[[], float]) -> int:
        row = self._positions.setdefault(key, len(self._positions))
        if row == len(self.importance):
            self.importance.append(0.0)
            self.prior_precision.append(1 / prior_variance_of())
        return row


def design_of(
    tables: Sequence[WantedTable],
    nets: Sequence[NetCandidate],
    attributes: Mapping[str, Attribute],
    belief: Belief,
) -> Design:
    """All wanted tables, then all net scores, as candidates for measuring.

    A net score knows the effect of its own head, and where that is an item of an index, the effect that the items
    share. A crosstab knows its net score with the variance of that sum of its cells.
    """
    sizes = {identifier: attribute.size for identifier, attribute in attributes.items()}
    rows = _Rows()
    top: list[int] = []
    for column, table in enumerate(tables):
        universe = universe_of(table.attributes)
        multis = tuple(a for a in table.attributes if a.kind == "multi")
        row = -1
        for component in components_of(table.ids):
            row = rows.row((universe, component), partial(prior_variance, component, multis, attributes, belief))
            rows.importance[row] += table.weight * variance_factor(table.ids, component, sizes)
            rows.entries.append((row, column, dilution(table.ids, component, sizes)))
        top.append(row)
    for column, net in enumerate(nets, start=len(tables)):
        top.append(_add_net(rows, net, column, belief))
    positions, columns, values = (np.array(part) for part in zip(*rows.entries, strict=True))
    dilutions = Dilutions(positions, columns, values, (len(rows.importance), len(tables) + len(nets)))
    demanded = np.array([candidate.floor for candidate in (*tables, *nets)])
    return Design(
        dilutions,
        np.array(rows.importance),
        np.array(rows.prior_precision),
        demanded / max(np.count_nonzero(demanded), 1),
        np.array(top),
        np.array([candidate.optional for candidate in (*tables, *nets)]),
        np.array([KNOWN] * len(tables) + [NET_KNOWN] * len(nets)),
    )


def _add_net(rows: _Rows, net: NetCandidate, column: int, belief: Belief) -> int:
    """Rows of a net score's effects; returns that of its own."""
    whole = partial(net_prior_variance, net.group, net.head, net.net, belief)
    weights = np.array(net.net.weights) * net.head.unit / net.net.unit
    of_crosstab = 1 / float(weights @ weights)
    place = (net.group.id,)
    is_index = net.head.id in net.blocks
    parts = [(f"block:{block}", BLOCK_PART) for block in net.blocks]
    if not is_index:
        parts.append((f"own:{net.head.id}", 1.0 - (BLOCK_PART if net.blocks else 0.0)))
    row = -1
    for name, part in parts:
        row = rows.row((name, place), lambda part=part: part * whole())
        rows.importance[row] += net.weight
        rows.entries.append((row, column, 1.0))
        rows.entries.append((row, net.position, of_crosstab))
    return row


def raise_to_floors(wanted: Floats, floors: Floats) -> Floats:
    """Shares max(floor, λ · wanted) that sum to 1, with the λ that does it."""
    wanted = np.where(wanted > _VANISHED * np.max(wanted), wanted, 0.0)
    ratio = np.divide(floors, wanted, out=np.full(len(wanted), inf), where=wanted > 0)
    order = np.argsort(ratio, kind="stable")
    free = np.cumsum(wanted[order])
    bound = np.sum(floors) - np.cumsum(floors[order])
    level = (1 - bound) / free
    count = int(np.count_nonzero(ratio[order] <= level))
    shares = np.maximum(floors, level[max(count, 1) - 1] * wanted)
    return shares / np.sum(shares)


def optimal_shares(design: Design, whole: Floats, power: int, start: Floats | None = None) -> Allocation:
    """Shares that minimise the objective from a start (even shares without one).

    Args:
        whole: k, each table's cell precision (respondents⁻²) if it got the whole loss.
        power: r, 1 for Gaussian and 2 for Laplace.
    """
    shares = raise_to_floors(np.ones(len(whole)) if start is None else start, design.floors)
    value, gap, rounds = design.objective(whole * shares**power), inf, 0
    plain = relaxed = 1 / (power + 1)
    for rounds in range(1, MOST_ROUNDS + 1):  # noqa: B007
        gradient = _gradient(design, whole, shares, power)
        if power == 1:
            gap = _duality_gap(gradient, shares, design.floors)
            if gap <= GAP * value:
                break
        step = shares * np.power(gradient / np.max(gradient), relaxed)
        moved = raise_to_floors(step, design.floors)
        lower = design.objective(whole * moved**power)
        if lower > value and relaxed > plain:
            relaxed = plain
            continue
        if power != 1 and value - lower <= 1e-6 * value:
            break
        shares, value = moved, lower
        relaxed = min(relaxed * 1.2, _RELAXED * plain * 2)
    return Allocation(np.arange(len(whole)), shares, whole * shares**power, value, gap, rounds)


def _best_of_starts(design: Design, whole: Floats, power: int, start: Floats | None) -> Allocation:
    """The optimum for Gaussian noise; for Laplace the best of the local optima from several starts."""
    if power == 1:
        return optimal_shares(design, whole, power, start)
    even, nets = np.ones(len(whole)), design.least_known < KNOWN
    faint = [design.optional, design.optional & nets, design.optional & ~nets]
    starts = [even, optimal_shares(design, whole, 1).shares, *(np.where(part, 1e-3, 1.0) for part in faint)]
    found = [optimal_shares(design, whole, power, s) for s in ([start] if start is not None else []) + starts]
    return min(found, key=lambda allocation: allocation.objective)


def allocate(design: Design, whole: Floats, power: int) -> Allocation:
    """The best split, and which tables it measures.

    Optional tables that cannot be known, or get a negligible share, are dropped a few at a time (the least known
    first), and what they held goes to the others, some of which can be known then.
    """
    kept = np.arange(len(whole))
    found = _best_of_starts(design, whole, power, None)
    for least in _KNOWN_STEPS:
        unknown = design.known_parts(found.precisions) < np.minimum(least, design.least_known)
        dropped = design.optional & (unknown | (found.shares < NEGLIGIBLE / len(kept)))
        if not dropped.any():
            continue
        stay = ~dropped
        kept, design = kept[stay], design.without(stay)
        found = _best_of_starts(design, whole[kept], power, found.shares[stay] / np.sum(found.shares[stay]))
    spared = design.spared(found.precisions)
    if spared.any():
        kept, design = kept[~spared], design.without(~spared)
        found = _best_of_starts(design, whole[kept], power, found.shares[~spared] / np.sum(found.shares[~spared]))
    return replace(found, measured=kept)


def _gradient(design: Design, whole: Floats, shares: Floats, power: int) -> Floats:
    known = design.dilutions.of_tables(whole * shares**power) + design.prior_precision
    return design.dilutions.of_components(design.importance / known**2) * whole * power * shares ** (power - 1)


def _duality_gap(gradient: Floats, shares: Floats, floors: Floats) -> float:
    """Upper bound on F − F*: what the best shares could gain if F were its tangent."""
    best = np.sum(gradient * floors) + (1 - np.sum(floors)) * np.max(gradient)
    return float(best - np.sum(gradient * shares))

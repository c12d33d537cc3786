"""Exact counts of the planned tables, from what an engine counted by packed keys. What comes out is `Exact`."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.zone.packing import Amount, Digit, Key, Packing, Part
from privacy.measure import Exact
from schemas.attributes import MICRO
from schemas.plan import MeasuredTable

Counts = NDArray[np.int64]


class CountEngine(Protocol):
    """What holds the responses and counts them, one row a respondent, integer codes only."""

    def totals(self, packing: Packing) -> Sequence[Mapping[Amount | None, Counts]]:
        """Of every key: how many responses have each of its values (None), and the sums of its amounts over them.

        As vectors of the key's cells, the last digit varying fastest, zeros included. They are exact: whoever asks
        wraps them.
        """
        ...


def count_tables(engine: CountEngine, packing: Packing, tables: Sequence[MeasuredTable]) -> Exact[Mapping[str, Counts]]:
    """Exact counts of every measured table, in its integer units and shape, zero cells included.

    A net score is a weighted sum over the table of what it is of. Everything after the engine's totals is the same for
    every engine.
    """
    marginals = [_Marginals(key, found) for key, found in zip(packing.keys, engine.totals(packing), strict=True)]
    counted = {table.id: _table(table, packing.parts[table.id], marginals) for table in packing.counted}
    return Exact({table.id: _measured(table, packing, counted) for table in tables})


def _measured(table: MeasuredTable, packing: Packing, counted: Mapping[str, Counts]) -> Counts:
    net = packing.nets.get(table.id)
    if net is None:
        return counted[table.id]
    return (counted[net.source] @ np.array(net.weights, dtype=np.int64)).reshape(table.shape)


class _Marginals:
    """Marginals of what a key counted, each summed from a smaller one where that is known."""

    def __init__(self, key: Key, whole: Mapping[Amount | None, Counts]) -> None:
        shape = tuple(digit.size for digit in key.digits)
        self._digits = key.digits
        self._known = {(amount, key.digits): counts.reshape(shape) for amount, counts in whole.items()}

    def of(self, digits: frozenset[Digit], amount: Amount | None) -> tuple[tuple[Digit, ...], Counts]:
        """The marginal over `digits`, and its axes. The fastest digits are summed over first: others need that too."""
        axes = self._digits
        counts = self._known[amount, axes]
        for digit in reversed(self._digits):
            if digit in digits:
                continue
            position = axes.index(digit)
            axes = (*axes[:position], *axes[position + 1 :])
            known = self._known.get((amount, axes))
            counts = self._known[amount, axes] = counts.sum(axis=position) if known is None else known
        return axes, counts


def _table(table: MeasuredTable, parts: Sequence[tuple[Part, int]], marginals: Sequence[_Marginals]) -> Counts:
    counts = np.zeros(table.shape, dtype=np.int64)
    for part, key in parts:
        people = _part(part, marginals[key], None)
        filled = people if part.amount is None else _split(part, people, _part(part, marginals[key], part.amount))
        counts[tuple(place if isinstance(place, int) else slice(None) for place in part.place)] = filled
    return counts


def _part(part: Part, marginals: _Marginals, amount: Amount | None) -> Counts:
    """Counts or sums of a part, with the axes of its table that digits run along."""
    axes, counts = marginals.of(frozenset(part.digits), amount)
    ticked = counts[tuple(1 if digit in part.ticked else slice(None) for digit in axes)]
    left = [digit for digit in axes if digit not in part.ticked]
    return ticked.transpose([left.index(place) for place in part.place if not isinstance(place, int)])


def _split(part: Part, people: Counts, high: Counts) -> Counts:
    """Units of a score: a respondent's one unit lies in `high` and the remainder, or in a cell of its own."""
    along = [place for place in part.place if not isinstance(place, int)]
    axis = next(i for i, digit in enumerate(along) if digit.score)
    units = np.moveaxis(people * MICRO, axis, 0)
    answered = np.moveaxis(high, axis, 0)[0]
    units[1] = units[0] - answered
    units[0] = answered
    return np.moveaxis(units, 0, axis)


def size_of(digits: Sequence[Digit]) -> int:
    """Cells of digits counted together."""
    return prod(digit.size for digit in digits)

"""Nearest feasible counts: non-negative, with given totals and margins. All functions work on stacks of tables.

The noise of what is projected is isotropic on the freedom that is left (a table with fixed margins varies only in its
interaction, all of whose contrasts have one variance), so the nearest point in the metric of the noise is the
Euclidean one. `onto_margins` finds it by block ascent on the dual and ends with an exact rounding, so that margins
agree to floating point whatever the noise.

Claim: docs/claims/estimate.md.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ROUNDS = 40
_CLOSE = 1e-7


def _threshold(values: Floats, totals: Floats) -> Floats:
    """The θ of each row with Σ max(value − θ, 0) = total, along the last axis."""
    falling = -np.sort(-values, axis=-1)
    excess = np.cumsum(falling, axis=-1) - totals[..., None]
    counts = np.arange(1, values.shape[-1] + 1)
    kept = np.maximum((falling * counts > excess).sum(axis=-1), 1)
    chosen = np.take_along_axis(excess, (kept - 1)[..., None], axis=-1)[..., 0]
    return chosen / kept


def ratio(numerator: Floats, denominator: Floats, otherwise: float) -> Floats:
    """Their quotient, or `otherwise` where the denominator is not positive."""
    positive = denominator > 0
    return np.where(positive, numerator / np.where(positive, denominator, 1.0), otherwise)


def onto_simplex(values: Floats, totals: Floats) -> Floats:
    """Nearest non-negative vectors (last axis) with the given non-negative totals.

    Source: Held, Wolfe and Crowder 1974; Duchi et al. 2008, figure 1.
    """
    nearest = np.maximum(values - _threshold(values, totals)[..., None], 0.0)
    sums = nearest.sum(axis=-1)
    even = totals[..., None] / values.shape[-1]
    return np.where((sums > 0)[..., None], nearest * ratio(totals, sums, 0.0)[..., None], even)


def _capped_threshold(values: Floats, totals: Floats, caps: Floats) -> Floats:
    """The t of each row with Σ min(max(value + t, 0), cap) = total, along the last axis.

    The sum is piecewise linear in t: each value begins to count at −value and stops at cap − value.
    """
    turns = np.concatenate([-values, caps - values], axis=-1)
    order = np.argsort(turns, axis=-1, kind="stable")
    turns = np.take_along_axis(turns, order, axis=-1)
    slopes = np.cumsum(np.where(order < values.shape[-1], 1.0, -1.0), axis=-1)[..., :-1]
    reached = np.cumsum(slopes * np.diff(turns, axis=-1), axis=-1)
    enough = reached >= totals[..., None]
    step = np.where(enough.any(axis=-1), enough.argmax(axis=-1), reached.shape[-1] - 1)[..., None]

    def at(numbers: Floats) -> Floats:
        return np.take_along_axis(numbers, step, axis=-1)[..., 0]

    return at(turns[..., 1:]) - ratio(at(reached) - totals, at(slopes), 0.0)


def onto_capped_sum(values: Floats, totals: Floats, caps: Floats) -> Floats:
    """Nearest vectors (last axis) between 0 and `caps` with the given totals, each at most the sum of its caps.

    What rounding leaves over goes where there is room.
    """
    nearest = np.clip(values + _capped_threshold(values, totals, caps)[..., None], 0.0, caps)
    for _ in range(2):
        lacking = totals - nearest.sum(axis=-1)
        room = np.where((lacking >= 0)[..., None], caps - nearest, nearest)
        nearest = np.clip(nearest + lacking[..., None] * ratio(room, room.sum(axis=-1, keepdims=True), 0.0), 0.0, caps)
    return nearest


def rounded_to_margins(tables: Floats, rows: Floats, columns: Floats) -> Floats:
    """Non-negative tables (m, a, b) moved to exactly the margins (m, a) and (m, b), whose totals agree.

    Rows and columns that are too large are scaled down; what is then lacking is spread as a product. The table moves
    by at most twice its distance from the margins. Source: Altschuler, Weed and Rigollet 2017, algorithm 2, lemma 7.
    """
    fitted = tables * np.minimum(ratio(rows, tables.sum(axis=2), 1.0), 1.0)[:, :, None]
    fitted = fitted * np.minimum(ratio(columns, fitted.sum(axis=1), 1.0), 1.0)[:, None, :]
    row_lack = np.maximum(rows - fitted.sum(axis=2), 0.0)
    column_lack = np.maximum(columns - fitted.sum(axis=1), 0.0)
    share = ratio(column_lack, column_lack.sum(axis=1, keepdims=True), 0.0)
    fitted = fitted + row_lack[:, :, None] * share[:, None, :]
    return fitted * ratio(rows, fitted.sum(axis=2), 1.0)[:, :, None]


def onto_margins(tables: Floats, rows: Floats, columns: Floats) -> Floats:
    """Nearest non-negative tables (m, a, b) with the margins `rows` (m, a) and `columns` (m, b), whose totals agree.

    The nearest table is max(x + α_i + β_j, 0); α and β are found in turn, each exactly, which is block coordinate
    ascent on a smooth concave dual (Tseng 2001). Tables that are not there after the last round are rounded: they
    are feasible, and near the nearest.
    """
    fitted = np.empty_like(tables)
    open_ones = np.arange(len(tables))
    column_shift = np.zeros(columns.shape)
    for round_number in range(_ROUNDS):
        x, r, c = tables[open_ones], rows[open_ones], columns[open_ones]
        row_shift = -_threshold(x + column_shift[:, None, :], r)
        shifted = x + row_shift[:, :, None]
        column_shift = -_threshold(shifted.swapaxes(1, 2), c)
        now = np.maximum(shifted + column_shift[:, None, :], 0.0)
        error = np.abs(now.sum(axis=2) - r).max(axis=1)
        going_on = (error > _CLOSE * r.sum(axis=1)) & (round_number < _ROUNDS - 1)
        fitted[open_ones] = now
        open_ones, column_shift = open_ones[going_on], column_shift[going_on]
        if not len(open_ones):
            break
    return rounded_to_margins(fitted, rows, columns)


def product_table(*margins: Floats) -> Floats:
    """The table of independent attributes with these margins, whose totals agree and are positive."""
    table = margins[0]
    total = margins[0].sum()
    for margin in margins[1:]:
        table = np.multiply.outer(table, margin / total)
    return table

"""Errors of a figure: sampling, privacy noise and bias, each alone, and the 95 % interval of all.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from privacy.components import Floats, Key
from privacy.statistics import Figure, FigureSet

Z95 = 1.959963984540054
"""Half-width of a 95 % normal interval, in standard deviations."""
LEAST_BASE = 0.5
"""Below this noisy base, in respondents, a ratio says nothing: the value is undefined."""
PLUS_FOUR = 4.0
LEAST_LEARNED = 0.5
"""A figure that was drawn towards others is a finding when at least this part of its prior variance was learned.
Intervals hold on average over figures; those of which less is known fit figures in general, and miss one that is unlike
the others.
"""


def _inverse(precision: float) -> float:
    return 1 / precision if precision > 0 else 0.0


@dataclass(frozen=True)
class CellNoise:
    """Noise of the cells x_1 … x_n of one attribute, for everybody or in one group.

    A linear contrast gᵀx has variance `level` · (Σg)² + `shape` · (|g|² − (Σg)²/n) + gᵀ `more` g: cells of a table are
    correlated through the components they share, and that is all of it, but for what calibration adds. In respondents².
    """

    level: float
    shape: float
    size: int
    more: Floats | None = None

    def variance(self, contrasts: Floats) -> Floats:
        """Of contrasts along the last axis."""
        sums = contrasts.sum(axis=-1)
        squares = (contrasts**2).sum(axis=-1)
        variance = self.level * sums**2 + self.shape * np.maximum(squares - sums**2 / self.size, 0.0)
        if self.more is None:
            return variance
        return variance + np.maximum(((contrasts @ self.more) * contrasts).sum(axis=-1), 0.0)


def topline_noise(attribute: str, size: int, universe: str, precisions: Mapping[Key, float]) -> CellNoise:
    """Of a one-way table. Components that nobody measured add no noise; their error is bias."""
    total = _inverse(precisions.get((universe, ()), 0.0))
    return CellNoise(total / size**2, _inverse(precisions.get((universe, (attribute,)), 0.0)), size)


def group_noise(
    attribute: str,
    size: int,
    group: str,
    groups: int,
    pair: tuple[str, ...],
    universe: str,
    precisions: Mapping[Key, float],
    kept: float = 1.0,
) -> CellNoise:
    """Of one group's column in a two-way table: the contrast is g on the attribute times a unit vector on the groups.

    Σ_A (1/p_A) ∏_{i∈A} (|v_i|² − (Σv_i)²/n_i) ∏_{j∉A} (Σv_j)²/n_j² over A ⊆ {attribute, group}; of the
    interaction only the part `kept`.
    """
    inside, outside = (groups - 1) / groups, 1 / groups**2

    def noise(*component: str) -> float:
        return _inverse(precisions.get((universe, component), 0.0))

    level = (noise() * outside + noise(group) * inside) / size**2
    return CellNoise(level, noise(attribute) * outside + kept**2 * noise(*pair) * inside, size)


@dataclass(frozen=True)
class Errors:
    """Figures × groups: value (nan where the base is undefined), base, and standard deviations in the figure's unit.

    `spread` is the variance of one respondent's value. `base_sd` is the privacy noise of the base. `learned` is
    how much of the variance that belief gave a figure beforehand was removed by measuring; None: nothing was believed.
    """

    value: Floats
    base: Floats
    spread: Floats
    sampling_sd: Floats
    noise_sd: Floats
    bias_sd: Floats
    base_sd: Floats
    learned: Floats | None = None


def _second_moments(figures: FigureSet, counts: Floats, value: Floats, size: Floats) -> Floats:
    """Σ over the base of (respondent's value − figure)², figures × groups. Of a multi, nobody is in two cells of one
    figure.
    """
    weighted = figures.values * figures.base
    among_people = figures.values**2 @ counts - value**2 * size
    squares = (figures.values * weighted) @ counts - 2 * value * (weighted @ counts) + value**2 * size
    return np.maximum(np.where(figures.people > 0, among_people, squares), 0.0)


def figure_errors(
    figures: FigureSet,
    counts: Floats,
    noise: CellNoise,
    people: Floats,
    people_variance: float,
    histogram: Floats | None = None,
    unlearned: CellNoise | None = None,
) -> Errors:
    """Values of an attribute's figures with their sampling error, privacy noise and the bias of learned cells.

    Args:
        figures: of one attribute.
        counts: the attribute's cells × groups, in respondents.
        noise: of the cells of each group.
        people, people_variance: respondents of each group and their noise variance (for a base of all people).
        histogram: cells × groups of the figures' `histogram`, where that is known.
        unlearned: errors of the cells from shrinkage; None where there are none.

    Sampling: simple random sampling of the base, ratio linearised, with two respondents added at either end of the
    legal range, so that 0 % of 50 is not certain (Agresti and Coull 1998). Noise: delta method on the ratio.
    """
    size = figures.base @ counts + figures.people * people
    defined = size >= LEAST_BASE
    safe = np.where(defined, size, 1.0)
    least, most = figures.least, figures.most
    value = np.minimum(np.maximum(figures.values @ counts / safe, least), most)
    theta = np.where(defined, value, least)
    moments = _second_moments(figures, counts, theta, safe)
    if histogram is not None:
        for row, figure in enumerate(figures.figures):
            if figure.moments:
                moments[row] = np.minimum(moments[row], _histogram_moments(figure, histogram, theta[row], safe[row]))
    spread = (moments + PLUS_FOUR / 2 * ((least - theta) ** 2 + (most - theta) ** 2)) / (safe + PLUS_FOUR)
    slope = (figures.values[:, None, :] - theta[..., None] * figures.base[:, None, :]) / safe[..., None]
    noise_variance = noise.variance(slope)
    noise_variance = noise_variance + figures.people * (theta / safe) ** 2 * people_variance
    base_variance = noise.variance(figures.base)[:, None] + figures.people * people_variance
    return Errors(
        value=np.where(defined, value, np.nan),
        base=size,
        spread=spread,
        sampling_sd=np.sqrt(spread / (safe + PLUS_FOUR)),
        noise_sd=np.sqrt(noise_variance),
        bias_sd=np.zeros(value.shape) if unlearned is None else np.sqrt(unlearned.variance(slope)),
        base_sd=np.broadcast_to(np.sqrt(base_variance), value.shape),
    )


def _histogram_moments(figure: Figure, histogram: Floats, value: Floats, size: Floats) -> Floats:
    """Second moments as the histogram has them, each bin as wide as it can be (half its width from its middle)."""
    bins = histogram[: len(figure.moments)]
    centre, within = np.array(figure.moments).T
    total = bins.sum(axis=0)
    moments = (bins * ((centre[:, None] - value) ** 2 + within[:, None])).sum(axis=0)
    return np.where(total > LEAST_BASE, moments / np.where(total > LEAST_BASE, total, 1.0) * size, np.inf)


def group_prior_sd(everybody: Errors, bases: Floats, interaction: float) -> Floats:
    """How far a group's figure is from everybody's, by the public prior: its standard deviation, figures × groups.

    Pure sampling from a population without group differences gives the variance s² (1/B_g − 1/B); the prior says that
    interactions have `interaction` times that energy.
    """
    gap = 1 / (np.maximum(bases, 0.0) + PLUS_FOUR) - 1 / (everybody.base + PLUS_FOUR)
    return np.sqrt(interaction * everybody.spread * np.maximum(gap, 0.0))


@dataclass(frozen=True)
class Interval:
    """95 % margins and the interval, clipped to the legal range; arrays of figures × groups."""

    low: Floats
    high: Floats
    moe: Floats
    sampling_moe: Floats
    noise_moe: Floats
    bias_moe: Floats


def interval(errors: Errors, figures: FigureSet, *, systematic: bool = False) -> Interval:
    """Sampling, noise and bias add in quadrature: over the figures of a release, what was not learned is as random as
    the rest, with the variance that the prior says (coverage is on average over figures, Morris 1983). A `systematic`
    bias is one for all figures, as that of a calibration that was learned by half, and adds in full.

    A margin says nothing beyond the width of the legal range, so it stops there.
    """
    least, most = figures.least, figures.most
    width = most - least

    def margin(deviations: Floats) -> Floats:
        return np.minimum(Z95 * deviations, width)

    random = np.hypot(errors.sampling_sd, errors.noise_sd)
    moe = margin(random + errors.bias_sd if systematic else np.hypot(random, errors.bias_sd))
    low, high = np.maximum(errors.value - moe, least), np.minimum(errors.value + moe, most)
    return Interval(low, high, moe, margin(errors.sampling_sd), margin(errors.noise_sd), margin(errors.bias_sd))


def reasons(
    errors: Errors,
    intervals: Interval,
    figures: FigureSet,
    informative: bool | Sequence[bool],
    margin_points: float,
    least_base: float,
) -> NDArray[np.str_]:
    """Why each figure is not publishable (codes of schemas.released.REASONS), empty where it is."""
    too_wide = intervals.moe * figures.points > margin_points
    small = errors.base - Z95 * errors.base_sd < least_base
    believed = ~(np.ones(small.shape) * (1.0 if errors.learned is None else errors.learned) >= LEAST_LEARNED)
    found = np.where(small, "base", np.where(too_wide, "margin", np.where(believed, "belief", "")))
    knows = np.broadcast_to(np.reshape(np.asarray(informative), (-1, 1)), found.shape)
    found = np.where(knows, found, "no_information")
    return np.where(np.isnan(errors.value), "undefined", found)


def count_interval(count: float, variance: float) -> tuple[float, float, float]:
    """Low, high and margin of a number of respondents: privacy noise only, for it is a count of those who answered."""
    margin = Z95 * sqrt(variance)
    return max(count - margin, 0.0), count + margin, margin

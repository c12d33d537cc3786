"""Errors of a group's figure, and of its difference from everybody's, where its net score was learned.

Claim: docs/claims/estimate.md.
"""

from dataclasses import dataclass, replace

import numpy as np

from privacy.components import Floats
from privacy.group_effects import Effects
from privacy.intervals import PLUS_FOUR, Errors
from privacy.statistics import Figure, FigureSet

_NET_FIGURES = ("pct_positive", "nps", "index", "mean")
"""The figure that a net score moves: the first of these that a question has (a favourable share, else promoters, else a
mean)."""


def net_figure(figures: FigureSet) -> int | None:
    """Position of the figure that the attribute's net score is about."""
    names = [figure.statistic for figure in figures.figures]
    wanted = next((name for name in _NET_FIGURES if name in names), None)
    return None if wanted is None else names.index(wanted)


_LEAST_SAMPLING = 0.01
_NOBODY = 1e-6


@dataclass(frozen=True)
class GroupNet:
    """What is known of one head's effects on the shown groups of a demographic.

    `effects`, `head`, `shown`: where to look. `share`: of everybody, those with an opinion. `abstained`: net score that
    a respondent without one counts as. `interaction`: the public belief. `weights`, `tilt`: by cell, the net score of a
    respondent, and the change by one respondent of net score. `unasked`: of everybody, those who certainly were not
    asked, where their groups are not known; `sizes`: of the shown groups, as shares of everybody.
    """

    effects: Effects
    head: int
    shown: tuple[int, ...]
    share: float
    abstained: float
    interaction: float
    weights: Floats
    tilt: Floats
    unasked: float
    sizes: Floats

    def of(self, numbers: Floats) -> Floats:
        return numbers[self.head, list(self.shown)]

    def base_off(self) -> Floats:
        """By how much, as a part of it, a group's base may be off for being taken in proportion to its size: those who
        were not asked may all be in one group, or in any but one.
        """
        most = np.minimum(self.unasked / np.maximum(self.sizes, _NOBODY), 1.0)
        return np.maximum(self.unasked, (1 - self.unasked) / np.maximum(1 - most, _NOBODY) - 1)


@dataclass(frozen=True)
class Difference:
    """A figure of each group less everybody's: value and standard deviations of its errors, and for its sign the mean
    and standard deviation of the difference between the populations (not of those who answered).
    """

    value: Floats
    sampling_sd: Floats
    noise_sd: Floats
    bias_sd: Floats
    lasting_mean: Floats
    lasting_sd: Floats


def _gap(everybody: Errors, bases: Floats, row: int) -> Floats:
    """Variance of a group's figure around everybody's under sampling alone, for one respondent's variance of 1."""
    return np.maximum(1 / (np.maximum(bases, 0.0) + PLUS_FOUR) - 1 / (everybody.base[row, 0] + PLUS_FOUR), 0.0)


def difference_of(
    figure: Figure, row: int, value: Floats, base: Floats, everybody: Errors, net: GroupNet
) -> Difference:
    """The difference in a net score's figure, groups.

    A respondent of net score moves the figure by half its range over the base. Sampling: the learned part k of the
    effect carries k of its sampling error. Bias: of the part not learned, what is a lasting difference; and of the
    group's base, taken as in proportion to its size, what moves the figure away from that of those who abstain. Bases
    are taken to differ as much as answers do, in units of sampling, or as the public belief says, whichever is more;
    and where a question was not asked of everybody, by as much as that can make them.
    """
    safe = np.maximum(base, 0.5)
    half = (figure.most - figure.least) / 2
    slope = half / safe
    learned, lasting = net.of(net.effects.learned), net.of(net.effects.lasting)
    noise = slope**2 * net.of(net.effects.noise)
    left = slope**2 * net.of(net.effects.bias)
    spread = float(everybody.spread[row, 0])
    sampling = spread * _gap(everybody, base, row)
    centre = (figure.most + figure.least) / 2
    mean = (float(everybody.value[row, 0]) - centre) / half
    size = np.maximum(net.interaction, 1 / np.maximum(1 - lasting, _LEAST_SAMPLING))
    bases = (half * (mean - net.abstained)) ** 2 * size * (1 - min(net.share, 1.0)) / safe
    bases = bases + (half * (mean - net.abstained) * net.base_off()) ** 2
    away = value - everybody.value[row, 0]
    return Difference(
        value=away,
        sampling_sd=np.sqrt(learned**2 * sampling),
        noise_sd=np.sqrt(noise),
        bias_sd=np.sqrt(left * lasting + bases),
        lasting_mean=lasting * away,
        lasting_sd=np.sqrt(lasting**2 * (noise + left + bases) + lasting * sampling),
    )


def with_net_figure(own: Errors, row: int, everybody: Errors, difference: Difference, learned: Floats) -> Errors:
    """Group errors with those of the net score's figure: everybody's, and the difference's. `learned`: by group."""

    def both(ours: Floats, parts: Floats, whole: Floats) -> Floats:
        changed = np.array(ours)
        changed[row] = np.hypot(parts, whole[row, 0])
        return changed

    parts = np.ones(own.value.shape) if own.learned is None else np.array(own.learned)
    parts[row] = learned
    return replace(
        own,
        learned=parts,
        sampling_sd=both(own.sampling_sd, difference.sampling_sd, everybody.sampling_sd),
        noise_sd=both(own.noise_sd, difference.noise_sd, everybody.noise_sd),
        bias_sd=both(own.bias_sd, difference.bias_sd, everybody.bias_sd),
    )

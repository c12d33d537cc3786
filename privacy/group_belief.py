"""Errors of a measured crosstab's figures that its net score is not about: single options, and means beside a share.

What such a figure says of a group lies partly along the net score, which `privacy.group_effects` drew towards the other
questions, and partly across it, which `privacy.shrinkage` drew towards independence, small groups further than large
ones. Each part has its own noise, and its own rest that nobody learned.

Claim: docs/claims/estimate.md.
"""

from dataclasses import dataclass

import numpy as np

from privacy.components import Floats
from privacy.group_errors import GroupNet
from privacy.intervals import Errors, group_prior_sd
from privacy.project import ratio
from privacy.shrinkage import Kept
from privacy.statistics import FigureSet

_NOBODY = 1e-12


@dataclass(frozen=True)
class GroupBelief:
    """Figures × groups. `noise`: variance from the noise of the interaction; `bias_sd`: of what was not learned;
    `learned`: the part of the prior variance that was, 0 … 1.
    """

    noise: Floats
    bias_sd: Floats
    learned: Floats


def centred(slope: Floats) -> Floats:
    """Figures × cells, less each figure's mean: all that an interaction's contrasts can move."""
    return slope - slope.mean(axis=1, keepdims=True)


def group_belief(
    figures: FigureSet, everybody: Errors, counts: Floats, base: Floats, noise: float, kept: Kept,
    net: GroupNet | None,
) -> GroupBelief:  # fmt: skip
    """What noise and belief leave in the figures of groups.

    Args:
        counts: everybody's cells, in respondents. base: of the figures, figures × groups.
        noise: variance of the interaction's contrasts in one group's cells, as measured.
        kept: of the interaction, cells × shown groups.
        net: of the attribute in these groups; None where it has none.

    A figure's slope a is the change of its numerator by a respondent in each cell. Along the net score w it is a·t, t
    the tilt; across it, a − (a·t) w. In the metric of sampling the former has the part R² = (a·t)² / (Σa²n Σt²/n) of
    the prior variance.
    """
    slope = figures.values - np.nan_to_num(everybody.value) * figures.base
    safe = np.maximum(base, 0.5)
    energy = slope**2 * counts
    whole = energy.sum(axis=1, keepdims=True)
    prior, unlearned, share = _of_figures(kept, energy, group_prior_sd(everybody, base, 1.0) ** 2)
    if net is None:
        return GroupBelief(centred(slope) ** 2 @ kept.shares**2 * noise / safe**2, np.sqrt(unlearned), share)
    along = (slope @ net.tilt)[:, None]
    across = centred(slope - along * net.weights)
    tilt_energy = float((net.tilt**2 / np.maximum(counts, _NOBODY)).sum())
    explained = np.clip(ratio(along**2, whole * tilt_energy, 0.0), 0.0, 1.0)
    prior, unlearned = (1 - explained) * prior, (1 - explained) * unlearned
    net_prior = along**2 * net.of(net.effects.prior) / safe**2
    return GroupBelief(
        noise=along**2 * net.of(net.effects.noise) / safe**2 + across**2 @ kept.shares**2 * noise / safe**2,
        bias_sd=np.sqrt(along**2 * net.of(net.effects.bias) / safe**2 + unlearned),
        learned=ratio(net.of(net.effects.learned) * net_prior + share * prior, net_prior + prior, 1.0),
    )


def _of_figures(kept: Kept, energy: Floats, sampling: Floats) -> tuple[Floats, Floats, Floats]:
    """Figures × groups, from `sampling`, the variance that pure sampling gives a figure: its prior variance, what of it
    is not learned, and the part that is.
    """
    whole = energy.sum(axis=1, keepdims=True)
    prior = energy @ kept.prior
    share = ratio(energy @ (kept.prior * kept.shares), prior, 1.0)
    return sampling * ratio(prior, whole, 0.0), sampling * ratio(energy @ kept.unlearned, whole, 0.0), share

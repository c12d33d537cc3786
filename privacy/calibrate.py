"""Calibration of toplines to public margins (GREG), from tables alone: no weights of residents, no budget.

With demographic dummies x, their totals x̂ and public totals T, GREG moves the total of an answer y by
(T − x̂)ᵀ (XᵀX)⁻¹ Xᵀy; XᵀX holds demographic one-way and two-way tables, Xᵀy question × demographic tables. The parts of
both that independence gives move nothing (beyond keeping the total), so the shift is
λᵀR with R the interactions of y and the demographics, and XᵀX = D^{1/2} (I + E) D^{1/2} with E those among the
demographics. Noise is held down where it enters: R is drawn to zero by prior and precision, I + E is inverted by a
Tikhonov filter at the size of its noise, and a category that noise hides gets less weight. All of this vanishes with
the noise, and leaves the unweighted figure when there is nothing but noise.

Source: Deville and Särndal 1992 (linear method); Särndal, Swensson and Wretman 1992, section 6.4.
Claim: docs/claims/estimate.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from privacy.components import Floats, Key
from privacy.estimate import Estimates
from privacy.group_tables import net_weights, tilt
from privacy.intervals import CellNoise
from privacy.moments import SINGULAR, Moments, moments_of
from privacy.project_multi import feasible_topline, multi_cells
from privacy.residual import universe_of
from schemas.attributes import Attribute
from schemas.nets import NET
from schemas.plan import table_id
from schemas.survey import Survey

_LEAST_SPREAD = 0.01


@dataclass(frozen=True)
class Calibration:
    """Linear weights 1 + Σ_d shifts[d][category of the respondent], never applied to a respondent.

    `cautious`: shifts by each demographic alone, at the smallest credible group size: for bias only. `moments`: those
    of the demographics of `shifts`, in their order. `cell_noise`: noise variance of T − x̂ − XᵀX λ, cell by cell.
    `design_effect`: 1 + CV² of the weights (Kish 1965).
    """

    shifts: Mapping[str, Floats]
    cautious: Mapping[str, Floats]
    moments: Moments
    cell_noise: Floats
    design_effect: float

    @property
    def model_based(self) -> bool:
        """Whether some pair of demographics was not measured and counts as independent."""
        return not self.moments.measured


@dataclass(frozen=True)
class CalibratedTopline:
    """`counts`: the attribute's cells, non-negative, with the total kept. `noise`: of these cells. `unknown`: variance
    of the part of the shift that could not be learned, in units of a figure's sampling variance. `measured`: every
    interaction with a calibrated demographic was measured.
    """

    counts: Floats
    noise: CellNoise
    unknown: float
    measured: bool


def target_totals(survey: Survey, attribute: Attribute, counts: Floats) -> Floats | None:
    """Public totals T of a demographic's cells; None without targets. Cells without a target keep their estimate."""
    targets = next((d.targets for d in survey.demographics if d.id == attribute.id), None)
    if targets is None:
        return None
    wanted = [targets.get("not_answered" if cell.code == "_not_answered" else cell.code) for cell in attribute.cells]
    named = np.array([share is not None for share in wanted])
    shares = np.array([share or 0.0 for share in wanted])
    return np.where(named, counts[named].sum() * shares / shares.sum(), counts)


def calibration(
    survey: Survey, attributes: Mapping[str, Attribute], estimates: Estimates, precisions: Mapping[Key, float]
) -> Calibration | None:
    """The weights' shifts from the demographics that declare targets and are estimated; None where there are none."""
    gaps: dict[str, Floats] = {}
    for demographic in survey.demographics:
        table = estimates.tables.get(demographic.id)
        totals = None if table is None else target_totals(survey, attributes[demographic.id], table.counts)
        if table is not None and totals is not None:
            gaps[demographic.id] = totals - table.counts
    if not gaps:
        return None
    tables = [estimates.tables[name] for name in gaps]
    moments = moments_of(list(gaps), estimates, precisions)
    starts = np.cumsum([len(gap) for gap in gaps.values()])[:-1]
    credible = np.split(moments.credible, starts)
    wanted = [_balanced(g * c, t.counts) for g, c, t in zip(gaps.values(), credible, tables, strict=True)]
    shifts = moments.inverse @ np.concatenate(wanted)
    variances = np.concatenate([table.noise_variance for table in tables])
    cautious = [
        gap / np.maximum(table.counts, np.maximum(np.sqrt(table.noise_variance), 1.0))
        for gap, table in zip(gaps.values(), tables, strict=True)
    ]
    return Calibration(
        shifts=dict(zip(gaps, np.split(shifts, starts), strict=True)),
        cautious=dict(zip(gaps, cautious, strict=True)),
        moments=moments,
        cell_noise=variances + moments.noise @ shifts**2,
        design_effect=1 + max(float(shifts @ moments.matrix @ shifts) / estimates.total, 0.0),
    )


def _balanced(gap: Floats, counts: Floats) -> Floats:
    """A gap that moves categories against each other only: its sum is taken off in proportion to their sizes."""
    return gap - counts * (gap.sum() / counts.sum())


def _typical_variance(shares: Floats) -> float:
    """Variance of a respondent's answer along a typical contrast: the mean of p(1 − p), each cell by its own weight.

    Cells that nobody chose do not dilute it.
    """
    each = np.clip(shares, 0.0, 1.0) * (1 - np.clip(shares, 0.0, 1.0))
    return max(float((each**2).sum()) / max(float(each.sum()), _LEAST_SPREAD), _LEAST_SPREAD)


def _variance_of(shifts: Floats, shares: Floats) -> float:
    """Variance of a demographic's shifts over respondents: its part of the CV² of the weights."""
    return max(float(shares @ shifts**2) - float(shares @ shifts) ** 2, 0.0)


def calibrated_topline(
    attribute: Attribute,
    weights: Calibration,
    attributes: Mapping[str, Attribute],
    estimates: Estimates,
    precisions: Mapping[Key, float],
    unweighted: CellNoise,
    interaction: float,
) -> CalibratedTopline:
    """An attribute's one-way table moved by the calibration.

    In a sample from a population without group differences the shift wᵀR g of a contrast g has variance
    N · Var(w) · Var(g) (w over demographic d, g over answers); the prior says `interaction` times that, τ². The part of
    it that is not learned goes to `unknown`.

    Noise: that of the topline; of R, weighted; and of T − x̂ and XᵀX, each through the coefficients (XᵀX)⁻¹ R.
    """
    name = attribute.id
    counts, total = estimates.tables[name].counts, estimates.total
    unlearned = 0.0
    found: list[_Interaction] = []
    for demographic, shifts in weights.shifts.items():
        groups = estimates.tables[demographic].counts
        spread = _variance_of(shifts, groups / total)
        prior = interaction * total * max(spread, SINGULAR) * _typical_variance(counts / total)
        known = _interaction(attribute, demographic, shifts, prior, attributes, estimates, precisions)
        widest = max(spread, _variance_of(weights.cautious[demographic], groups / total))
        unlearned += (1 - known.kept) * interaction * widest
        found.append(known)
    stacked = np.concatenate([known.table for known in found])
    moved = counts + np.concatenate(list(weights.shifts.values())) @ stacked
    coefficients = weights.moments.inverse @ stacked
    more = coefficients.T @ (weights.cell_noise[:, None] * coefficients) + sum(known.more for known in found)
    if unweighted.more is not None:
        more = more + unweighted.more
    if attribute.kind == "multi":
        feasible = feasible_topline(moved, multi_cells(attribute), total)
    else:
        feasible = np.maximum(moved, 0.0)
        feasible = feasible * (total / feasible.sum())
    shape = unweighted.shape + sum(known.shape for known in found)
    noise = CellNoise(unweighted.level, shape, unweighted.size, more)
    return CalibratedTopline(feasible, noise, unlearned, all(known.measured for known in found))


@dataclass(frozen=True)
class _Interaction:
    """Interaction R of a demographic (rows) with an attribute, drawn to zero; `kept`: the part that stays. `shape`,
    `more`: noise of wᵀR, isotropic and as a matrix over the attribute's cells. `measured`: cell by cell.
    """

    table: Floats
    kept: float
    shape: float
    more: Floats
    measured: bool


def _interaction(
    attribute: Attribute,
    demographic: str,
    shifts: Floats,
    prior: float,
    attributes: Mapping[str, Attribute],
    estimates: Estimates,
    precisions: Mapping[Key, float],
) -> _Interaction:
    """R as estimated where it was learned; as measured cell by cell, drawn to zero by prior and noise, where not."""
    name, order, total = attribute.id, list(attributes), estimates.total
    groups, counts = estimates.tables[demographic].counts, estimates.tables[name].counts
    pair = (demographic, name) if order.index(demographic) < order.index(name) else (name, demographic)
    table, precision = estimates.tables.get(table_id(pair)), precisions.get((universe_of((attribute,)), pair), 0.0)
    still = np.zeros((len(counts), len(counts)))
    effects = estimates.effects.get(demographic)
    tilted = effects is not None and name in effects.heads
    if table is None or (precision <= 0 and not tilted):
        return _Interaction(np.zeros((len(groups), len(counts))), 0.0, 0.0, still, measured=False)
    joint = table.counts if pair[0] == demographic else table.counts.T
    raw = joint - np.outer(groups, counts) / total
    squares = max(float(shifts @ shifts), SINGULAR)
    learned = estimates.kept.get(table_id(pair))
    share = learned.share if learned is not None else 0.0 if precision <= 0 else prior / (prior + squares / precision)
    shape = share**2 * squares / precision if precision > 0 else 0.0
    if effects is None or not tilted:
        return _Interaction(raw if learned is not None else share * raw, share, shape, still, measured=True)
    head = effects.heads.index(name)
    direction = tilt(counts, attribute, net_weights(attribute, attributes[f"{name}{NET}"]))
    noise = float(shifts**2 @ effects.noise[head]) * np.outer(direction, direction)
    pull = shifts**2 * groups
    kept = float(pull @ effects.learned[head]) / max(float(pull.sum()), SINGULAR)
    return _Interaction(raw, kept, shape, noise, measured=precision > 0)

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
from privacy.intervals import CellNoise
from privacy.moments import SINGULAR, Moments, moments_of
from privacy.project_multi import feasible_topline, multi_cells
from privacy.residual import universe_of
from schemas.attributes import Attribute
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
    N · Var(w) · Var(g) (w over demographic d, g over answers); the prior says `interaction` times that, τ². With σ² its
    noise, R is drawn to zero by τ² / (τ² + σ²); what that leaves unknown, (1 − kept) · τ², goes to `unknown`.

    Noise: that of the topline; of R, weighted; and of T − x̂ and XᵀX, each through the coefficients (XᵀX)⁻¹ R.
    """
    name, order = attribute.id, list(attributes)
    counts, total = estimates.tables[name].counts, estimates.total
    universe = universe_of((attribute,))
    shape, unknown, measured = unweighted.shape, 0.0, True
    interactions: list[Floats] = []
    for demographic, shifts in weights.shifts.items():
        groups = estimates.tables[demographic]
        pair = (demographic, name) if order.index(demographic) < order.index(name) else (name, demographic)
        table, precision = estimates.tables.get(table_id(pair)), precisions.get((universe, pair), 0.0)
        spread = _variance_of(shifts, groups.counts / total)
        kept = 0.0
        if table is None or precision <= 0:
            measured = False
            interactions.append(np.zeros((len(groups.counts), len(counts))))
        else:
            squares = max(float(shifts @ shifts), SINGULAR)
            prior = interaction * total * max(spread, SINGULAR) * _typical_variance(counts / total)
            kept = prior / (prior + squares / precision)
            joint = table.counts if pair[0] == demographic else table.counts.T
            interactions.append(kept * (joint - np.outer(groups.counts, counts) / total))
            shape += kept**2 * squares / precision
        widest = max(spread, _variance_of(weights.cautious[demographic], groups.counts / total))
        unknown += (1 - kept) * interaction * widest
    stacked = np.concatenate(interactions)
    moved = counts + np.concatenate(list(weights.shifts.values())) @ stacked
    coefficients = weights.moments.inverse @ stacked
    more = coefficients.T @ (weights.cell_noise[:, None] * coefficients)
    if attribute.kind == "multi":
        feasible = feasible_topline(moved, multi_cells(attribute), total)
    else:
        feasible = np.maximum(moved, 0.0)
        feasible = feasible * (total / feasible.sum())
    noise = CellNoise(unweighted.level, shape, unweighted.size, more)
    return CalibratedTopline(feasible, noise, unknown, measured)

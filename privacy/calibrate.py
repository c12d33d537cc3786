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
from itertools import combinations

import numpy as np

from privacy.components import Floats, Key
from privacy.estimate import Estimates
from privacy.intervals import CellNoise
from privacy.project_multi import feasible_topline, multi_cells
from privacy.residual import universe_of
from schemas.attributes import Attribute
from schemas.plan import table_id
from schemas.survey import Survey

_SINGULAR = 1e-9
_LEAST_SPREAD = 0.01


@dataclass(frozen=True)
class Calibration:
    """Linear weights 1 + Σ_d shifts[d][category of the respondent], never applied to a respondent.

    `cautious`: shifts by each demographic alone, at the smallest credible group size: for bias only.
    `design_effect`: 1 + CV² of the weights (Kish 1965). `model_based`: some pair of demographics is not measured and
    counts as independent.
    """

    shifts: Mapping[str, Floats]
    cautious: Mapping[str, Floats]
    design_effect: float
    model_based: bool


@dataclass(frozen=True)
class CalibratedTopline:
    """`counts`: the attribute's cells, non-negative, with the total kept. `noise`: of these cells. `prior_variance`: of
    one unit contrast of the cells, for what the shift could not be learned from. `measured`: every interaction with a
    calibrated demographic was measured.
    """

    counts: Floats
    noise: CellNoise
    prior_variance: float
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
    names: list[str] = []
    gaps: list[Floats] = []
    for demographic in survey.demographics:
        table = estimates.tables.get(demographic.id)
        totals = None if table is None else target_totals(survey, attributes[demographic.id], table.counts)
        if table is not None and totals is not None:
            names.append(demographic.id)
            gaps.append(totals - table.counts)
    if not names:
        return None
    counts = {name: estimates.tables[name].counts for name in names}
    variances = {name: estimates.tables[name].noise_variance for name in names}
    size = np.concatenate([counts[name] for name in names])
    present = size > _SINGULAR * estimates.total
    root = np.sqrt(np.where(present, size, 1.0))
    moments, noise, measured = _interactions(names, counts, estimates, precisions)
    moments = moments * np.outer(present / root, present / root)
    noise = noise * np.outer(present / root, present / root) ** 2
    credible = size**2 / np.maximum(size**2 + np.concatenate([variances[name] for name in names]), _SINGULAR)
    wanted = np.concatenate(gaps) * present / root * credible
    starts = np.cumsum([len(counts[name]) for name in names])[:-1]
    blocks = zip(np.split(wanted, starts), np.split(root * present, starts), strict=True)
    wanted = np.concatenate([_without_total(*block) for block in blocks])
    level, vectors = np.linalg.eigh(np.eye(len(size)) + moments)
    filter_size = 4 * float(noise.sum(axis=1).mean())
    strong = level > _SINGULAR
    inverse = np.where(strong, level / np.where(strong, level**2 + filter_size, 1.0), 0.0)
    weights = vectors @ (inverse * (vectors.T @ wanted))
    effect = 1 + float(weights @ (weights + moments @ weights)) / estimates.total
    shifts = np.split(weights * present / root, starts)
    cautious = [
        gap / np.maximum(counts[name], np.maximum(np.sqrt(variances[name]), 1.0))
        for name, gap in zip(names, gaps, strict=True)
    ]
    return Calibration(
        dict(zip(names, shifts, strict=True)), dict(zip(names, cautious, strict=True)), max(effect, 1.0), not measured
    )


def _without_total(wanted: Floats, root: Floats) -> Floats:
    """What moves categories against each other only: without the part along the square roots of their sizes."""
    return wanted - root * float(root @ wanted) / float(root @ root)


def _interactions(
    names: list[str], counts: Mapping[str, Floats], estimates: Estimates, precisions: Mapping[Key, float]
) -> tuple[Floats, Floats, bool]:
    """Interactions of all pairs of demographics as one symmetric matrix, their noise variance, whether all are
    measured.

    Nothing is believed about how demographics go together, so a block is shrunk by what its own size says of its noise
    (positive-part James and Stein).
    """
    starts = np.concatenate([[0], np.cumsum([len(counts[name]) for name in names])])
    moments = np.zeros((starts[-1], starts[-1]))
    noise = np.zeros_like(moments)
    measured = True
    for (i, first), (j, second) in combinations(enumerate(names), 2):
        table = estimates.tables.get(table_id((first, second)))
        precision = precisions.get(("", (first, second)), 0.0)
        if table is None or precision <= 0:
            measured = False
            continue
        block = table.counts - np.outer(counts[first], counts[second]) / estimates.total
        freedom = (block.shape[0] - 1) * (block.shape[1] - 1)
        energy = float((block**2).sum())
        kept = max(1 - freedom / precision / energy, 0.0) if energy > 0 else 0.0
        rows, columns = slice(starts[i], starts[i + 1]), slice(starts[j], starts[j + 1])
        moments[rows, columns], moments[columns, rows] = kept * block, kept * block.T
        noise[rows, columns], noise[columns, rows] = kept**2 / precision, kept**2 / precision
    return moments, noise, measured


def _spread(counts: Floats, total: float) -> float:
    """Σ p(1 − p) over an attribute's cells: the squared distance of one respondent from everybody's mean."""
    shares = np.clip(counts / total, 0.0, 1.0)
    return max(float((shares * (1 - shares)).sum()), _LEAST_SPREAD)


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

    R_d, the interaction with demographic d, is drawn to zero by τ² / (τ² + σ²), with τ² the prior variance of one
    contrast (`interaction` times pure sampling) and σ² its noise; what that leaves unknown goes to `prior_variance`.
    """
    name, order = attribute.id, list(attributes)
    counts = estimates.tables[name].counts
    universe = universe_of((attribute,))
    moved, shape, prior_variance, measured = counts.copy(), unweighted.shape, 0.0, True
    for demographic, shifts in weights.shifts.items():
        groups = estimates.tables[demographic].counts
        pair = (demographic, name) if order.index(demographic) < order.index(name) else (name, demographic)
        energy = interaction * estimates.total * _spread(counts, estimates.total) * _spread(groups, estimates.total)
        prior = energy / ((len(counts) - 1) * (len(groups) - 1))
        table, precision = estimates.tables.get(table_id(pair)), precisions.get((universe, pair), 0.0)
        kept = 0.0
        if table is None or precision <= 0:
            measured = False
        else:
            kept = prior / (prior + 1 / precision)
            joint = table.counts if pair[0] == demographic else table.counts.T
            differences = joint - np.outer(groups, counts) / estimates.total
            moved = moved + kept * (shifts @ differences)
            shape += kept**2 / precision * float(shifts @ shifts)
            relative = np.where(groups > 1, 1 / np.maximum(groups, 1), 0.0)
            of_groups = estimates.tables[demographic].noise_variance * relative**2
            shape += kept**2 * float((of_groups[:, None] * differences**2).sum())
        cautious = weights.cautious[demographic]
        unknown = shifts if kept > 0.5 else cautious
        prior_variance += (1 - kept) * prior * float(((unknown - unknown.mean()) ** 2).sum())
    if attribute.kind == "multi":
        feasible = feasible_topline(moved, multi_cells(attribute), estimates.total)
    else:
        feasible = np.maximum(moved, 0.0)
        feasible = feasible * (estimates.total / feasible.sum())
    return CalibratedTopline(feasible, CellNoise(unweighted.level, shape, unweighted.size), prior_variance, measured)

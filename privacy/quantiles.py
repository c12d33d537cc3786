"""Median and quantiles of a numeric question, from the shares below the inner edges of its public bins.

A quantile is estimated by a straight line within its bin. Its interval ends at edges of bins, because nothing is known
of how answers lie within one: it begins at the last edge that surely has less than q below it, and ends at the first
that surely has q. So it holds for every distribution within the bins, and is never narrower than one of them.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from privacy.components import Floats
from privacy.intervals import LEAST_LEARNED, Z95, Errors
from privacy.statistics import Figure, FigureSet
from schemas.attributes import Attribute, CellRole
from schemas.questions import NumericQuestion
from schemas.released import SummaryRow
from schemas.survey import Survey

QUANTILES = {"p10": 10.0, "p25": 25.0, "median": 50.0, "p75": 75.0, "p90": 90.0}
"""Statistics in summary.parquet, and the per cent of answers at or below each."""


class CumulativeFigures(FigureSet):
    """% of the answers below each inner edge, as figures of a histogram; `edges` are all of its edges."""

    def __init__(self, attribute: Attribute, edges: tuple[float, ...]) -> None:
        base = tuple(float(cell.role is CellRole.SUBSTANTIVE) for cell in attribute.cells)
        below = [tuple(100.0 * (i < k) for i in range(attribute.size)) for k in range(1, len(edges) - 1)]
        super().__init__(
            [Figure(attribute.id, attribute.id, "below", None, "percent", v, base, 0.0, 100.0) for v in below],
            attribute.size,
        )
        self.edges = np.array(edges)


def cumulative_figures(survey: Survey, attributes: dict[str, Attribute]) -> dict[str, CumulativeFigures]:
    """By id, the cumulative figures of every numeric question of at least two bins."""
    return {
        question.id: CumulativeFigures(attributes[question.id], question.bins)
        for question in survey.questions
        if isinstance(question, NumericQuestion) and question.id in attributes and len(question.bins) > 2
    }


def _inverse(shares: Floats, edges: Floats, q: float) -> float:
    """The least x with q per cent at or below it, by straight lines between the edges."""
    k = min(int(np.searchsorted(shares, q, side="left")), len(shares) - 1)
    if k == 0:
        return float(edges[0])
    step = shares[k] - shares[k - 1]
    part = (q - shares[k - 1]) / step if step > 0 else 1.0
    return float(edges[k - 1] + min(max(part, 0.0), 1.0) * (edges[k] - edges[k - 1]))


def _sides(shares: Floats, edges: Floats, q: float, value: float, deviations: Floats) -> float:
    """How far the quantile moves, on the straight lines, when the shares move by 1.96 deviations to either side."""
    moved = [np.clip(np.maximum.accumulate(shares + side * Z95 * deviations), 0.0, 100.0) for side in (-1.0, 1.0)]
    return max(abs(_inverse(x, edges, q) - value) for x in moved)


def quantile_rows(
    figures: CumulativeFigures,
    errors: Errors,
    group: str | None,
    codes: Sequence[str | None],
    *,
    weighted: bool,
    model_based: bool,
    informative: bool,
    small: Sequence[bool],
    margin_points: float,
) -> Iterator[SummaryRow]:
    """Per quantile, one row a group.

    Args:
        errors: of the cumulative figures, figures × groups.
        group, codes: the demographic and its categories, one a column of `errors`; None for everybody.
        small: whether the base of each group may be below the policy's.
    """
    subject, width = figures.figures[0].subject, float(figures.edges[-1] - figures.edges[0])
    for statistic, q in QUANTILES.items():
        for column, code in enumerate(codes):
            base = float(errors.base[0, column])
            found = _quantile(figures.edges, errors, column, q)
            wide = found is None or 100 * found.moe / width > margin_points
            believed = found is None or found.learned < LEAST_LEARNED
            reason = "base" if small[column] else "margin" if wide else "belief" if believed else ""
            reason = "undefined" if found is None else reason if informative else "no_information"
            value = low = high = whole = sampling = noise = bias = None
            if found is not None:
                value, low, high, whole = found.value, found.low, found.high, found.moe
                sampling, noise, bias = found.sampling_moe, found.noise_moe, found.bias_moe
            yield SummaryRow(
                subject, statistic, None, group, code, "score",
                value, low, high, whole, sampling, noise, bias, base,
                weighted, model_based, not reason, reason,
            )  # fmt: skip


@dataclass(frozen=True)
class _Quantile:
    """`learned`: the least that was learned of any share that the interval reaches."""

    value: float
    low: float
    high: float
    moe: float
    sampling_moe: float
    noise_moe: float
    bias_moe: float
    learned: float


def _quantile(edges: Floats, errors: Errors, column: int, q: float) -> _Quantile | None:
    """Of one group; None where it has no base. What neither sampling nor noise explains of the margin is bias."""
    inner = errors.value[:, column]
    if np.isnan(inner).any():
        return None
    least, most = np.zeros(1), np.full(1, 100.0)
    shares = np.concatenate([least, np.maximum.accumulate(inner), most])
    sampling_sd, noise_sd, bias_sd = (
        np.concatenate([least, sd[:, column], least]) for sd in (errors.sampling_sd, errors.noise_sd, errors.bias_sd)
    )
    margin = Z95 * np.hypot(sampling_sd, noise_sd) + Z95 * bias_sd
    value = _inverse(shares, edges, q)
    low = min(float(edges[np.flatnonzero(shares + margin < q)[-1]]), value)
    high = max(float(edges[np.flatnonzero(shares - margin >= q)[0]]), value)
    moe = max(high - value, value - low)
    sampling, noise = (min(_sides(shares, edges, q, value, sd), moe) for sd in (sampling_sd, noise_sd))
    reached = (edges[1:-1] >= low) & (edges[1:-1] <= high)
    learned = np.ones(inner.shape) if errors.learned is None else errors.learned[:, column]
    least_learned = float(np.min(learned[reached], initial=1.0))
    bias = max(moe - float(np.hypot(sampling, noise)), 0.0)
    return _Quantile(value, low, high, moe, sampling, noise, bias, least_learned)

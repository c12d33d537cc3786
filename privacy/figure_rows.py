"""From an attribute's figures and their errors to rows of summary.parquet, and what everybody's figures rest on.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from privacy.components import Floats, Key
from privacy.estimate import Estimates, TableEstimate
from privacy.intervals import LEAST_BASE, Z95, CellNoise, Errors, figure_errors, interval, reasons, topline_noise
from privacy.quantiles import CumulativeFigures, quantile_rows
from privacy.residual import universe_of
from privacy.statistics import FigureSet
from schemas.attributes import Attribute
from schemas.plan import table_id
from schemas.released import SummaryRow

_NO_VARIANCE = 1e-12


@dataclass(frozen=True)
class Setting:
    """What every row needs."""

    attributes: Mapping[str, Attribute]
    estimates: Estimates
    precisions: Mapping[Key, float]
    figures: Mapping[str, FigureSet]
    interaction: float
    margin_points: float
    least_base: float
    known: dict[str, Errors] = field(init=False, compare=False, repr=False, default_factory=dict[str, Errors])
    """Everybody's figures, computed once: every crosstab of an attribute needs them."""

    def table(self, *names: str) -> TableEstimate | None:
        order = list(self.attributes)
        return self.estimates.tables.get(table_id(tuple(sorted(names, key=order.index))))

    def precision(self, *names: str) -> float:
        universe = universe_of(tuple(self.attributes[name] for name in names))
        return self.precisions.get((universe, names), 0.0)


def one_way_noise(name: str, setting: Setting) -> CellNoise:
    """Privacy noise of a one-way table's cells, after learning where that was done."""
    attribute, learned = setting.attributes[name], setting.estimates.topline_errors.get(name)
    if learned is not None:
        return CellNoise(setting.estimates.total_variance / attribute.size**2, 0.0, attribute.size, learned.noise)
    return topline_noise(name, attribute.size, universe_of((attribute,)), setting.precisions)


def unlearned(name: str, setting: Setting) -> CellNoise | None:
    """Errors of shrinkage in a one-way table's cells."""
    learned = setting.estimates.topline_errors.get(name)
    return None if learned is None else CellNoise(0.0, 0.0, setting.attributes[name].size, learned.bias)


def histogram_of(figures: FigureSet, setting: Setting, *group: str) -> Floats | None:
    """Cells × groups of the figures' histogram, where it is in the release."""
    table = None if figures.histogram is None else setting.table(figures.histogram, *group)
    if table is None:
        return None
    return table.counts[:, None] if not group else np.moveaxis(table.counts, table.attributes.index(group[0]), 1)


def everybody_of(name: str, setting: Setting) -> Errors:
    """Figures of an attribute for everybody; figures × 1."""
    if name not in setting.known:
        setting.known[name] = _everybody(name, setting)
    return setting.known[name]


def _everybody(name: str, setting: Setting) -> Errors:
    figures, estimates = setting.figures[name], setting.estimates
    counts = estimates.tables[name].counts[:, None]
    people = np.array([estimates.total])
    errors = figure_errors(
        figures, counts, one_way_noise(name, setting), people, estimates.total_variance, histogram_of(figures, setting),
        unlearned(name, setting),
    )  # fmt: skip
    return errors if setting.precision(name) > 0 else replace(errors, bias_sd=whole_range(figures, errors))


def learned_topline(name: str, setting: Setting, errors: Errors) -> Floats | None:
    """Of everybody's figures, the part of the family's spread that was learned; 1 where the measurement alone would
    have been precise enough. None where the question has no family.
    """
    drawn, attribute = setting.estimates.topline_errors.get(name), setting.attributes[name]
    if drawn is None or drawn.prior is None:
        return None
    figures, counts = setting.figures[name], setting.estimates.tables[name].counts
    size = np.maximum(errors.base, LEAST_BASE)
    slope = ((figures.values - np.nan_to_num(errors.value) * figures.base) / size)[:, None, :]
    prior, left = (CellNoise(0.0, 0.0, len(counts), v).variance(slope) for v in (drawn.prior, drawn.noise + drawn.bias))
    alone = topline_noise(name, attribute.size, universe_of((attribute,)), setting.precisions).variance(slope)
    precise = Z95 * np.sqrt(errors.sampling_sd**2 + alone) * figures.points <= setting.margin_points
    return np.where(precise, 1.0, 1 - left / np.maximum(prior, _NO_VARIANCE))


def whole_range(figures: FigureSet, errors: Errors) -> Floats:
    """For what nobody measured: the bias may be the whole legal range."""
    return np.broadcast_to((figures.most - figures.least) / Z95, errors.value.shape)


def figure_rows(
    figures: FigureSet,
    errors: Errors,
    setting: Setting,
    *,
    informative: bool | Sequence[bool],
    model_based: bool,
    weighted: bool = False,
    group: str | None = None,
    codes: list[str] | None = None,
) -> Iterator[SummaryRow]:
    """A row a figure and group. `informative`: of all figures, or of each. `codes`: of the groups."""
    if isinstance(figures, CumulativeFigures):
        base_low = errors.base[0] - Z95 * errors.base_sd[0]
        yield from quantile_rows(
            figures, errors, group, codes or [None], weighted=weighted, model_based=model_based,
            informative=bool(np.all(informative)), small=(base_low < setting.least_base).tolist(),
            margin_points=setting.margin_points,
        )  # fmt: skip
        return
    found = interval(errors, figures, systematic=weighted)
    why = reasons(errors, found, figures, informative, setting.margin_points, setting.least_base).tolist()
    columns = (
        errors.value,
        found.low,
        found.high,
        found.moe,
        found.sampling_moe,
        found.noise_moe,
        found.bias_moe,
        errors.base,
    )
    numbers = np.stack(columns, axis=-1).tolist()
    for row, figure in enumerate(figures.figures):
        for column, code in enumerate(codes or [None]):
            reason = why[row][column]
            value, low, high, moe, sampling, noise, bias, base = numbers[row][column]
            if reason == "undefined":
                value = low = high = moe = sampling = noise = bias = None
            yield SummaryRow(
                figure.subject, figure.statistic, figure.option, group, code, figure.unit,
                value, low, high, moe, sampling, noise, bias, base,
                weighted, model_based, not reason, reason,
            )  # fmt: skip

"""Every figure of a release with its errors: the rows of summary.parquet. The row set depends on the plan only.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from privacy.benchmarks import benchmark_rows
from privacy.calibrate import Calibration, calibrated_topline, calibration
from privacy.components import Floats, Key
from privacy.estimate import Estimates, TableEstimate
from privacy.importance import importance_rows
from privacy.intervals import (
    Z95,
    CellNoise,
    Errors,
    count_interval,
    figure_errors,
    group_noise,
    group_prior_sd,
    interval,
    reasons,
    topline_noise,
)
from privacy.quantiles import QUANTILES, CumulativeFigures, cumulative_figures, quantile_rows
from privacy.residual import component_precisions, universe_of
from privacy.statistics import FigureSet, figures_of
from schemas.attributes import Attribute, CellRole
from schemas.plan import Plan, table_id
from schemas.policy import Policy
from schemas.released import SummaryRow
from schemas.survey import Survey

_SUBJECT_FIRST = {"score": 0, "multi": 1, "single": 2}


@dataclass(frozen=True)
class _Setting:
    """What every row needs."""

    attributes: Mapping[str, Attribute]
    estimates: Estimates
    precisions: Mapping[Key, float]
    figures: Mapping[str, FigureSet]
    interaction: float
    margin_points: float
    least_base: float

    def table(self, *names: str) -> TableEstimate | None:
        order = list(self.attributes)
        return self.estimates.tables.get(table_id(tuple(sorted(names, key=order.index))))

    def precision(self, *names: str) -> float:
        universe = universe_of(tuple(self.attributes[name] for name in names))
        return self.precisions.get((universe, names), 0.0)


def summarise(
    survey: Survey, policy: Policy, plan: Plan, attributes: Mapping[str, Attribute], estimates: Estimates
) -> list[SummaryRow]:
    """Figures of every published one-way table for everybody (unweighted and, with targets, weighted), then of every
    published crosstab per group; demographics as populations and shares. Three-way tables have no figures of their own.
    """
    precisions = component_precisions(plan.measured, attributes)
    setting = _Setting(
        attributes=attributes,
        estimates=estimates,
        precisions=precisions,
        figures=figures_of(survey, attributes),
        interaction=policy.prior.interaction or 1.0,
        margin_points=policy.precision.publish_margin_points,
        least_base=float(policy.precision.min_expected_base),
    )
    weights = calibration(survey, attributes, estimates, precisions)
    cumulative = cumulative_figures(survey, dict(attributes))
    below = replace(setting, figures={**setting.figures, **cumulative})
    rows: list[SummaryRow] = []
    for published in plan.published:
        if len(published.attributes) == 1:
            rows += _one_way_rows(published.attributes[0], setting, weights)
        elif len(published.attributes) == 2:
            rows += _crosstab_rows(published.attributes, setting)
        if cumulative.keys() & set(published.attributes):
            rows += _quantiles_of(published.attributes, below, weights)
    toplines = [row for row in rows if row.group is None]
    rows += benchmark_rows(survey, toplines)
    rows += importance_rows(survey, toplines, setting.margin_points)
    return rows


def _quantiles_of(table: tuple[str, ...], below: _Setting, weights: Calibration | None) -> Iterator[SummaryRow]:
    """Quantiles of a table's numeric question; `below` has cumulative shares for its figures."""
    found: Iterator[SummaryRow] = iter(())
    if len(table) == 1:
        found = _one_way_rows(table[0], below, weights)
    elif len(table) == 2:
        found = _crosstab_rows(table, below)
    return (row for row in found if row.statistic in QUANTILES)


def _one_way_rows(name: str, setting: _Setting, weights: Calibration | None) -> Iterator[SummaryRow]:
    attribute = setting.attributes[name]
    if attribute.is_group:
        yield from _population_rows(name, setting)
    known = setting.precision(name) > 0
    errors = _everybody(name, setting)
    figures = setting.figures[name]
    yield from _rows(figures, errors, setting, informative=known, model_based=not known)
    if weights is not None and not attribute.is_group:
        errors, model_based = _weighted(name, setting, weights)
        yield from _rows(
            figures, errors, setting, informative=known, model_based=model_based or not known, weighted=True
        )


def _noise(name: str, setting: _Setting) -> CellNoise:
    attribute = setting.attributes[name]
    return topline_noise(name, attribute.size, universe_of((attribute,)), setting.precisions)


def _histogram(figures: FigureSet, setting: _Setting, *group: str) -> Floats | None:
    """Cells × groups of the figures' histogram, where it is in the release."""
    table = None if figures.histogram is None else setting.table(figures.histogram, *group)
    if table is None:
        return None
    return table.counts[:, None] if not group else np.moveaxis(table.counts, table.attributes.index(group[0]), 1)


def _everybody(name: str, setting: _Setting) -> Errors:
    figures, estimates = setting.figures[name], setting.estimates
    counts = estimates.tables[name].counts[:, None]
    people = np.array([estimates.total])
    errors = figure_errors(
        figures, counts, _noise(name, setting), people, estimates.total_variance, _histogram(figures, setting)
    )
    return errors if setting.precision(name) > 0 else replace(errors, bias_sd=_whole_range(figures, errors))


def _whole_range(figures: FigureSet, errors: Errors) -> Floats:
    """For what nobody measured: the bias may be the whole legal range."""
    return np.broadcast_to((figures.most - figures.least) / Z95, errors.value.shape)


def _weighted(name: str, setting: _Setting, weights: Calibration) -> tuple[Errors, bool]:
    """Calibrated figures. Sampling error is that of the effective base (Kish); bias is what the shift does not know."""
    figures, estimates = setting.figures[name], setting.estimates
    moved = calibrated_topline(
        setting.attributes[name], weights, setting.attributes, estimates, setting.precisions, _noise(name, setting),
        setting.interaction,
    )  # fmt: skip
    people = np.array([estimates.total])
    errors = figure_errors(
        figures, moved.counts[:, None], moved.noise, people, estimates.total_variance, _histogram(figures, setting)
    )
    bias = errors.sampling_sd * moved.unknown**0.5 if setting.precision(name) > 0 else _whole_range(figures, errors)
    errors = replace(errors, sampling_sd=errors.sampling_sd * weights.design_effect**0.5, bias_sd=bias)
    return errors, weights.model_based or not moved.measured


def _crosstab_rows(pair: tuple[str, ...], setting: _Setting) -> Iterator[SummaryRow]:
    by_kind = sorted(pair, key=lambda n: (setting.attributes[n].is_group, _SUBJECT_FIRST[setting.attributes[n].kind]))
    name, group = by_kind
    groups = setting.attributes[group]
    table = setting.table(*pair)
    if table is None or setting.attributes[name].is_group or groups.kind != "single":
        return
    shown = groups.roles(CellRole.SUBSTANTIVE)
    figures = setting.figures[name]
    counts = np.moveaxis(table.counts, pair.index(name), 0)[:, list(shown)]
    measured = setting.precision(*pair) > 0
    if measured:
        errors = _measured_groups(name, group, pair, counts, shown, setting)
    else:
        errors = _assumed_groups(name, group, counts, shown, setting)
    codes = [groups.cells[i].code for i in shown]
    known = measured and table.informative
    yield from _rows(figures, errors, setting, informative=known, model_based=not measured, group=group, codes=codes)


def _measured_groups(
    name: str, group: str, pair: tuple[str, ...], counts: Floats, shown: tuple[int, ...], setting: _Setting
) -> Errors:
    figures, own, groups = setting.figures[name], setting.attributes[name], setting.attributes[group]
    universe = universe_of((own, groups))
    noise = group_noise(name, own.size, group, groups.size, pair, universe, setting.precisions)
    sizes = setting.estimates.tables[group]
    histogram = _histogram(figures, setting, group)
    return figure_errors(
        figures, counts, noise, sizes.counts[list(shown)], float(sizes.noise_variance[shown[0]]) if shown else 0.0,
        None if histogram is None else histogram[:, list(shown)],
    )  # fmt: skip


def _assumed_groups(name: str, group: str, counts: Floats, shown: tuple[int, ...], setting: _Setting) -> Errors:
    """Groups of a table that nobody measured: everybody's figure, with everybody's errors, and the prior as bias."""
    figures, everybody = setting.figures[name], _everybody(name, setting)
    sizes = setting.estimates.tables[group]
    people = sizes.counts[list(shown)]
    still = CellNoise(0.0, 0.0, setting.attributes[name].size)
    own = figure_errors(figures, counts, still, people, 0.0)
    share = people / setting.estimates.total
    base_variance = (share * everybody.base_sd) ** 2
    base_variance = base_variance + (everybody.base / setting.estimates.total) ** 2 * sizes.noise_variance[list(shown)]
    bias = group_prior_sd(everybody, own.base, setting.interaction) + everybody.bias_sd
    shape = own.value.shape
    return replace(
        own,
        sampling_sd=np.broadcast_to(everybody.sampling_sd, shape),
        noise_sd=np.broadcast_to(everybody.noise_sd, shape),
        bias_sd=bias,
        base_sd=np.sqrt(base_variance),
    )


def _population_rows(name: str, setting: _Setting) -> Iterator[SummaryRow]:
    table, estimates = setting.estimates.tables[name], setting.estimates
    base_low = estimates.total - Z95 * estimates.total_variance**0.5
    for cell, count, variance in zip(
        setting.attributes[name].cells, table.counts.tolist(), table.noise_variance.tolist(), strict=True
    ):
        low, high, moe = count_interval(count, variance)
        wide = 100 * moe > setting.margin_points * estimates.total
        known = setting.precision(name) > 0
        reason = (
            "no_information" if not known else "base" if base_low < setting.least_base else "margin" if wide else ""
        )
        yield SummaryRow(
            subject=name, statistic="population", option=cell.code, group_attribute=None, group=None,
            unit="respondents", value=count, low=low, high=high, moe=moe, sampling_moe=0.0, noise_moe=moe, bias_moe=0.0,
            base=estimates.total, weighted=False, model_based=not known, publishable=not reason, reason=reason,
        )  # fmt: skip


def _rows(
    figures: FigureSet,
    errors: Errors,
    setting: _Setting,
    *,
    informative: bool,
    model_based: bool,
    weighted: bool = False,
    group: str | None = None,
    codes: list[str] | None = None,
) -> Iterator[SummaryRow]:
    if isinstance(figures, CumulativeFigures):
        base_low = errors.base[0] - Z95 * errors.base_sd[0]
        yield from quantile_rows(
            figures, errors, group, codes or [None], weighted=weighted, model_based=model_based,
            informative=informative, small=(base_low < setting.least_base).tolist(),
            margin_points=setting.margin_points,
        )  # fmt: skip
        return
    found = interval(errors, figures)
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

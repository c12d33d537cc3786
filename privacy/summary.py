"""Every figure of a release with its errors: the rows of summary.parquet. The row set depends on the plan only.

Claim: docs/claims/estimate.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from privacy.benchmarks import benchmark_rows
from privacy.calibrate import Calibration, calibrated_topline, calibration
from privacy.discoveries import significant
from privacy.estimate import Estimates
from privacy.figure_rows import (
    Setting,
    everybody_of,
    figure_rows,
    histogram_of,
    learned_topline,
    one_way_noise,
    whole_range,
)
from privacy.group_rows import GroupRow, crosstab_rows
from privacy.importance import importance_rows
from privacy.intervals import Z95, Errors, count_interval, figure_errors
from privacy.quantiles import QUANTILES, cumulative_figures
from privacy.residual import component_precisions
from privacy.statistics import figures_of
from schemas.attributes import Attribute
from schemas.plan import Plan
from schemas.policy import Policy
from schemas.released import SummaryRow
from schemas.survey import Survey


def summarise(
    survey: Survey, policy: Policy, plan: Plan, attributes: Mapping[str, Attribute], estimates: Estimates
) -> list[SummaryRow]:
    """Figures of every published one-way table for everybody (unweighted and, with targets, weighted), then of every
    published crosstab per group; demographics as populations and shares. Three-way tables have no figures of their own.
    """
    precisions = component_precisions(plan.measured, attributes)
    setting = Setting(
        attributes=attributes,
        estimates=estimates,
        precisions=precisions,
        figures=figures_of(survey, attributes),
        interaction=plan.interaction,
        margin_points=policy.precision.publish_margin_points,
        least_base=float(policy.precision.min_expected_base),
    )
    weights = calibration(survey, attributes, estimates, precisions)
    cumulative = cumulative_figures(survey, dict(attributes))
    below = replace(setting, figures={**setting.figures, **cumulative})
    rows: list[GroupRow] = []
    for published in plan.published:
        if len(published.attributes) == 1:
            rows += ((row, None) for row in _one_way_rows(published.attributes[0], setting, weights))
        elif len(published.attributes) == 2:
            rows += crosstab_rows(published.attributes, setting)
        if cumulative.keys() & set(published.attributes):
            rows += ((row, None) for row in _quantiles_of(published.attributes, below, weights))
    marks = iter(significant([rate for _, rate in rows if rate is not None]))
    found = [row if rate is None else replace(row, significant=next(marks)) for row, rate in rows]
    toplines = [row for row in found if row.group is None]
    found += benchmark_rows(survey, toplines)
    found += importance_rows(survey, toplines, setting.margin_points)
    return found


def _quantiles_of(table: tuple[str, ...], below: Setting, weights: Calibration | None) -> Iterator[SummaryRow]:
    """Quantiles of a table's numeric question; `below` has cumulative shares for its figures."""
    found: Iterator[SummaryRow] = iter(())
    if len(table) == 1:
        found = _one_way_rows(table[0], below, weights)
    elif len(table) == 2:
        found = (row for row, _ in crosstab_rows(table, below))
    return (row for row in found if row.statistic in QUANTILES)


def _one_way_rows(name: str, setting: Setting, weights: Calibration | None) -> Iterator[SummaryRow]:
    attribute = setting.attributes[name]
    if attribute.is_group:
        yield from _population_rows(name, setting)
    known = setting.precision(name) > 0
    errors = everybody_of(name, setting)
    figures = setting.figures[name]
    errors = replace(errors, learned=learned_topline(name, setting, errors))
    yield from figure_rows(figures, errors, setting, informative=known, model_based=not known)
    if weights is not None and not attribute.is_group:
        errors, model_based = _weighted(name, setting, weights)
        errors = replace(errors, learned=learned_topline(name, setting, errors))
        yield from figure_rows(
            figures, errors, setting, informative=known, model_based=model_based or not known, weighted=True
        )


def _weighted(name: str, setting: Setting, weights: Calibration) -> tuple[Errors, bool]:
    """Calibrated figures. Sampling error is that of the effective base (Kish); bias is what the shift does not know."""
    figures, estimates = setting.figures[name], setting.estimates
    attribute, noise = setting.attributes[name], one_way_noise(name, setting)
    moved = calibrated_topline(
        attribute, weights, setting.attributes, estimates, setting.precisions, noise, setting.interaction
    )
    people = np.array([estimates.total])
    errors = figure_errors(
        figures, moved.counts[:, None], moved.noise, people, estimates.total_variance, histogram_of(figures, setting)
    )
    unlearned = everybody_of(name, setting).bias_sd
    bias = (
        np.hypot(unlearned, errors.sampling_sd * moved.unknown**0.5)
        if setting.precision(name) > 0
        else whole_range(figures, errors)
    )
    errors = replace(errors, sampling_sd=errors.sampling_sd * weights.design_effect**0.5, bias_sd=bias)
    return errors, weights.model_based or not moved.measured


def _population_rows(name: str, setting: Setting) -> Iterator[SummaryRow]:
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

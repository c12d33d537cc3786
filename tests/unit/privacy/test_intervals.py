"""Errors: exact noise variance of contrasts, sampling error that never vanishes, intervals that cover."""

import numpy as np
import pytest

from privacy.components import Floats
from privacy.intervals import (
    Z95,
    CellNoise,
    count_interval,
    figure_errors,
    group_noise,
    group_prior_sd,
    interval,
    reasons,
    topline_noise,
)
from privacy.residual import component_precisions
from privacy.statistics import figures_of
from tests.unit.privacy.estimating import by_id, plan_of, riverbend

SURVEY = riverbend()
ATTRIBUTES = by_id(SURVEY)
FIGURES = figures_of(SURVEY, ATTRIBUTES)
SILENT = CellNoise(0.0, 0.0, 8)


def errors_of(counts: Floats, noise: CellNoise = SILENT, name: str = "quality"):
    return figure_errors(
        FIGURES[name], np.array(counts, dtype=float).reshape(-1, 1), noise, np.array([sum(counts)]), 0.0
    )


def test_contrast_variance_is_that_of_the_covariance():
    """Σ_A (1/p_A) aᵀ(⊗ projectors)a, against the covariance built cell by cell."""
    names, sizes = ("age", "quality"), (5, 8)
    noise = {("age",): 3.0, ("quality",): 2.0, names: 6.0}
    plan = plan_of(ATTRIBUTES, noise, [names])
    precisions = component_precisions(plan.measured, ATTRIBUTES)
    centre = [np.eye(n) - 1 / n for n in sizes]
    level = [np.full((n, n), 1 / n**2) for n in sizes]
    covariance = sum(
        np.kron(*(centre[i] if name in part else level[i] for i, name in enumerate(names))) / precisions["", part]
        for part in ((), ("age",), ("quality",), names)
    )
    rng = np.random.default_rng(1)
    contrast, group = rng.normal(size=8), np.eye(5)[2]
    full = np.kron(group, contrast)
    known = group_noise("quality", 8, "age", 5, names, "", precisions)
    assert known.variance(contrast) == pytest.approx(full @ covariance @ full)
    ones = np.kron(np.ones(5), contrast)
    known = topline_noise("quality", 8, "", precisions)
    assert known.variance(contrast) == pytest.approx(ones @ covariance @ ones)


def test_sampling_error_of_a_share():
    errors = errors_of([300, 100, 50, 50, 0, 0, 0, 0])
    share = [f.option for f in FIGURES["quality"].figures].index("1")
    assert errors.value[share, 0] == 60
    assert errors.sampling_sd[share, 0] == pytest.approx(100 * (0.6 * 0.4 / 500) ** 0.5, rel=0.02)


def test_nobody_is_not_never():
    errors = errors_of([50, 0, 0, 0, 0, 0, 0, 0])
    assert errors.sampling_sd.min() > 0
    found = interval(errors, FIGURES["quality"])
    assert found.high[1, 0] == pytest.approx(100 * 3 / 50, rel=0.2)


def test_no_base_no_value():
    errors = errors_of([0, 0, 0, 0, 0, 9, 0, 0])
    assert np.isnan(errors.value).all() and np.isfinite(errors.noise_sd).all()
    why = reasons(errors, interval(errors, FIGURES["quality"]), FIGURES["quality"], True, 10, 40)
    assert set(why.ravel()) == {"undefined"}


def test_bias_adds_in_full_and_margins_stop_at_the_range():
    errors = errors_of([300, 100, 50, 50, 0, 0, 0, 0], CellNoise(0.0, 100.0, 8))
    found = interval(errors, FIGURES["quality"])
    assert found.moe == pytest.approx(np.hypot(found.sampling_moe, found.noise_moe))
    biased = interval(
        type(errors)(**{**errors.__dict__, "bias_sd": np.full_like(errors.value, 1e6)}), FIGURES["quality"]
    )
    assert (biased.moe == FIGURES["quality"].most - FIGURES["quality"].least).all()
    assert (biased.low >= FIGURES["quality"].least).all() and (biased.high <= FIGURES["quality"].most).all()


def test_reasons_in_their_order():
    errors = errors_of([30, 10, 5, 5, 0, 0, 0, 0], CellNoise(1.0, 1.0, 8))
    found, figures = interval(errors, FIGURES["quality"]), FIGURES["quality"]
    assert set(reasons(errors, found, figures, False, 10, 40).ravel()) == {"no_information"}
    assert set(reasons(errors, found, figures, True, 0.01, 60).ravel()) == {"base"}
    assert set(reasons(errors, found, figures, True, 0.01, 10).ravel()) == {"margin"}
    assert set(reasons(errors, found, figures, True, 60, 10).ravel()) == {""}


def test_groups_of_everybody_have_no_prior_spread():
    everybody = errors_of([300, 100, 50, 50, 0, 0, 0, 0])
    assert group_prior_sd(everybody, everybody.base, 3.0) == pytest.approx(0)
    small, large = (group_prior_sd(everybody, everybody.base * f, 3.0) for f in (0.1, 0.5))
    assert (small > large).all()


def test_a_spread_within_the_histogram_is_smaller_than_any_spread():
    figures = FIGURES["years__mean"]
    counts = np.array([[20.0], [180.0], [0.0], [0.0], [0.0]])
    histogram = np.array([[60.0], [140.0], [0.0], [0.0], [0.0], [0.0]])
    noise = CellNoise(0.0, 0.0, 5)
    plain = figure_errors(figures, counts, noise, np.array([200.0]), 0.0)
    told = figure_errors(figures, counts, noise, np.array([200.0]), 0.0, histogram)
    assert told.sampling_sd[0, 0] < 0.5 * plain.sampling_sd[0, 0]


def test_count_interval():
    assert count_interval(1.0, 4.0) == (0.0, 1 + 2 * Z95, 2 * Z95)

"""Calibration from tables equals GREG on rows when nothing is noisy, and leaves the figure alone when everything is."""

from itertools import combinations

import numpy as np
import pytest

from privacy.calibrate import calibrated_topline, calibration, target_totals
from privacy.intervals import topline_noise
from privacy.residual import component_precisions, universe_of
from tests.unit.privacy.estimating import by_id, estimated, riverbend, simulate

GROUPS = ("age", "district")
HEADS = ("quality", "services", "safety", "years__mean", "recommend")


def tables_of(*, pairs: bool = True, crosstabs: bool = True) -> list[tuple[str, ...]]:
    found = [(name,) for name in (*GROUPS, *HEADS)]
    found += list(combinations(GROUPS, 2)) if pairs else []
    return found + ([(g, h) for h in HEADS for g in GROUPS] if crosstabs else [])


def rowwise_greg(rows, attributes, survey, answer):
    """Linear weights of every row by least squares on dummies (with an intercept left implicit), then weighted totals."""
    design = np.hstack([rows[name] for name in GROUPS]).astype(float)
    totals = []
    for name in GROUPS:
        targets = next(d.targets for d in survey.demographics if d.id == name)
        sample = rows[name].sum(axis=0).astype(float)
        for cell, own in zip(attributes[name].cells, sample, strict=True):
            key = "not_answered" if cell.code == "_not_answered" else cell.code
            free = sum(
                s
                for c, s in zip(attributes[name].cells, sample, strict=True)
                if c.code.replace("_not_answered", "not_answered") in targets
            )
            totals.append(targets[key] / sum(targets.values()) * free if key in targets else own)
    gap = np.array(totals) - design.sum(axis=0)
    multipliers, *_ = np.linalg.lstsq(design.T @ design, gap, rcond=1e-10)
    weights = 1 + design @ multipliers
    assert np.allclose(design.T @ weights, totals)
    return weights @ rows[answer] / attributes[answer].unit, weights


def calibrated(name, survey, attributes, plan, estimates, interaction=3.0):
    precisions = component_precisions(plan.measured, attributes)
    weights = calibration(survey, attributes, estimates, precisions)
    noise = topline_noise(name, attributes[name].size, universe_of((attributes[name],)), precisions)
    return weights, calibrated_topline(attributes[name], weights, attributes, estimates, precisions, noise, interaction)


@pytest.mark.parametrize("name", HEADS)
def test_without_noise_it_is_greg_on_the_rows(name):
    survey, rng = riverbend(), np.random.default_rng(11)
    attributes = by_id(survey)
    rows = simulate(attributes, 900, rng)
    plan, estimates = estimated(attributes, rows, dict.fromkeys(tables_of(), 1e-9), tables_of(), rng)
    expected, row_weights = rowwise_greg(rows, attributes, survey, name)
    weights, moved = calibrated(name, survey, attributes, plan, estimates)
    assert moved.counts == pytest.approx(expected, rel=1e-8, abs=1e-6)
    assert moved.measured and not weights.model_based
    assert weights.design_effect == pytest.approx(1 + row_weights.var() / row_weights.mean() ** 2, rel=1e-6)


def test_collinear_demographics_change_nothing():
    survey = riverbend()
    twin = {**survey.demographics[0].model_dump(), "id": "age_again"}
    survey = riverbend(demographics=[*(d.model_dump() for d in survey.demographics[:2]), twin])
    attributes, rng = by_id(survey), np.random.default_rng(4)
    rows = simulate(attributes, 700, rng)
    rows["age_again"] = rows["age"]
    names = ("age", "district", "age_again")
    tables = [(n,) for n in (*names, "quality")] + list(combinations(names, 2)) + [(n, "quality") for n in names]
    plan, estimates = estimated(attributes, rows, dict.fromkeys(tables, 1e-9), tables, rng)
    expected, _ = rowwise_greg(rows, attributes, survey, "quality")
    _, moved = calibrated("quality", survey, attributes, plan, estimates)
    assert moved.counts == pytest.approx(expected, rel=1e-8)


def test_under_much_noise_it_tends_to_the_unweighted_figure():
    survey, rng = riverbend(), np.random.default_rng(5)
    attributes = by_id(survey)
    rows = simulate(attributes, 900, rng)
    noise = {table: 1e-3 if len(table) == 1 else 1e6 for table in tables_of()}
    plan, estimates = estimated(attributes, rows, noise, tables_of(), rng)
    _, moved = calibrated("quality", survey, attributes, plan, estimates)
    assert moved.counts == pytest.approx(estimates.tables["quality"].counts, abs=0.5)
    assert moved.unknown > 0


def test_without_crosstabs_it_is_a_model_with_the_prior_as_error():
    survey, rng = riverbend(), np.random.default_rng(6)
    attributes = by_id(survey)
    rows = simulate(attributes, 900, rng)
    shown = tables_of(pairs=False, crosstabs=False)
    plan, estimates = estimated(attributes, rows, dict.fromkeys(shown, 1e-6), shown, rng)
    weights, moved = calibrated("quality", survey, attributes, plan, estimates)
    assert weights.model_based and not moved.measured
    assert moved.counts == pytest.approx(estimates.tables["quality"].counts)
    assert moved.unknown > 0


def test_no_targets_no_calibration():
    survey = riverbend(demographics=[{"id": "age", "column": "a", "categories": {"1": "x", "2": "y"}}])
    attributes, rng = by_id(survey), np.random.default_rng(1)
    rows = simulate(attributes, 100, rng)
    plan, estimates = estimated(attributes, rows, {("age",): 1.0}, [("age",)], rng)
    assert calibration(survey, attributes, estimates, component_precisions(plan.measured, attributes)) is None


def test_cells_without_a_target_keep_their_estimate():
    survey = riverbend()
    attributes = by_id(survey)
    totals = target_totals(survey, attributes["age"], np.array([10.0, 20.0, 60.0, 8.0, 2.0]))
    assert totals == pytest.approx([36.0, 31.5, 22.5, 8.0, 2.0])
    totals = target_totals(survey, attributes["district"], np.array([50.0, 40.0, 8.0, 2.0]))
    assert totals == pytest.approx([0.45 * 98, 0.5 * 98, 0.05 * 98, 2.0])


def test_at_extreme_noise_nothing_breaks():
    survey, rng = riverbend(), np.random.default_rng(9)
    attributes = by_id(survey)
    rows = simulate(attributes, 50, rng)
    for scale in (1e2, 1e5, 1e9):
        plan, estimates = estimated(attributes, rows, dict.fromkeys(tables_of(), scale), tables_of(), rng)
        for name in HEADS:
            weights, moved = calibrated(name, survey, attributes, plan, estimates)
            assert np.isfinite(moved.counts).all() and (moved.counts >= 0).all()
            assert np.isfinite(weights.design_effect)

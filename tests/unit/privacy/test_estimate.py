"""Estimates: exact at vanishing noise, best linear otherwise, independent where nothing was measured."""

from itertools import combinations

import numpy as np
import pytest

from privacy.components import assembled, component_estimates, component_of, known_variance
from privacy.estimate import estimate
from privacy.residual import cell_variance, component_precisions, components_of
from schemas.errors import InternalFault
from tests.unit.privacy.estimating import by_id, estimated, exact_table, plan_of, released, riverbend, simulate

CUBES = [("age", "district", "quality"), ("age", "district", "services"), ("age", "tenure", "years__mean")]


def full_workload(attributes):
    groups = [name for name, attribute in attributes.items() if attribute.is_group]
    heads = [name for name in attributes if name not in groups]
    return [(n,) for n in attributes] + list(combinations(groups, 2)) + [(g, h) for h in heads for g in groups] + CUBES


def test_components_put_a_table_together_again():
    rng = np.random.default_rng(1)
    axes, sizes = ("a", "b", "c"), {"a": 3, "b": 4, "c": 2}
    table = rng.normal(size=(3, 4, 2))
    parts = {("", c): component_of(table, axes, c) for c in components_of(axes)}
    assert assembled(axes, "", parts, sizes) == pytest.approx(table)
    for component in components_of(axes)[1:]:
        assert parts["", component].sum(axis=0) == pytest.approx(0, abs=1e-12)


def test_least_squares_is_that_of_the_normal_equations():
    survey, rng = riverbend(), np.random.default_rng(2)
    attributes = by_id(survey)
    rows = simulate(attributes, 300, rng)
    noise = {
        ("age",): 4.0,
        ("district",): 7.0,
        ("age", "district"): 3.0,
        ("district", "quality"): 5.0,
        ("age", "quality"): 2.0,
    }
    names = ("age", "district", "quality")
    plan = plan_of(attributes, noise, [names])
    measured = released(plan, {t.id: exact_table(rows, t.attributes) for t in plan.measured}, rng).value.tables
    parts = component_estimates(plan.measured, attributes, measured)
    sizes = {n: attributes[n].size for n in names}
    shape = tuple(sizes.values())
    blocks, said, weight = [], [], []
    cells = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    for table in plan.measured:
        outside = tuple(i + 1 for i, n in enumerate(names) if n not in table.attributes)
        blocks.append(cells.sum(axis=outside).reshape(len(cells), -1).T)
        said.append(measured[table.id].ravel() / table.unit)
        weight.append(np.full(said[-1].size, table.noise_sd**-2))
    design, weights = np.vstack(blocks), np.concatenate(weight)
    pseudo = np.linalg.pinv(design.T @ (weights[:, None] * design))
    fitted = (pseudo @ (design.T @ (weights * np.concatenate(said)))).reshape(shape)
    for table in plan.measured:
        outside = tuple(i for i, n in enumerate(names) if n not in table.attributes)
        assert assembled(table.attributes, "", parts, sizes) == pytest.approx(fitted.sum(axis=outside), abs=1e-6)
        sums = cells.sum(axis=tuple(i + 1 for i in outside)).reshape(len(cells), -1)
        covariance = sums.T @ pseudo @ sums
        precisions = component_precisions(plan.measured, attributes)
        variance = known_variance(table.attributes, "", precisions, sizes)
        assert variance == pytest.approx(np.diag(covariance).mean())
        assert variance == pytest.approx(cell_variance(table.attributes, attributes, precisions))


def test_at_vanishing_noise_the_estimates_are_the_counts():
    attributes, rng = by_id(riverbend()), np.random.default_rng(3)
    rows = simulate(attributes, 800, rng)
    tables = full_workload(attributes)
    _, estimates = estimated(attributes, rows, dict.fromkeys(tables, 1e-6), tables, rng)
    assert estimates.total == pytest.approx(800)
    for table in tables:
        unit = np.prod([attributes[n].unit for n in table])
        found = estimates.tables["*".join(table)]
        assert found.counts == pytest.approx(exact_table(rows, table) / unit, abs=2e-3)
        assert found.measured and found.informative


def test_what_nobody_measured_is_independent_and_says_so():
    attributes, rng = by_id(riverbend()), np.random.default_rng(4)
    rows = simulate(attributes, 500, rng)
    ones = [(n,) for n in attributes]
    shown = [*ones, ("age", "quality"), ("age", "services"), ("age", "district", "quality")]
    _, estimates = estimated(attributes, rows, dict.fromkeys(ones, 2.0), shown, rng)
    age, quality = (estimates.tables[n].counts for n in ("age", "quality"))
    pair = estimates.tables["age*quality"]
    assert pair.counts == pytest.approx(np.outer(age, quality) / estimates.total)
    assert not pair.measured and not pair.informative
    assert (pair.noise_variance >= 0).all() and pair.noise_variance.max() < estimates.tables[
        "quality"
    ].noise_variance.max()
    cube = estimates.tables["age*district*quality"].counts
    district = estimates.tables["district"].counts
    expected = age[:, None, None] * district[None, :, None] * quality[None, None, :] / estimates.total**2
    assert cube == pytest.approx(expected, abs=1e-6)
    ticks = estimates.tables["age*services"].counts
    assert ticks == pytest.approx(np.outer(age, estimates.tables["services"].counts) / estimates.total)


def test_product_noise_is_what_repetition_shows():
    attributes, rng = by_id(riverbend()), np.random.default_rng(5)
    rows = simulate(attributes, 5000, rng)
    noise = {("age",): 8.0, ("quality",): 12.0}
    plan = plan_of(attributes, noise, [("age",), ("quality",), ("age", "quality")])
    exact = {t.id: exact_table(rows, t.attributes) for t in plan.measured}
    runs = [estimate(plan, attributes, released(plan, exact, rng), None).tables["age*quality"] for _ in range(400)]
    spread = np.var([run.counts for run in runs], axis=0)
    expected = np.mean([run.noise_variance for run in runs], axis=0)
    big = spread > 0.2
    assert (spread[big] / expected[big]).mean() == pytest.approx(1, abs=0.15)


def test_every_attribute_used_has_a_one_way_table():
    attributes, rng = by_id(riverbend()), np.random.default_rng(6)
    rows = simulate(attributes, 300, rng)
    _, estimates = estimated(attributes, rows, {("age", "quality"): 2.0}, [("age", "quality")], rng)
    assert set(estimates.tables) == {"age*quality", "age", "quality"}
    assert estimates.tables["age"].kind == "demographic" and not estimates.tables["age"].measured
    assert estimates.tables["age"].informative


def test_histogram_and_mean_of_a_number_agree():
    attributes, rng = by_id(riverbend()), np.random.default_rng(7)
    rows = simulate(attributes, 300, rng)
    tables = [("years",), ("years__mean",), ("age",), ("age", "years"), ("age", "years__mean")]
    for scale in (2.0, 50.0, 1e5):
        _, estimates = estimated(attributes, rows, dict.fromkeys(tables, scale), tables, rng)
        for one, other in (("years", "years__mean"), ("age*years", "age*years__mean")):
            histogram, mean = estimates.tables[one].counts, estimates.tables[other].counts
            assert mean[..., 2:] == pytest.approx(histogram[..., 3:], abs=1e-9 * estimates.total)
            assert mean[..., :2].sum(-1) == pytest.approx(histogram[..., :3].sum(-1), abs=1e-9 * estimates.total)


def test_a_survey_of_one_multi_has_a_total():
    attributes, rng = by_id(riverbend()), np.random.default_rng(8)
    rows = simulate(attributes, 300, rng)
    _, estimates = estimated(attributes, rows, {("services",): 1e-6}, [("services",)], rng)
    assert 100 < estimates.total <= 300 and estimates.total_variance == 0


def test_four_way_tables_are_refused():
    attributes = by_id(riverbend())
    plan = plan_of(attributes, {("age",): 1.0}, [("age", "district", "tenure", "quality")])
    with pytest.raises(InternalFault):
        estimate(plan, attributes, released(plan, {"age": np.zeros(5, dtype=np.int64)}, np.random.default_rng(1)), None)

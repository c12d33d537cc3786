"""Toplines drawn to their family: nearer the truth under noise, unmoved without, honest about what is left."""

import numpy as np
import pytest

from privacy.estimate import estimate
from privacy.group_prior import group_prior
from privacy.summary import summarise
from privacy.toplines import LEAST_FAMILY, families, learned_toplines
from schemas.attributes import Attribute
from tests.unit.privacy.estimating import RATING, by_id, plan_of, policy, released, riverbend

QUESTIONS = 30
SURVEY = riverbend(
    questions=[
        {"id": f"q{i}", "column": f"q{i}", "type": "rating", "options": RATING, "positive": ["1", "2"]}
        for i in range(QUESTIONS)
    ],
    indices=[],
)
ATTRIBUTES = {name: a for name, a in by_id(SURVEY).items() if name.startswith("q")}
SIZE = ATTRIBUTES["q0"].size
TOTAL = 600.0


def truths(rng: np.random.Generator, questions: int = QUESTIONS) -> np.ndarray:
    weights = np.array([8.0, 12.0, 6.0, 3.0, 1.5, 0.4, 1e-3, 1e-3])
    return TOTAL * rng.dirichlet(weights, size=questions)


def learned(true: np.ndarray, sd: float, rng: np.random.Generator, attributes: dict[str, Attribute] = ATTRIBUTES):
    noisy = true + rng.normal(scale=sd, size=true.shape)
    names = list(attributes)
    parts = {("", (name,)): row - row.mean() for name, row in zip(names, noisy, strict=True)}
    precisions = dict.fromkeys(parts, sd ** (-2))
    found = learned_toplines(attributes, parts, precisions, TOTAL)
    return np.array([found.parts[name] for name in names]) + TOTAL / SIZE, found, noisy


@pytest.mark.parametrize(("sd", "gain"), [(60.0, 0.5), (20.0, 0.9)])
def test_noise_is_taken_out(sd: float, gain: float) -> None:
    rng = np.random.default_rng(1)
    errors, plain = [], []
    for _ in range(20):
        true = truths(rng)
        estimate, _, noisy = learned(true, sd, rng)
        errors.append(((estimate - true) ** 2).mean())
        plain.append(((noisy - true) ** 2).mean())
    assert np.mean(errors) < gain**2 * np.mean(plain)


def test_without_noise_nothing_moves() -> None:
    rng = np.random.default_rng(2)
    true = truths(rng)
    estimate, found, _ = learned(true, 1e-4, rng)
    assert estimate == pytest.approx(true, abs=1e-2)
    assert all(np.trace(errors.bias) < 1e-2 for errors in found.errors.values())


@pytest.mark.parametrize("sd", [10.0, 40.0, 120.0])
def test_the_errors_are_those_seen(sd: float) -> None:
    rng = np.random.default_rng(3)
    seen, said = [], []
    for _ in range(60):
        true = truths(rng)
        estimate, found, _ = learned(true, sd, rng)
        seen.append(((estimate - true) ** 2).sum(axis=1).mean())
        said.append(np.mean([np.trace(e.noise) + np.trace(e.bias) for e in found.errors.values()]))
    assert np.mean(seen) == pytest.approx(np.mean(said), rel=0.2)


def test_a_family_too_small_to_speak_says_nothing() -> None:
    rng = np.random.default_rng(4)
    few = {name: ATTRIBUTES[name] for name in list(ATTRIBUTES)[: LEAST_FAMILY - 1]}
    true = truths(rng, len(few))
    estimate, found, noisy = learned(true, 30.0, rng, few)
    centred = noisy - noisy.mean(axis=1, keepdims=True) + TOTAL / SIZE
    assert estimate == pytest.approx(centred)
    assert not any(errors.bias.any() for errors in found.errors.values())


def test_families_have_the_same_cells_and_demographics_are_alone() -> None:
    survey = riverbend()
    attributes = by_id(survey)
    found = families(attributes)
    assert ["age"] in found and ["quality"] in found
    assert not any("services" in members for members in found)


@pytest.mark.parametrize(("sd", "published"), [(8.0, True), (45.0, False)])
def test_a_topline_is_published_where_it_or_its_own_measurement_says_enough(sd: float, published: bool) -> None:
    """At 45 people of noise a question alone is off by 15 points; its family would say 8, of questions in general."""
    rng = np.random.default_rng(4)
    tables = [(name,) for name in ATTRIBUTES]
    plan = plan_of(ATTRIBUTES, dict.fromkeys(tables, sd), tables)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    exact = {t.id: np.append(rng.multinomial(round(TOTAL), shares), np.zeros(SIZE - 4, int)) for t in plan.measured}
    estimates = estimate(plan, ATTRIBUTES, released(plan, exact, rng), group_prior(SURVEY, plan))
    rows = [r for r in summarise(SURVEY, policy(), plan, ATTRIBUTES, estimates) if r.statistic == "pct"]
    narrow = [row for row in rows if row.moe is not None and row.moe <= 10]
    assert len(narrow) > len(rows) / 2
    assert {row.publishable for row in narrow} == {published}
    assert {row.reason for row in narrow} == ({""} if published else {"belief"})

"""95 % intervals hold the population's value about 95 times in 100, with and without calibration."""

import numpy as np
import pytest

from privacy.estimate import estimate
from privacy.prior import expected_interaction
from privacy.summary import summarise
from tests.unit.privacy.estimating import by_id, exact_table, plan_of, policy, released, riverbend

AGE = {
    "id": "age",
    "column": "a",
    "categories": {"1": "Young", "2": "Middle", "3": "Old"},
    "targets": {"1": 0.4, "2": 0.35, "3": 0.25},
}
SURVEY = riverbend(demographics=[AGE])
ATTRIBUTES = by_id(SURVEY)
POPULATION = np.array([0.4, 0.35, 0.25])
ANSWERS = np.array([[0.3, 0.4, 0.15, 0.1, 0.05], [0.25, 0.3, 0.3, 0.1, 0.05], [0.15, 0.2, 0.3, 0.3, 0.05]])
TABLES = [("age",), ("quality",), ("age", "quality")]
RUNS = 250


def sample(rng: np.random.Generator, people: int, response: np.ndarray) -> dict[str, np.ndarray]:
    age = rng.choice(3, size=people, p=POPULATION * response / (POPULATION @ response))
    quality = (ANSWERS[age].cumsum(axis=1) < rng.random(people)[:, None]).sum(axis=1)
    return {"age": np.eye(5, dtype=np.int64)[age], "quality": np.eye(8, dtype=np.int64)[quality]}


def coverage(
    scale: float, people: int, response: np.ndarray, interaction: float = 3
) -> dict[tuple[str | None, bool], float]:
    """Share of runs whose interval of % positive holds the population's, by (group, weighted)."""
    rng = np.random.default_rng(int(scale) + people)
    believed = expected_interaction(interaction, SURVEY.expected.responses)
    plan = plan_of(ATTRIBUTES, dict.fromkeys(TABLES, scale), TABLES).model_copy(update={"interaction": believed})
    favourable, base = ANSWERS[:, :2].sum(axis=1), ANSWERS[:, :4].sum(axis=1)
    truth = {None: 100 * (POPULATION @ favourable) / (POPULATION @ base)}
    truth |= {code: 100 * favourable[i] / base[i] for i, code in enumerate("123")}
    hits: dict[tuple[str | None, bool], list[bool]] = {}
    for _ in range(RUNS):
        rows = sample(rng, people, response)
        exact = {t.id: exact_table(rows, t.attributes) for t in plan.measured}
        estimates = estimate(plan, ATTRIBUTES, released(plan, exact, rng), None)
        for row in summarise(SURVEY, policy(prior={"interaction": interaction}), plan, ATTRIBUTES, estimates):
            if row.statistic == "pct_positive":
                assert row.low is not None and row.high is not None
                hits.setdefault((row.group, row.weighted), []).append(row.low <= truth[row.group] <= row.high)
    return {key: float(np.mean(found)) for key, found in hits.items()}


@pytest.mark.statistical
@pytest.mark.slow
@pytest.mark.parametrize(("scale", "people"), [(2.0, 600), (12.0, 600), (30.0, 2500)])
def test_everybody_responds_alike(scale: float, people: int) -> None:
    found = coverage(scale, people, np.ones(3))
    assert set(found) == {(None, False), (None, True), ("1", False), ("2", False), ("3", False)}
    assert all(share >= 0.905 for share in found.values()), found
    assert found[None, False] <= 0.99


@pytest.mark.statistical
@pytest.mark.slow
@pytest.mark.parametrize(("scale", "people"), [(0.01, 1500), (6.0, 1500), (30.0, 1500)])
def test_the_old_respond_more_and_calibration_makes_up_for_it(scale: float, people: int) -> None:
    """Groups differ by far more than sampling here, so the public prior must say so: bias rests on it alone."""
    found = coverage(scale, people, np.array([0.3, 1.0, 2.0]), interaction=12)
    assert found[None, True] >= 0.91, found
    assert found[None, False] < 0.5, found

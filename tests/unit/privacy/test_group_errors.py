"""A group's figure from its net score: the whole path from noisy nets to rows, on simulated cities."""

import numpy as np
import pytest

from privacy.estimate import estimate
from privacy.group_prior import group_prior
from privacy.summary import summarise
from schemas.attributes import CellRole, attributes_of
from schemas.nets import with_nets
from tests.unit.privacy.estimating import RATING, exact_table, plan_of, policy, released, riverbend

AGES = {"id": "age", "column": "a", "categories": {"1": "Young", "2": "Middle", "3": "Old"}}
QUESTIONS = [
    {"id": f"q{i}", "column": f"q{i}", "type": "rating", "options": RATING, "positive": ["1", "2"]} for i in range(12)
]
SURVEY = riverbend(demographics=[AGES], questions=QUESTIONS, indices=[{"id": "all", "items": ["q0", "q1", "q2"]}])
ATTRIBUTES = {a.id: a for a in with_nets(SURVEY, attributes_of(SURVEY))}
SHARES = np.array([0.5, 0.3, 0.2])
NAMES = [q["id"] for q in QUESTIONS]


def city(rng: np.random.Generator, spread: float) -> np.ndarray:
    """Probability of a favourable answer by question and group."""
    return np.clip(rng.normal(0.62, 0.1, (12, 1)) + rng.normal(0, spread, (12, 3)), 0.05, 0.95)


def sample(rng: np.random.Generator, favourable: np.ndarray, people: int) -> dict[str, np.ndarray]:
    age = rng.choice(3, size=people, p=SHARES)
    rows = {"age": np.eye(5, dtype=np.int64)[age]}
    for i, name in enumerate(NAMES):
        good = rng.random(people) < favourable[i, age]
        silent = rng.random(people) < 0.08
        cell = np.where(silent, 5, np.where(good, rng.integers(0, 2, people), rng.integers(2, 4, people)))
        rows[name] = np.eye(ATTRIBUTES[name].size, dtype=np.int64)[cell]
    return rows


def rows_of(rng: np.random.Generator, favourable: np.ndarray, sd: float, people: int = 1500, draw=sample):
    nets = {("age", f"{name}__net"): sd for name in NAMES}
    measured = {("age",): sd / 4, **{(name,): sd for name in NAMES}, **nets}
    shown = [("age",), *((name,) for name in NAMES), *(("age", name) for name in NAMES)]
    plan = plan_of(ATTRIBUTES, measured, shown)
    plan = plan.model_copy(
        update={
            "published": tuple(t.model_copy(update={"informative": True, "net_measured": True}) for t in plan.published)
        }
    )
    rows = draw(rng, favourable, people)
    exact = {}
    for table in plan.measured:
        last = ATTRIBUTES[table.attributes[-1]]
        if last.of is None:
            exact[table.id] = exact_table(rows, table.attributes)
        else:
            exact[table.id] = (exact_table(rows, ("age", last.of)) @ np.array(last.weights)).reshape(table.shape)
    given = policy(prior={"interaction": 3})
    estimates = estimate(plan, ATTRIBUTES, released(plan, exact, rng), group_prior(SURVEY, plan))
    return summarise(SURVEY, given, plan, ATTRIBUTES, estimates), estimates


def test_tables_agree_whatever_is_learned() -> None:
    rng = np.random.default_rng(1)
    for sd in (0.5, 20.0, 400.0):
        _, estimates = rows_of(rng, city(rng, 0.1), sd)
        for name in NAMES:
            table = estimates.tables[f"age*{name}"].counts
            assert table.min() >= 0
            assert table.sum(axis=0) == pytest.approx(estimates.tables[name].counts, abs=1e-6)
            assert table.sum(axis=1) == pytest.approx(estimates.tables["age"].counts, abs=1e-6)


def test_values_and_differences_say_the_same() -> None:
    rng = np.random.default_rng(2)
    rows, _ = rows_of(rng, city(rng, 0.1), 10.0)
    everybody = {r.subject: r.value for r in rows if r.statistic == "pct_positive" and r.group is None}
    groups = {(r.subject, r.group): r.value for r in rows if r.statistic == "pct_positive" and r.group}
    differences = [r for r in rows if r.statistic == "pct_positive_difference"]
    assert len(differences) == 36
    for row in differences:
        assert row.value == pytest.approx(groups[row.subject, row.group] - everybody[row.subject])
        assert row.significant is not None


def test_options_of_a_group_are_not_published_when_only_its_net_score_is_known() -> None:
    rng = np.random.default_rng(3)
    rows, _ = rows_of(rng, city(rng, 0.1), 10.0)
    shares = [r for r in rows if r.group and r.statistic == "pct"]
    assert shares
    assert {r.reason for r in shares} <= {"no_information", "undefined"}
    assert any(r.publishable for r in rows if r.group and r.statistic == "pct_positive")


@pytest.mark.statistical
@pytest.mark.parametrize(("sd", "spread"), [(6.0, 0.05), (25.0, 0.05), (12.0, 0.15)])
def test_intervals_hold_the_population_and_signs_are_right(sd: float, spread: float) -> None:
    rng = np.random.default_rng(4)
    inside: dict[str, list[bool]] = {"pct_positive": [], "pct_positive_difference": []}
    signs: list[bool] = []
    for _ in range(14):
        favourable = city(rng, spread)
        everybody = favourable @ SHARES
        rows, _ = rows_of(rng, favourable, sd)
        for row in rows:
            if row.group is None or row.statistic not in inside or row.low is None or row.high is None:
                continue
            i, g = NAMES.index(row.subject), int(row.group) - 1
            away = favourable[i, g] - everybody[i]
            true = 100 * (away if row.statistic.endswith("difference") else favourable[i, g])
            inside[row.statistic].append(row.low <= true <= row.high)
            if row.significant and row.value is not None:
                signs.append(np.sign(row.value) == np.sign(away))
    assert all(0.93 <= np.mean(found) <= 0.995 for found in inside.values()), {k: np.mean(v) for k, v in inside.items()}
    assert np.mean(signs) >= 0.94


def routed(rng: np.random.Generator, favourable: np.ndarray, people: int) -> dict[str, np.ndarray]:
    """Three of the questions were asked of everybody young, of most in the middle, and of one in four of the old."""
    rows, asked = sample(rng, favourable, people), np.array([1.0, 0.9, 0.25])
    age = rows["age"].argmax(axis=1)
    for name in NAMES[:3]:
        [unasked] = ATTRIBUTES[name].roles(CellRole.NOT_ASKED)
        left_out = rng.random(people) >= asked[age]
        rows[name][left_out] = np.eye(ATTRIBUTES[name].size, dtype=np.int64)[unasked]
    return rows


@pytest.mark.statistical
@pytest.mark.parametrize("level", [0.4, 0.65, 0.85])
def test_where_not_everybody_was_asked_nothing_wrong_is_published(level: float) -> None:
    """A net score knows of each group those who were asked only in proportion to its size."""
    rng = np.random.default_rng(5)
    held, published = 0, 0
    for _ in range(8):
        favourable = np.clip(rng.normal(level, 0.02, (12, 1)) + rng.normal(0, 0.03, (12, 3)), 0.05, 0.95)
        rows, _ = rows_of(rng, favourable, 6.0, people=3000, draw=routed)
        for row in rows:
            if (
                row.group is None
                or row.statistic != "pct_positive"
                or row.subject not in NAMES[:3]
                or not row.publishable
            ):
                continue
            published += 1
            held += bool(row.low <= 100 * favourable[NAMES.index(row.subject), int(row.group) - 1] <= row.high)
    assert held >= 0.9 * published


def test_a_net_score_within_a_three_way_table_is_learned_from_it() -> None:
    """Beside the crosstab of another question, whose effects would else be all that is known of this one."""
    tenure = {"id": "tenure", "column": "t", "categories": {"own": "Own", "rent": "Rent"}}
    survey = riverbend(demographics=[AGES, tenure], questions=QUESTIONS[:2], indices=[])
    attributes = {a.id: a for a in with_nets(survey, attributes_of(survey))}
    rng = np.random.default_rng(6)
    people = 3000
    age, home = rng.choice(3, size=people, p=SHARES), rng.choice(2, size=people)
    cells = [np.where(rng.random(people) < np.array([0.2, 0.5, 0.9])[age], 0, 2), rng.integers(0, 4, people)]
    codes = {"age": age, "tenure": home, "q0": cells[0], "q1": cells[1]}
    rows = {name: np.eye(attributes[name].size, dtype=np.int64)[code] for name, code in codes.items()}
    measured = [("age",), ("q0",), ("q1",), ("age", "tenure", "q0"), ("age", "q1")]
    plan = plan_of(attributes, dict.fromkeys(measured, 1e-3), [("age",), ("q0",), ("age", "q0"), ("age", "q1")])
    exact = {table.id: exact_table(rows, table.attributes) for table in plan.measured}
    found = estimate(plan, attributes, released(plan, exact, rng), group_prior(survey, plan)).tables["age*q0"].counts
    assert found == pytest.approx(exact_table(rows, ("age", "q0")), abs=0.1)

"""Options and means of measured crosstabs: errors along and across the net score, on simulated cities."""

import numpy as np
import pytest

from privacy.components import Floats
from privacy.estimate import estimate
from privacy.group_belief import group_belief
from privacy.group_effects import Effects
from privacy.group_errors import GroupNet
from privacy.group_prior import group_prior
from privacy.group_tables import tilt
from privacy.intervals import CellNoise, figure_errors, group_prior_sd
from privacy.shrinkage import Kept
from privacy.statistics import figures_of
from privacy.summary import summarise
from schemas.attributes import attributes_of
from schemas.nets import with_nets
from tests.unit.privacy.estimating import RATING, exact_table, plan_of, policy, released, riverbend

AGES = {"id": "age", "column": "a", "categories": {"1": "Young", "2": "Middle", "3": "Old", "4": "Very old"}}
SHARES = np.array([0.5, 0.32, 0.12, 0.06])
QUESTIONS = [
    {"id": f"q{i}", "column": f"q{i}", "type": "rating", "options": RATING, "positive": ["1", "2"]} for i in range(8)
]
SURVEY = riverbend(demographics=[AGES], questions=QUESTIONS, indices=[])
ATTRIBUTES = {a.id: a for a in with_nets(SURVEY, attributes_of(SURVEY))}
FIGURES = figures_of(SURVEY, ATTRIBUTES)
NAMES = [q["id"] for q in QUESTIONS]
COUNTS = np.array([300.0, 200.0, 150.0, 100.0] + [40.0] * (ATTRIBUTES["q0"].size - 4))
WEIGHTS = np.array([1.0, 1.0, -1.0, -1.0] + [0.0] * (ATTRIBUTES["q0"].size - 4))


def net_of(bias: float, noise: float, prior: float) -> GroupNet:
    of = np.full((1, 2), 1.0)
    effects = Effects(("q0",), 0 * of, noise * of, bias * of, prior * of, 0 * of, 3.0)
    return GroupNet(effects, 0, (0, 1), 0.9, 0.0, 3.0, WEIGHTS, tilt(COUNTS, ATTRIBUTES["q0"], WEIGHTS), 0.0, of[0])


def kept_of(share: Floats) -> Kept:
    """An interaction of three times pure sampling, kept by these shares."""
    shares = np.broadcast_to(share, (len(COUNTS), 2))
    return Kept(shares, float(shares.mean()), 3.0 * (1 - shares) ** 2, np.full(shares.shape, 3.0))


def belief_of(share: Floats, net: GroupNet | None):
    figures, still = FIGURES["q0"], CellNoise(0.0, 0.0, ATTRIBUTES["q0"].size)
    everybody = figure_errors(figures, COUNTS[:, None], still, np.array([COUNTS.sum()]), 0.0)
    base = np.tile([90.0, 400.0], (len(figures.figures), 1))
    return everybody, base, group_belief(figures, everybody, COUNTS, base, 4.0, kept_of(share), net)


KEPT, LOST = np.ones(2), np.zeros(2)


def test_what_is_kept_whole_leaves_nothing_to_belief() -> None:
    _, _, found = belief_of(KEPT, net_of(bias=0.0, noise=2.0, prior=9.0))
    assert found.bias_sd == pytest.approx(0)
    _, _, alone = belief_of(KEPT, None)
    assert alone.bias_sd == pytest.approx(0) and alone.learned == pytest.approx(1)


def test_where_nothing_was_learned_it_is_the_whole_prior_whatever_the_net_score_says_of_it() -> None:
    """The net score's prior is that of sampling times the size, so that both ways to split a figure agree."""
    answers = COUNTS[:4]
    spread = float(answers @ WEIGHTS[:4] ** 2 / answers.sum() - (answers @ WEIGHTS[:4] / answers.sum()) ** 2)
    everybody, base, plain = belief_of(LOST, None)
    whole = group_prior_sd(everybody, base, 3.0)
    assert plain.bias_sd == pytest.approx(whole)
    prior = 3.0 * spread * base[:1] * (1 - base[:1] / answers.sum())
    net = net_of(0.0, 0.0, 0.0)
    effects = Effects(("q0",), 0 * prior, 0 * prior, prior, prior, 0 * prior, 3.0)
    net = GroupNet(effects, 0, (0, 1), 0.9, 0.0, 3.0, net.weights, net.tilt, 0.0, net.sizes)
    _, _, split = belief_of(LOST, net)
    assert split.bias_sd == pytest.approx(whole, rel=0.05)
    assert split.learned == pytest.approx(0)


def test_a_small_group_that_keeps_less_has_the_bias_of_what_it_keeps_not_of_the_tables_mean() -> None:
    shares = np.array([0.3, 0.9])
    everybody, base, found = belief_of(shares, None)
    assert found.learned == pytest.approx(np.tile(shares, (len(base), 1)))
    assert found.bias_sd == pytest.approx((1 - shares) * group_prior_sd(everybody, base, 3.0))
    assert found.noise[:, 0] * base[:, 0] ** 2 == pytest.approx(found.noise[:, 1] * base[:, 1] ** 2 / 9)


def test_the_figure_of_the_net_score_has_the_errors_of_the_net_score() -> None:
    """A favourable share moves by half a point a respondent of net score, and nothing of it lies across."""
    _, base, found = belief_of(0.2 * KEPT, net_of(bias=7.0, noise=5.0, prior=20.0))
    row = [f.statistic for f in FIGURES["q0"].figures].index("pct_positive")
    assert found.bias_sd[row] == pytest.approx(50 * np.sqrt(7.0) / base[row], rel=1e-6)
    effects = net_of(7.0, 5.0, 20.0).effects
    assert found.learned[row] == pytest.approx(effects.learned[0])
    assert (found.noise[row] >= 2500 * 5.0 / base[row] ** 2 - 1e-9).all()


def city(rng: np.random.Generator) -> np.ndarray:
    """Probability of each of four answers by question and group, apart in the net score and beside it."""
    level = np.log(np.array([0.35, 0.3, 0.2, 0.15])) + rng.normal(0, 0.2, (8, 1, 4))
    odds = np.exp(level + rng.normal(0, 0.35, (8, 4, 4)))
    return odds / odds.sum(axis=2, keepdims=True)


def rows_of(rng: np.random.Generator, chances: np.ndarray, sd: float, people: int = 3000):
    pairs = [("age", name) for name in NAMES]
    plan = plan_of(
        ATTRIBUTES,
        {("age",): sd / 4, **{(name,): sd for name in NAMES}, **dict.fromkeys(pairs, sd)},
        [("age",), *((name,) for name in NAMES), *pairs],
    )
    plan = plan.model_copy(
        update={"published": tuple(t.model_copy(update={"informative": True}) for t in plan.published)}
    )
    age = rng.choice(4, size=people, p=SHARES)
    rows = {"age": np.eye(ATTRIBUTES["age"].size, dtype=np.int64)[age]}
    for i, name in enumerate(NAMES):
        cell = (rng.random(people)[:, None] > np.cumsum(chances[i, age], axis=1)).sum(axis=1).clip(max=3)
        rows[name] = np.eye(ATTRIBUTES[name].size, dtype=np.int64)[cell]
    exact = {table.id: exact_table(rows, table.attributes) for table in plan.measured}
    estimates = estimate(plan, ATTRIBUTES, released(plan, exact, rng), group_prior(SURVEY, plan))
    return summarise(SURVEY, policy(prior={"interaction": 3}), plan, ATTRIBUTES, estimates)


@pytest.mark.statistical
@pytest.mark.parametrize("sd", [3.0, 10.0])
def test_published_options_hold_the_population_in_every_group(sd: float) -> None:
    """Small groups too: they keep less of what was measured of them than their table does on average."""
    rng = np.random.default_rng(5)
    inside: dict[str, list[bool]] = {str(g + 1): [] for g in range(4)}
    for _ in range(14):
        chances = city(rng)
        for row in rows_of(rng, chances, sd):
            if row.group is None or row.statistic != "pct" or not row.publishable:
                continue
            true = 100 * chances[NAMES.index(row.subject), int(row.group) - 1, int(str(row.option)) - 1]
            inside[row.group].append(bool(row.low <= true <= row.high))
    judged = {group: float(np.mean(found)) for group, found in inside.items() if len(found) >= 40}
    assert {"1", "2"} <= set(judged)
    assert min(judged.values()) >= 0.9, judged

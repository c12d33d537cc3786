"""Repeated measurement of fixed counts: the drawn noise has the plan's scales, and a scale 30 % off would be seen.

Draws are pooled over the tables that share a scale, 4,000 or more each: a one-cell table alone cannot tell 1.3 ×, and
1,000 Laplace draws miss it once in ten.
"""

from collections import defaultdict
from math import prod

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from pipelines.declarations import load_declarations
from privacy.measure import Exact, measure
from privacy.plan import make_plan
from schemas.ledger import Charge
from schemas.plan import MeasuredTable, Plan
from schemas.policy import Spend
from tests.real.surveys import BLOOMINGTON, SOMERVILLE_2015, RealSurvey

pytestmark = [pytest.mark.slow, pytest.mark.statistical]

FALSE_ALARM = 1e-7
"""Of the whole module: each scale gets its share."""

DRAWS = 4000
MOST_SCALES = 60
"""A plan of these surveys has fewer different scales."""

Scale = tuple[str, float]
CASES = [
    pytest.param((SOMERVILLE_2015, "gaussian"), id="somerville-2015-gaussian"),
    pytest.param((SOMERVILLE_2015, "laplace"), id="somerville-2015-laplace"),
    pytest.param((BLOOMINGTON, "gaussian"), id="bloomington-2017-gaussian"),
]


def plan_at_three(survey: RealSurvey, noise: str) -> Plan:
    declarations = load_declarations(survey.folder)
    spend = Spend.model_validate({"epsilon": 3, "noise": noise})
    policy = declarations.policy.model_copy(update={"spend": spend})
    return make_plan(
        declarations.survey,
        policy,
        survey_digest=declarations.survey_digest,
        policy_digest=declarations.policy_digest,
    )


def charge_of(plan: Plan) -> Charge:
    return Charge(
        release_id="scale-test",
        population=plan.population,
        year=plan.year,
        survey=plan.survey,
        wave=plan.wave,
        plan_digest="0" * 64,
        survey_digest=plan.survey_digest,
        policy_digest=plan.policy_digest,
        snapshot_id="scale-test",
        attempt=1,
        charge_nano_rho=plan.charge_nano_rho,
        charge_nano_pure_epsilon=plan.charge_nano_pure_epsilon,
        mechanism="discrete_gaussian" if plan.noise == "gaussian" else "discrete_laplace",
        measured_tables=len(plan.measured),
        delta=plan.delta,
    )


def fixed_counts(plan: Plan) -> dict[str, NDArray[np.int64]]:
    """Counts that are some numbers, the same each time: 0, 1, 2, … in each table's own units."""
    return {t.id: t.unit * np.arange(prod(t.shape), dtype=np.int64).reshape(t.shape) for t in plan.measured}


def noise_by_scale(plan: Plan) -> dict[Scale, NDArray[np.float64]]:
    """Noise over scale, of all tables that share a mechanism and scale, measured until there are draws enough."""
    exact = Exact(fixed_counts(plan))
    charge = charge_of(plan)
    sharing: dict[Scale, list[MeasuredTable]] = defaultdict(list)
    for table in plan.measured:
        sharing[table.mechanism, table.scale].append(table)
    pooled: dict[Scale, NDArray[np.float64]] = {}
    for scale, tables in sharing.items():
        alike = plan.model_copy(update={"measured": tuple(tables)})
        repeats = -(-DRAWS // sum(prod(t.shape) for t in tables))
        counts = fixed_counts(alike)
        draws = [measure(alike, exact, charge).value.tables for _ in range(repeats)]
        noise = [(noisy[name] - counts[name]).ravel() for noisy in draws for name in noisy]
        pooled[scale] = np.concatenate(noise) / scale[1]
    return pooled


def accepted(scale: Scale, noise: NDArray[np.float64], off: float, level: float) -> bool:
    """Two-sided χ² test that the noise has the scale times `off`."""
    gaussian = scale[0] == "discrete_gaussian"
    standard = noise / off
    statistic = float((standard**2).sum() if gaussian else 2 * np.abs(standard).sum())
    freedom = len(noise) * (1 if gaussian else 2)
    return bool(min(chi2.cdf(statistic, freedom), chi2.sf(statistic, freedom)) > level / 2)


@pytest.fixture(scope="module", params=CASES)
def drawn(request: pytest.FixtureRequest) -> dict[Scale, NDArray[np.float64]]:
    survey, noise = request.param
    return noise_by_scale(plan_at_three(survey, noise))


def test_enough_draws_at_every_scale(drawn: dict[Scale, NDArray[np.float64]]) -> None:
    assert 0 < len(drawn) <= MOST_SCALES
    assert all(len(noise) >= DRAWS for noise in drawn.values())
    assert all(scale > 2 for _, scale in drawn), "the continuous law stands in for the discrete one"


def test_drawn_noise_has_the_planned_scale(drawn: dict[Scale, NDArray[np.float64]]) -> None:
    level = FALSE_ALARM / (MOST_SCALES * len(CASES))
    assert [scale for scale, noise in drawn.items() if not accepted(scale, noise, 1.0, level)] == []


@pytest.mark.parametrize("off", [0.7, 1.3])
def test_a_scale_thirty_per_cent_off_is_seen(drawn: dict[Scale, NDArray[np.float64]], off: float) -> None:
    level = FALSE_ALARM / (MOST_SCALES * len(CASES))
    assert [scale for scale, noise in drawn.items() if accepted(scale, noise, off, level)] == []

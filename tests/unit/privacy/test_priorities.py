"""What a priority buys: unknown crosstabs that a plan with them named does know, and what toplines pay."""

import pytest

from privacy.inverse import margin_at
from privacy.priorities import MOST_TRIED, Priority, worthwhile_priorities
from schemas.plan import Plan
from schemas.policy import Policy
from tests.planning_sample import MULTI, plan_of, small_policy, small_survey

SURVEY = small_survey(questions=12, groups=(2, 3, 6), indices=0, responses=1500, extra=(MULTI,))
POLICY = small_policy(spend={"epsilon": 1})


def named(policy: Policy, *tables: tuple[str, ...]) -> Policy:
    return small_policy(spend={"epsilon": 1}, workload={"crosstabs": {"priority": [list(table) for table in tables]}})


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(SURVEY, POLICY)


@pytest.fixture(scope="module")
def found(plan: Plan) -> tuple[Priority, ...]:
    return worthwhile_priorities(SURVEY, POLICY, plan)


def test_each_is_unknown_now_and_known_in_the_plan_that_names_it(plan: Plan, found: tuple[Priority, ...]) -> None:
    assert 0 < len(found) <= MOST_TRIED
    now = {table.id: table for table in plan.published}
    for priority in found:
        assert now[priority.table.id].known_by == "margins"
        then = {t.id: t for t in plan_of(SURVEY, named(POLICY, priority.table.attributes)).published}
        assert then[priority.table.id].known_by != "margins"
        assert then[priority.table.id].forecast == priority.after
        rises = sorted(
            margin_at(then[t.id].forecast, "middle") - margin_at(t.forecast, "middle")
            for t in plan.published
            if t.kind == "topline"
        )
        assert rises[0] <= priority.toplines_points <= rises[-1]
        assert priority.toplines_points > 0
        assert priority.toplines_pct > 0


def test_one_a_demographic_and_how_many_are_like_it(plan: Plan, found: tuple[Priority, ...]) -> None:
    groups = [priority.table.attributes[0] for priority in found]
    assert len(groups) == len(set(groups))
    unknown = [t for t in plan.published if "crosstab" in t.kind and t.known_by == "margins"]
    for priority in found:
        same = [t for t in unknown if t.attributes[0] == priority.table.attributes[0]]
        assert 1 <= priority.alike <= len(same)


def test_nothing_is_proposed_where_all_is_known_or_nothing_can_be() -> None:
    rich = small_policy(spend={"rho": 1e6})
    assert worthwhile_priorities(SURVEY, rich, plan_of(SURVEY, rich)) == ()
    poor = small_policy(spend={"epsilon": 0.05})
    assert worthwhile_priorities(SURVEY, poor, plan_of(SURVEY, poor)) == ()

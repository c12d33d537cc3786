"""What the loss buys, in lines and for scripts, and targets as they are typed."""

from pathlib import Path

import pytest

from flows.bought import bought_as_dict, bought_lines, priorities_tried
from flows.plan_targets import Needed, needed_by, needed_line, wished
from pipelines.declarations import Declarations, load_declarations
from schemas.errors import UsageFault
from schemas.plan import Plan
from tests.planning_sample import plan_of, small_policy, small_survey


@pytest.fixture(scope="module")
def declared(root: Path) -> Declarations:
    return load_declarations(root / "pipelines" / "riverbend")


@pytest.fixture(scope="module")
def plan(declared: Declarations) -> Plan:
    return plan_of(declared.survey, declared.policy)


def test_every_crosstab_is_in_one_line(plan: Plan) -> None:
    lines = bought_lines(plan, None)
    crosstabs = [table for table in plan.published if "crosstab" in table.kind]
    assert lines[0] == f"Group differences, in {len(crosstabs)} crosstabs:"
    assert sum(int(line.split(": ")[1].split(" ")[0]) for line in lines[1:]) == len(crosstabs)
    assert "  known by their net score: " in "\n".join(lines)
    assert "  known not beyond their margins: " in "\n".join(lines)


def test_few_are_named_and_many_are_counted_by_demographic() -> None:
    plan = plan_of(small_survey(questions=20, groups=(3, 8), responses=300), small_policy(spend={"epsilon": 0.2}))
    page = "\n".join(bought_lines(plan, ()))
    assert "(21 by g0, 21 by g1)" in page
    assert "none of these would be known if it were named" in page


def test_a_plan_without_crosstabs_says_so() -> None:
    plan = plan_of(small_survey(groups=()), small_policy())
    assert bought_lines(plan, None) == ["Group differences: no table of this plan tells of any"]


def test_priorities_are_said_with_what_they_cost(declared: Declarations, plan: Plan) -> None:
    priorities = priorities_tried(declared, plan)
    page = "\n".join(bought_lines(plan, priorities))
    assert page.count("would be known as a priority") == len(priorities) > 0
    assert page.count("toplines change by +") == len(priorities)
    said = bought_as_dict(priorities, None)
    assert [entry["table"] for entry in said["priorities"]] == [priority.table.id for priority in priorities]
    assert bought_as_dict(None, None) == {"priorities": None, "needed": None}


def test_targets_say_what_they_need_and_whether_the_policy_allows_it(declared: Declarations, plan: Plan) -> None:
    easy = needed_by(declared, wished(["quality_of_life=4.6", "district*safety=10.5"], plan))
    assert easy.epsilon is not None
    assert easy.refused is None
    assert needed_line(easy).endswith(f"needs ε {easy.epsilon:g}; this policy allows that")
    dear = needed_by(declared, {"quality_of_life": 2.8})
    assert dear.refused is not None
    assert "caps.release.epsilon" in needed_line(dear)
    never = needed_by(declared, {"quality_of_life": 1.0})
    assert never == Needed({"quality_of_life": 1.0}, None, None)
    assert "no ε up to 50" in needed_line(never)


def test_a_kind_is_named_as_policy_and_headings_name_it(plan: Plan) -> None:
    assert wished(["toplines=4", "indices=3.5"], plan) == {"topline": 4.0, "index": 3.5}


@pytest.mark.parametrize(
    "text", ["quality_of_life", "=3", "quality_of_life=", "quality_of_life=-1", "topline=nan", "x=3"]
)
def test_a_target_that_says_nothing_is_refused(text: str, plan: Plan) -> None:
    with pytest.raises(UsageFault) as fault:
        wished([text], plan)
    assert fault.value.where == f"--target {text}"
    assert fault.value.exit_code == 2

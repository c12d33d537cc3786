"""Which tables a policy asks for, how much they matter, and what it may not ask for."""

from collections import Counter
from typing import Any

import pytest

from privacy.prior import public_belief
from privacy.workload import FLOOR, FLOOR_NAMED, IMPORTANCE, PRIORITY_IMPORTANCE, WantedTable, wanted_tables
from schemas.attributes import attributes_of
from schemas.errors import DeclarationFault
from schemas.survey import Survey
from tests.planning_sample import MULTI, NPS, NUMERIC, small_policy, small_survey

SURVEY = small_survey(questions=2, groups=(3, 2), indices=1, extra=(MULTI, NUMERIC, NPS), verified=True)


def wanted(workload: dict[str, Any], survey: Survey = SURVEY, **policy: Any) -> dict[str, WantedTable]:
    attributes = attributes_of(survey)
    tables = wanted_tables(
        small_policy(workload=workload, **policy), attributes, public_belief(survey, attributes, 3.0)
    )
    return {"*".join(table.ids): table for table in tables}


def test_everything_by_default() -> None:
    tables = wanted({})
    assert Counter(table.kind for table in tables.values()) == {
        "demographic": 3,  # two and `verified`
        "topline": 6,  # five questions and the mean of the numeric one
        "index": 1,
        "demographic_pair": 1,
        "index_crosstab": 2,
        "crosstab": 10,  # five questions × two demographics; neither `verified` nor `__mean`
    }
    assert "years__mean" in tables
    assert "g0*used" in tables
    assert "g0*years__mean" not in tables


def test_only_other_crosstabs_may_stay_unmeasured() -> None:
    tables = wanted({"crosstabs": {"priority": [["q0", "g0"]]}})
    optional = {name for name, table in tables.items() if table.optional}
    assert optional == {n for n, t in tables.items() if t.kind == "crosstab"} - {"g0*q0"}
    assert all((table.floor == 0) == table.optional for table in tables.values())
    assert tables["g0*q0"].floor == FLOOR_NAMED
    assert tables["q0"].floor == tables["g1*x0"].floor == FLOOR


def test_others_all_and_none() -> None:
    assert not any(table.optional for table in wanted({"crosstabs": {"others": "all"}}).values())
    assert not any(table.kind == "crosstab" for table in wanted({"crosstabs": {"others": "none"}}).values())


def test_a_list_of_toplines_leaves_the_others_unpublished() -> None:
    tables = wanted({"toplines": ["years", "q1"], "indices": "none", "demographics": "single"})
    assert set(tables) == {
        "g0",
        "g1",
        "verified",
        "q1",
        "years",
        "years__mean",
        "g0*q1",
        "g1*q1",
        "g0*years",
        "g1*years",
    }


def test_priority_takes_the_surveys_order_and_stands_once() -> None:
    priority = [["q0", "g0"], ["g0", "q0"], ["x0", "g1"], ["q1", "g1", "g0"], ["g1", "g0"], ["q0", "verified"]]
    tables = wanted({"crosstabs": {"priority": priority}})
    assert {name: table.kind for name, table in tables.items() if table.priority} == {
        "g0*q0": "crosstab",
        "g1*x0": "index_crosstab",
        "g0*g1*q1": "crosstab",
        "g0*g1": "demographic_pair",
        "verified*q0": "crosstab",
    }


@pytest.mark.parametrize(
    ("workload", "code"),
    [
        ({"toplines": ["nowhere"]}, "name_unknown"),
        ({"toplines": ["g0"]}, "name_unknown"),
        ({"indices": ["q0"]}, "name_unknown"),
        ({"crosstabs": {"priority": [["q0", "nowhere"]]}}, "name_unknown"),
        ({"crosstabs": {"priority": [["q0", "q0"]]}}, "name_twice"),
        ({"crosstabs": {"priority": [["x0", "years__mean"]]}}, "scores_crossed"),
    ],
)
def test_what_the_survey_lacks_is_refused(workload: dict[str, Any], code: str) -> None:
    with pytest.raises(DeclarationFault) as fault:
        wanted(workload)
    assert fault.value.code == code
    assert fault.value.where.startswith("policy.yaml: workload.")


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(DeclarationFault, match="no table at all"):
        wanted({"toplines": "none", "indices": "none"}, small_survey(groups=(), indices=0))


def test_a_table_too_large_to_draw_is_refused() -> None:
    survey = small_survey(groups=(200, 200, 40))
    with pytest.raises(DeclarationFault, match="cells"):
        wanted({"crosstabs": {"priority": [["g0", "g1", "g2"]], "others": "none"}}, survey)


def test_a_kind_is_not_important_by_its_number_of_groups() -> None:
    """A figure within a group weighs the same for 2 and 5 groups: per cell, the squared number of groups."""
    tables = wanted({"crosstabs": {"priority": [["q1", "g0"]]}}, small_survey(groups=(5, 2)))
    assert tables["g0*q0"].weight == pytest.approx(IMPORTANCE["crosstab"] * 25)
    assert tables["g1*q0"].weight == pytest.approx(IMPORTANCE["crosstab"] * 4)
    assert tables["g0*q1"].weight == pytest.approx(PRIORITY_IMPORTANCE * 25)
    assert tables["q0"].weight == IMPORTANCE["topline"]


def test_groups_too_small_to_publish_add_no_weight() -> None:
    tables = wanted({}, small_survey(groups=(60,), responses=200), least_base=40)
    assert tables["g0*q0"].weight == pytest.approx(IMPORTANCE["crosstab"] * 5**2)


def test_emphasis_multiplies() -> None:
    emphasis = {"toplines": 2, "indices": 3, "priority": 5, "others": 7, "demographics": 11}
    crosstabs = {"priority": [["q0", "g0"], ["x0", "g0"]]}
    plain, loud = wanted({"crosstabs": crosstabs}), wanted({"crosstabs": crosstabs, "emphasis": emphasis})
    ratio = {name: loud[name].weight / plain[name].weight for name in plain}
    assert (ratio["q0"], ratio["x0"], ratio["g1*x0"], ratio["g0"], ratio["g0*g1"]) == pytest.approx((2, 3, 3, 11, 11))
    assert (ratio["g0*q0"], ratio["g0*x0"], ratio["g1*q0"]) == pytest.approx((5, 5, 7))

"""Groups that are small in public are found from declared numbers alone, and what cannot be told is said."""

from typing import Any

import pytest

from privacy.plan import make_plan
from privacy.public_frames import check_frames, published_groups
from schemas.canonical import digest
from schemas.policy import LEAST_FRAME, Policy
from schemas.survey import Survey
from tests.outlet_sample import sample_policy, sample_survey

TARGETS = {
    "age": {"1": 0.31, "2": 0.36, "3": 0.33},
    "district": {"N": 0.30, "S": 0.30, "E": 0.35, "W": 0.05},
    "tenure": {"own": 0.6, "rent": 0.4},
    "gender": {"f": 0.50, "m": 0.49, "x": 0.01},
    "children": {"y": 0.25, "n": 0.75},
}


def survey(frame: int | None = 20_000, without: tuple[str, ...] = ()) -> Survey:
    plain = sample_survey().model_dump(mode="json", by_alias=True)
    plain["expected"] |= {"frame": frame}
    for demographic in plain["demographics"]:
        demographic["targets"] = None if demographic["id"] in without else TARGETS[demographic["id"]]
    return Survey.model_validate(plain)


def policy(pairs: bool = False, priority: Any = (), **frames: Any) -> Policy:
    plain = sample_policy().model_dump(mode="json", by_alias=True)
    crosstabs = {"priority": priority, "others": "none"}
    plain["workload"] |= {"demographics": "pairs" if pairs else "single", "crosstabs": crosstabs}
    return Policy.model_validate(plain | ({"frames": frames} if frames else {}))


def test_a_group_below_the_minimum_is_found_with_its_public_size() -> None:
    found = check_frames(survey(), policy())
    assert [(g.demographics, g.smallest, g.people, g.below, g.groups) for g in found.small] == [
        (("gender",), ("x",), 200, 1, 3)
    ]
    assert found.lines() == ("gender: 1 group has fewer than 500 people in public; gender x: 200",)
    assert not found.unknown


@pytest.mark.parametrize(("frame", "small"), [(49_999, 1), (50_000, 0)])
def test_the_minimum_itself_is_enough(frame: int, small: int) -> None:
    """1 % of 50,000 people are 500."""
    assert len(check_frames(survey(frame), policy()).small) == small
    assert LEAST_FRAME == 500


def test_pairs_are_checked_as_if_independent_and_say_what_is_certain() -> None:
    found = {g.demographics: g for g in check_frames(survey(), policy(pairs=True)).small}
    worst = found["district", "gender"]
    assert (worst.smallest, worst.people, worst.most) == (("W", "x"), 10, 200)
    assert "district W and gender x: about 10" in worst.line(500)
    assert ("age", "tenure") not in found


def test_a_priority_crosstab_adds_the_groups_that_it_crosses() -> None:
    one = policy(priority=[["item_1", "gender", "district"]])
    assert ("district", "gender") in published_groups(survey(), one)
    assert ("district", "gender") not in published_groups(survey(), policy())
    three = published_groups(survey(), policy(priority=[["age", "gender", "district"]]))
    assert three[-1] == ("age", "district", "gender")


@pytest.mark.parametrize("pairs", [True, False])
def test_the_groups_are_those_that_the_plan_publishes(pairs: bool) -> None:
    declared, terms = survey(), policy(pairs, [["item_1", "district"], ["item_2", "age", "gender"]])
    plan = make_plan(declared, terms, survey_digest="1" * 64, policy_digest="2" * 64)
    names = {demographic.id for demographic in declared.demographics}
    published = {tuple(a for a in table.attributes if a in names) for table in plan.published} - {()}
    assert published == set(published_groups(declared, terms))


def test_what_cannot_be_checked_is_said() -> None:
    partly = check_frames(survey(without=("district", "age")), policy(pairs=True))
    assert partly.unknown == ("age", "district")
    assert partly.lines()[-1].endswith("age, district declare no targets")
    nothing = check_frames(survey(frame=None), policy())
    assert (nothing.checked, nothing.small) == (0, ())
    assert nothing.lines() == (
        "not checked for groups of fewer than 500 people in public: survey.yaml says no expected.frame",
    )


def test_all_is_well_is_said_too() -> None:
    assert check_frames(survey(10**6), policy()).lines() == ("every published group has at least 500 people in public",)


def test_the_policy_says_how_small() -> None:
    assert not check_frames(survey(), policy(at_least=200)).small
    assert check_frames(survey(), policy(at_least=201)).small[0].people == 200


def test_declarations_without_the_new_keys_keep_their_digests() -> None:
    """As they were before the keys came: an approved plan stays approved, and a policy in force stays in force."""
    assert digest(sample_policy()) == "1b0ecc6a25500790a68d0f0edebd125c56d0dc03891bb578a3cb722be4d8d6dd"
    assert digest(sample_survey()) == "4e4fd2e59ae95037afdbc7cd56ecfbaf2cb490508299bfbb2ac40c12b7f37035"
    assert digest(survey()) != digest(survey(frame=None))
    assert digest(policy(at_least=500)) != digest(policy())

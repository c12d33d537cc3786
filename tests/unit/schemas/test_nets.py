"""Which questions have a net score, and what each answer counts."""

import pytest

from schemas.attributes import MICRO, attributes_of
from schemas.nets import NET, STEPS, net_attributes, with_nets
from tests.unit.privacy.estimating import riverbend


def nets_of(**changes: object) -> dict[str, tuple[int, ...]]:
    survey = riverbend(**changes)
    return {net.id: net.weights for net in net_attributes(survey, attributes_of(survey))}


def test_favourable_answers_count_one_others_minus_one_and_abstentions_an_average() -> None:
    weights = nets_of()["quality__net"]
    assert weights == (STEPS, STEPS, -STEPS, -STEPS, 3, 3, 3, 3)


def test_promoters_less_detractors() -> None:
    weights = nets_of()["recommend__net"]
    assert weights[:11] == (*(-STEPS,) * 7, 0, 0, STEPS, STEPS)
    assert set(weights[11:]) == {0}


def test_scores_run_from_minus_one_to_one_where_nothing_is_favourable() -> None:
    rating = {"id": "r", "column": "r", "type": "rating", "options": {"1": "Low", "2": "Middle", "3": "High"}}
    assert nets_of(questions=[rating], indices=[])["r__net"][:3] == (-STEPS, 0, STEPS)


def test_an_index_is_its_score_less_the_remainder() -> None:
    survey = riverbend()
    net = next(n for n in net_attributes(survey, attributes_of(survey)) if n.of == "safety")
    assert net.weights[:2] == (STEPS, -STEPS)
    assert net.unit == STEPS * MICRO


@pytest.mark.parametrize("name", ["services__net", "channel__net", "age__net"])
def test_what_has_no_better_end_has_none(name: str) -> None:
    assert name not in nets_of()


def test_nets_come_after_the_zones_attributes_and_move_none() -> None:
    survey = riverbend()
    attributes = attributes_of(survey)
    assert with_nets(survey, attributes)[: len(attributes)] == attributes
    assert all(a.id.endswith(NET) and a.size == 1 for a in with_nets(survey, attributes)[len(attributes) :])
    assert all(max(map(abs, net.weights)) <= STEPS for net in net_attributes(survey, attributes))

"""The declared sensitivity is what the worst resident reaches, and nobody exceeds."""

from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
import pytest

from privacy.sensitivity import table_sensitivity, table_unit
from schemas.attributes import MICRO, Attribute, attributes_of
from schemas.nets import STEPS, with_nets
from tests.planning_sample import NPS, small_survey
from tests.unit.privacy.residents_sample import Cells, contribution, multi, norms, possible_answers, score, single

AGE, WARD = single("age", 5), single("ward", 4)
USED, MEANS = multi("used", 6, 3), multi("means", 4, 2)
SAFETY = score("safety", 1)

CASES: list[tuple[tuple[Attribute, ...], tuple[int, int]]] = [
    ((AGE,), (1, 1)),
    ((AGE, WARD), (1, 1)),
    ((USED,), (3, 3)),
    ((AGE, USED), (3, 3)),
    ((USED, MEANS), (6, 6)),
    ((SAFETY,), (MICRO, MICRO**2)),
    ((AGE, SAFETY), (MICRO, MICRO**2)),
    ((AGE, WARD, SAFETY), (MICRO, MICRO**2)),
    ((USED, SAFETY), (3 * MICRO, 3 * MICRO**2)),
]


@pytest.mark.parametrize(("axes", "expected"), CASES)
def test_the_worst_resident_reaches_it_and_nobody_exceeds_it(
    axes: tuple[Attribute, ...], expected: tuple[int, int]
) -> None:
    bound = table_sensitivity(axes, shared_keys=False)
    everybody = [norms(contribution(list(answers))) for answers in product(*map(possible_answers, axes))]
    assert (bound.l1, bound.l2_squared) == expected
    assert max(l1 for l1, _ in everybody) == bound.l1
    assert max(l2 for _, l2 in everybody) == bound.l2_squared


@pytest.mark.parametrize("axes", [(AGE,), (USED,), (AGE, USED), (SAFETY,), (AGE, SAFETY)])
def test_an_exchange_reaches_twice_and_never_more(axes: tuple[Attribute, ...]) -> None:
    bound = table_sensitivity(axes, shared_keys=True)
    tables = [contribution(list(answers)) for answers in product(*map(possible_answers, axes))]
    exchanges = [norms(one - two) for one in tables for two in tables]
    assert max(l1 for l1, _ in exchanges) == bound.l1
    assert max(l2 for _, l2 in exchanges) == bound.l2_squared


@pytest.mark.parametrize("axes", [(AGE,), (USED,), (SAFETY,)])
@pytest.mark.parametrize("responses", [2, 5])
def test_a_unit_of_several_responses_reaches_its_square(axes: tuple[Attribute, ...], responses: int) -> None:
    """All of a household in the same cells."""
    bound = table_sensitivity(axes, shared_keys=False, responses_per_unit=responses)
    everybody = [norms(responses * contribution(list(answers))) for answers in product(*map(possible_answers, axes))]
    assert max(l1 for l1, _ in everybody) == bound.l1
    assert max(l2 for _, l2 in everybody) == bound.l2_squared


def test_the_unit_is_what_one_respondent_adds_at_most() -> None:
    assert table_unit((AGE, USED)) == 1
    assert table_unit((AGE, SAFETY)) == MICRO


SCALE: dict[str, Any] = {
    "id": "mood",
    "type": "rating",
    "column": "M",
    "options": {
        "1": {"label": "Low", "score": 1},
        "2": {"label": "Middle", "score": 2},
        "3": {"label": "High", "score": 4},
    },
}
SURVEY = small_survey(extra=(NPS, SCALE))
NETS = {a.id: a for a in with_nets(SURVEY, attributes_of(SURVEY))}
HEADS = ["q0", "x0", "recommend", "mood"]
"""Favourable less unfavourable, an index, promoters less detractors, scores: every way to a net score."""


def by_group(head: str) -> tuple[tuple[Attribute, Attribute], list[Cells]]:
    """A demographic × net table, and the table of every respondent there can be."""
    group, net = NETS["g0"], NETS[f"{head}__net"]
    scores = [answer @ np.array(net.weights) for answer in possible_answers(NETS[head])]
    rows = np.eye(group.size, dtype=np.int64)
    return (group, net), [row * said for row in rows for said in sorted(set(scores))]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("responses", [1, 3])
def test_the_worst_respondents_reach_a_net_score_and_nobody_exceeds_it(head: str, responses: int) -> None:
    """One respondent, and a household of three: of one mind and one group it moves h times, squared h² times."""
    axes, tables = by_group(head)
    bound = table_sensitivity(axes, shared_keys=False, responses_per_unit=responses)
    households = [norms(np.sum(h, axis=0)) for h in combinations_with_replacement(tables, responses)]
    unit = STEPS * NETS[head].unit
    assert (bound.l1, bound.l2_squared) == (responses * unit, (responses * unit) ** 2)
    assert max(l1 for l1, _ in households) == bound.l1
    assert max(l2 for _, l2 in households) == bound.l2_squared


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("responses", [1, 2])
def test_an_exchange_moves_a_net_score_four_times_in_squared_l2(head: str, responses: int) -> None:
    """A favourable unit leaves and lets an unfavourable one of the same group in: nothing is worse, twice is too few."""
    axes, tables = by_group(head)
    bound = table_sensitivity(axes, shared_keys=True, responses_per_unit=responses)
    units = [np.sum(h, axis=0) for h in combinations_with_replacement(tables, responses)]
    changes = [norms(one - two) for one in units for two in units]
    alone = table_sensitivity(axes, shared_keys=False, responses_per_unit=responses)
    assert (bound.l1, bound.l2_squared) == (2 * alone.l1, 4 * alone.l2_squared)
    assert max(l1 for l1, _ in changes) == bound.l1
    assert max(l2 for _, l2 in changes) == bound.l2_squared

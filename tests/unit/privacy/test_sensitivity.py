"""The declared sensitivity is what the worst resident reaches, and nobody exceeds."""

from itertools import product

import pytest

from privacy.sensitivity import table_sensitivity, table_unit
from schemas.attributes import MICRO, Attribute
from tests.unit.privacy.residents_sample import contribution, multi, norms, possible_answers, score, single

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

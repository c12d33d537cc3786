"""Neighbours through intake, zone and measurement with frozen noise: nothing differs but the exact inputs of the noise,
by the declared sensitivity at most; and some respondent reaches it in every table."""

from pathlib import Path
from typing import get_args

import pytest

from schemas.questions import Question
from tests.replay.in_memory import room
from tests.replay.question_types import TYPES
from tests.replay.replaying import replay_type

PAIRS = 6
EXTENDED = 200


def check(name: str, pairs: int, folder: Path) -> None:
    with room(folder) as here:
        alone, shared = replay_type(TYPES[name], here.measured, pairs)
    assert not alone.beyond
    assert not shared.beyond
    assert not alone.slack, "no resident reaches the declared sensitivity: the plan is charged for nothing"
    assert not shared.slack


@pytest.mark.prove
@pytest.mark.parametrize("name", TYPES)
def test_neighbours_differ_by_the_sensitivity_and_in_nothing_else(name: str, tmp_path: Path) -> None:
    check(name, PAIRS, tmp_path)


@pytest.mark.extended
@pytest.mark.parametrize("name", TYPES)
def test_two_hundred_pairs_of_neighbours(name: str, tmp_path: Path) -> None:
    check(name, EXTENDED, tmp_path)


def test_every_question_type_is_replayed() -> None:
    declared = {question["type"] for case in TYPES.values() for question in case.declared["questions"]}
    known = {get_args(model.model_fields["type"].annotation)[0] for model in get_args(get_args(Question)[0])}
    assert known == declared, "a new question type needs an entry in tests.replay.question_types.TYPES"

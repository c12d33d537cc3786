"""Neighbours through the whole way with frozen noise: every byte outside the zone is equal, whatever happens to them."""

import random
from pathlib import Path

import pytest

from tests.replay.neighbours import KINDS, Pair, pair
from tests.replay.question_types import TYPES, TypeCase, policy_of, survey_of, together
from tests.replay.recording import Recorder
from tests.replay.whole_way import RELEASE, Twins, differences, exports, lives

WIDE = together(name for name, case in TYPES.items() if case.format == "delimited" and "residents" not in case.declared)
SMALL = together(("rating", "multi"))


def twins(folder: Path, case: TypeCase) -> Twins:
    return Twins(folder, survey_of(case), policy_of(case))


def same_from_outside(folder: Path, case: TypeCase, neighbours: Pair) -> None:
    with_victim, without = exports(neighbours)
    one, two, moved = lives(twins(folder, case), [(with_victim,), RELEASE, RELEASE], [(without,), RELEASE, RELEASE])
    assert not differences(one, two)
    assert all(distance.within for distance in moved)
    assert any(name.endswith("summary.parquet") for name in one.files), one.said


@pytest.mark.prove
def test_every_published_byte_is_equal(tmp_path: Path) -> None:
    same_from_outside(tmp_path, WIDE, pair(WIDE, random.Random(1), "worst", others=5))


@pytest.mark.prove
def test_a_file_made_empty_is_equal_from_outside(tmp_path: Path) -> None:
    same_from_outside(tmp_path, SMALL, pair(SMALL, random.Random(2), "worst", others=0))


@pytest.mark.extended
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [None, "verified", "long", "xlsx"])
def test_every_kind_of_neighbour_is_equal_from_outside(tmp_path: Path, kind: str, name: str | None) -> None:
    case = WIDE if name is None else TYPES[name]
    same_from_outside(tmp_path, case, pair(case, random.Random(kind), kind))


@pytest.mark.prove
def test_a_later_export_with_one_response_more_is_equal_from_outside(tmp_path: Path) -> None:
    """Whether anybody answered since the last export decides neither what is charged nor what is said."""
    neighbours = pair(SMALL, random.Random(4), "worst", others=3)
    with_victim, without = exports(neighbours)
    one, two, moved = lives(
        twins(tmp_path, SMALL),
        [(without,), RELEASE, (with_victim,), RELEASE],
        [(without,), RELEASE, (without,), RELEASE],
    )
    assert not differences(one, two)
    assert all(distance.within for distance in moved)
    assert any(distance.reached for distance in moved)


@pytest.mark.prove
def test_two_exports_that_are_alike_but_for_one_response_are_equal_from_outside(tmp_path: Path) -> None:
    """Without a key nothing brings rows together: not even that two files hold the same."""
    case = TYPES["keyless"]
    neighbours = pair(case, random.Random(6), "worst", others=3)
    with_victim, without = exports(neighbours)
    one, two, moved = lives(twins(tmp_path, case), [(without, with_victim), RELEASE], [(without, without), RELEASE])
    assert not differences(one, two)
    assert all(distance.within for distance in moved)


@pytest.mark.prove
def test_the_comparison_sees_what_differs(tmp_path: Path) -> None:
    """Two lives that differ in public facts differ from outside: the test is not blind."""
    neighbours = pair(SMALL, random.Random(5), "worst", others=3)
    _, without = exports(neighbours)
    both = twins(tmp_path, SMALL)
    one, two = both.live([(without,), RELEASE], lambda _, __, exact: exact), both.live([(without,)], Recorder())
    found = differences(one, two)
    assert any(name.endswith("summary.parquet") for name in found)
    assert any("ledger" in name for name in found)

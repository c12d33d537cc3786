"""Twelve planted privacy bugs are caught, and the build without them raises no alarm.

The quickest detector of each bug runs here; `make prove` runs every detector on every build.
"""

from pathlib import Path

import pytest

from tests.mutations.bugs import BUGS
from tests.mutations.detectors import DETECTORS, hunt

QUICKEST = {
    "sensitivity twice as large": "replay",
    "sensitivity half as large again": "replay",
    "half the noise": "noise",
    "no deduplication": "replay",
    "key set from the data": "replay",
    "exact base": "replay",
    "second draw on retry": "whole way",
    "wrong clamp": "replay",
    "multi not scaled by its ticks": "replay",
    "shared seed": "noise",
    "float path": "noise",
    "weights from the data": "replay",
}
STATISTICAL = {
    "sensitivity twice as large": ("two samples", "one run"),
    "half the noise": ("two samples", "one run"),
    "no deduplication": ("two samples", "one run"),
    "key set from the data": ("one run",),
    "weights from the data": ("two samples", "one run"),
}
"""Bugs that whole-pipeline audits must see by themselves, from noisy outputs alone."""


def test_there_are_twelve() -> None:
    assert len(BUGS) == 12
    assert set(QUICKEST) == set(BUGS)


@pytest.mark.prove
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug: str, tmp_path: Path) -> None:
    assert hunt(bug, QUICKEST[bug], tmp_path, 1)


@pytest.mark.prove
@pytest.mark.parametrize("detector", sorted(set(QUICKEST.values())))
def test_no_alarm_without_a_bug(detector: str, tmp_path: Path) -> None:
    assert not hunt(None, detector, tmp_path, 1)


@pytest.mark.extended
@pytest.mark.parametrize(("bug", "detector"), [(bug, d) for bug, detectors in STATISTICAL.items() for d in detectors])
def test_audits_of_noisy_outputs_catch_it(bug: str, detector: str, tmp_path: Path) -> None:
    assert hunt(bug, detector, tmp_path, 2)


@pytest.mark.extended
@pytest.mark.parametrize("detector", DETECTORS)
def test_no_alarm_without_a_bug_at_length(detector: str, tmp_path: Path) -> None:
    assert not hunt(None, detector, tmp_path, 2)

"""The judge of kill trials sees what it is there for: a draw that nobody paid for, a second one, a release in part."""

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.release import release
from tests.faults import crossing
from tests.faults.smallville import FILE, Smallville, build_smallville
from tests.faults.trial import Trials

pytestmark = pytest.mark.extended
CELLS = 11
"""More than half of those that a run draws."""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Smallville:
    city = build_smallville(tmp_path_factory.mktemp("judge") / "city")
    crossing.keep_plan(city)
    release(city.workspace, city.declarations, key=FILE)
    return city


def _log(city: Smallville, *seqs: int) -> None:
    (city.folder / "draws.log").write_text("".join(f"{seq} {CELLS}\n" for seq in seqs))


def _charge(city: Smallville) -> int:
    return next(c.charged_seq for c in city.ledger().state().crossings.values())


def unpaid(city: Smallville) -> None:
    _log(city, 999)


def twice(city: Smallville) -> None:
    _log(city, *[_charge(city)] * 2)


def in_part(city: Smallville) -> None:
    (city.releases()[0] / "summary.parquet").unlink()


@pytest.mark.parametrize(("spoil", "seen"), [(unpaid, "overspends"), (twice, "overspends"), (in_part, "partial")])
def test_what_must_not_be_is_seen(
    released: Smallville, tmp_path: Path, spoil: Callable[[Smallville], None], seen: str
) -> None:
    trials, city = Trials(released, tmp_path), released.copy(tmp_path / secrets.token_hex(4))
    trials._promises(city, "as it was")
    assert (trials.tally.overspends, trials.tally.partial) == (0, 0)
    spoil(city)
    trials._promises(city, "spoiled")
    assert getattr(trials.tally, seen) == 1
    shutil.rmtree(city.folder)


def test_a_run_is_killed_where_it_was_meant_to_be(released: Smallville, tmp_path: Path) -> None:
    """The draw log stops where the point says: before any draw, or after it."""
    city = build_smallville(tmp_path / "city")
    trials = Trials(city, tmp_path)
    for point, drawn in (("before the charge commits", False), ("after the read", False), ("during noise", True)):
        copy = city.copy(tmp_path / secrets.token_hex(4))
        assert trials._run(copy, point) != 0
        assert (sum(crossing.draws(copy.folder).values()) > 0) == drawn, point

"""What hunts privacy bugs, each as a function that says what it found: nothing in a sound build."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.audit.checks import Audit
from privacy.plan import make_plan
from schemas.errors import Fault
from schemas.plan import Plan
from schemas.survey import Survey
from tests.mutations.bugs import planted
from tests.planning_sample import MULTI, NUMERIC, ZERO, small_policy, small_survey
from tests.replay import question_types
from tests.replay.in_memory import room
from tests.replay.neighbours import pair
from tests.replay.question_types import TYPES, policy_of, survey_of, together
from tests.replay.replaying import replay_type
from tests.replay.whole_way import RELEASE, Twins, differences, exports, lives

Detector = Callable[[Path, int], list[str]]
SURVEY = small_survey(questions=1, groups=(3,), indices=0, extra=(MULTI, NUMERIC))
SMALL = together(("rating", "multi"))


def _plan(survey: Survey, epsilon: float = 2.0, noise: str = "gaussian") -> Plan:
    policy = small_policy(noise=noise, spend={"epsilon": epsilon}, workload={"crosstabs": {"others": "all"}})
    return make_plan(survey, policy, survey_digest=ZERO, policy_digest=ZERO)


def _of_audit(check: str, survey: Survey, plan: Plan, folder: Path, runs: int) -> list[str]:
    audited = Audit(folder, survey, plan, runs)
    return [f"{f.name}: {f.value}" for f in getattr(audited, check)() if not f.holds]


def sensitivity(folder: Path, _: int) -> list[str]:
    """No synthetic resident moves a table further than declared."""
    return _of_audit("sensitivity", SURVEY, _plan(SURVEY), folder, 1)


def noise(folder: Path, effort: int) -> list[str]:
    """Scale, centre, freshness and whole numbers."""
    return _of_audit("noise", SURVEY, _plan(SURVEY), folder, 120 * effort)


def two_samples(folder: Path, effort: int) -> list[str]:
    """Gaussian releases of one table with and without a resident, told apart."""
    survey = small_survey(questions=1, groups=(), indices=0)
    return _of_audit("two_samples", survey, _plan(survey, 4.0), folder, 1800 * effort)


def one_run(folder: Path, effort: int) -> list[str]:
    """Canaries in cells of their own under Laplace noise, guessed."""
    survey = small_survey(questions=1, groups=(30, 6), indices=0)
    return _of_audit("one_run", survey, _plan(survey, 1.0, "laplace"), folder, 720 * effort)


def replay(folder: Path, effort: int) -> list[str]:
    """Neighbours of the types that bugs hide in, replayed."""
    found: list[str] = []
    with room(folder) as here:
        for name in ("numeric", "multi"):
            for result in replay_type(TYPES[name], here.measured, 6 * effort, seed=2):
                found += [f"{d.table} moved by {d.l1}, declared {d.most_l1}" for d in result.beyond]
    return found


def whole_way(folder: Path, _: int) -> list[str]:
    """From export to published files and once more: equal from outside, and one draw a charge."""
    both = Twins(folder, survey_of(SMALL), policy_of(SMALL))
    with_victim, without = exports(pair(SMALL, random.Random(3), "worst", others=4))
    one, two, moved = lives(both, [(with_victim,), RELEASE, RELEASE], [(without,), RELEASE, RELEASE])
    found = differences(one, two)
    found += [said for said in one.said if said.startswith("exit")]
    charges = sum("charged=True" in said for said in one.said)
    tables = len({distance.table for distance in moved})
    return found + ([f"{len(moved)} draws for {charges} charges"] if len(moved) != charges * tables else [])


DETECTORS: dict[str, Detector] = {
    "sensitivity": sensitivity,
    "replay": replay,
    "noise": noise,
    "whole way": whole_way,
    "two samples": two_samples,
    "one run": one_run,
}


@contextmanager
def _fresh_plans() -> Iterator[None]:
    """Plans are remembered between tests; those of a mutated build must not be."""
    question_types._plan.cache_clear()
    try:
        yield
    finally:
        question_types._plan.cache_clear()


def hunt(bug: str | None, detector: str, folder: Path, effort: int) -> list[str]:
    """What a detector finds in the build with this bug. A build that refuses to go on has been caught as well."""
    place = folder / f"{bug} {detector}".replace(" ", "-")
    place.mkdir()
    with _fresh_plans(), planted(bug):
        try:
            return DETECTORS[detector](place, effort)
        except AssertionError as difference:
            return [str(difference).partition("\n")[0]]
        except Fault as fault:
            return [f"refused: {fault.code}"]

"""The mutation build: every detector on every build, so that the headline rests on what each of them sees alone."""

from collections.abc import Iterator

from tests.mutations.bugs import BUGS
from tests.mutations.detectors import DETECTORS, hunt
from tests.mutations.test_twelve_bugs import STATISTICAL
from tests.prove.frame import Effort, Figure, Suite


def twelve(effort: Effort) -> Iterator[Figure]:
    """Caught, by how many detectors, and no alarm without a bug."""
    often = effort.count(short=1, long=4)
    by = {bug: {name for name in DETECTORS if hunt(bug, name, effort.folder, often)} for bug in BUGS}
    for bug, detectors in by.items():
        yield Figure(f"{bug}: detectors that see it ({', '.join(sorted(detectors))})", len(detectors), ">=", 1)
    expected = sum(len(detectors) for detectors in STATISTICAL.values())
    seen = sum(name in by[bug] for bug, detectors in STATISTICAL.items() for name in detectors)
    yield Figure("bugs seen in noisy outputs alone, by two samples and canaries", seen, "=", expected)
    alarms = sum(bool(hunt(None, name, effort.folder, often)) for name in DETECTORS)
    yield Figure("alarms in the build without a bug", alarms, "=", 0)
    caught = sum(bool(detectors) for detectors in by.values())
    yield Figure("planted bugs caught", caught, "=", len(BUGS), headline="bugs", trials=len(BUGS))


SUITES = (Suite("bugs", "twelve planted privacy bugs, hunted", twelve, minutes=8, levels=("long",)),)

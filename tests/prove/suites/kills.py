"""kill -9 of the crossing: at each of its points, and at any moment."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.crossing import POINTS
from tests.faults.smallville import Smallville, build_smallville
from tests.faults.trial import Tally, Trials
from tests.prove.frame import Effort, Figure, Suite

AT_ONCE = 2


def _figures(what: str, tally: Tally, least: int) -> Iterator[Figure]:
    for note in tally.notes[:20]:
        print(f"      {note}")
    yield Figure(f"overspends in kills {what}", tally.overspends, "=", 0, headline="overspends", trials=tally.kills)
    yield Figure(f"kills {what} that came before the end", tally.kills, ">=", least)
    yield Figure(f"releases visible in part after kills {what}", tally.partial, "=", 0)
    yield Figure(f"releases that no retry finished after kills {what}", tally.stuck, "=", 0)
    yield Figure(f"attempts until a retry succeeded after kills {what}", tally.most_attempts, "<=", 2)
    yield Figure(
        f"planted strings found after kills {what}", tally.hits, "=", 0, headline="canaries", trials=tally.searched
    )


def _in_parallel(folder: Path, city: Smallville, work: Callable[[Trials, int], None]) -> Tally:
    """The same work by two drivers, each with copies of its own."""

    def drive(number: int) -> Tally:
        scratch = folder / f"trials-{number}"
        scratch.mkdir()
        trials = Trials(city, scratch)
        work(trials, number)
        return trials.tally

    whole = Tally()
    with ThreadPoolExecutor(AT_ONCE) as drivers:
        for tally in drivers.map(drive, range(AT_ONCE)):
            whole.add(tally)
    return whole


def at_points(effort: Effort) -> Iterator[Figure]:
    """Each point of the run and of the worker, equally often."""
    each = effort.count(short=1, extended=1, long=300)
    city = build_smallville(effort.folder / "prepared")

    def work(trials: Trials, number: int) -> None:
        for position, point in enumerate(POINTS):
            share = each // AT_ONCE + (each % AT_ONCE > (position + number) % AT_ONCE)
            for trial in range(share):
                trials.at_point(point, swept=trial % 50 == 0)

    tally = _in_parallel(effort.folder, city, work)
    yield from _figures(f"at {len(POINTS)} points", tally, each * len(POINTS))


def at_any_moment(effort: Effort) -> Iterator[Figure]:
    """The run, its worker or both, at a time drawn evenly over a run's duration."""
    count = effort.count(short=4, extended=20, long=3000)
    city = build_smallville(effort.folder / "prepared")

    def work(trials: Trials, _: int) -> None:
        longest = min(trials.undisturbed() for _ in range(effort.count(short=1, extended=3, long=5)))
        before = 0
        while trials.tally.kills < count // AT_ONCE:
            if before % 50 == 49:  # the machine may have become faster or slower
                longest = trials.undisturbed()
            trials.at_any_moment(longest, swept=before % 50 == 0)
            before += 1

    tally = _in_parallel(effort.folder, city, work)
    yield from _figures("at any moment", tally, count // AT_ONCE * AT_ONCE)
    yield Figure("workers among those killed at any moment", tally.workers, ">=", count // 20)


SUITES = (
    Suite(
        name="kills-at-points",
        purpose="kill -9 at each point of the crossing: draws are at most charges, nothing partial, retries converge",
        run=at_points,
        minutes=20,
        cores=2,
        levels=("extended", "long"),
    ),
    Suite(
        name="kills-at-any-moment",
        purpose="kill -9 of run, worker or both at random moments of the crossing",
        run=at_any_moment,
        minutes=15,
        cores=2,
        levels=("extended", "long"),
    ),
)

"""Power cuts, replayed from the calls of a real run: nothing that was drawn is unpaid, nothing published is lost."""

import random
from collections.abc import Iterator
from pathlib import Path

from tests.faults.power_cut import MIXTURES, PowerCuts, Story
from tests.faults.power_run import Kind
from tests.faults.power_trace import is_here
from tests.prove.frame import Effort, Figure, NotHere, Suite

_CHANCE = random.SystemRandom()
_STORIES: tuple[Kind, ...] = ("release", "from nothing")


def power(effort: Effort) -> Iterator[Figure]:
    """A release, and a whole life from an empty folder, cut after any of their calls."""
    if not is_here():
        raise NotHere("needs strace, and the right to trace")
    wanted = effort.count(short=3, extended=25, long=150)
    for kind in _STORIES:
        story = Story(effort.folder / kind.replace(" ", "-"), kind)
        yield Figure(f"{kind}: calls of a run that the model understands", int(story.is_understood()), "=", 1)
        scratch = effort.folder / f"cuts-{kind.replace(' ', '-')}"
        scratch.mkdir()
        cuts = PowerCuts(story, scratch)
        yield from _cuts(kind, story, cuts, wanted)
        yield from _seen(kind, story, effort.folder / f"forgetful-{kind.replace(' ', '-')}")


def _cuts(kind: Kind, story: Story, cuts: PowerCuts, wanted: int) -> Iterator[Figure]:
    moments = [(calls, mixture) for calls in range(1, len(story.ops) + 1) for mixture in MIXTURES]
    tried = 0
    for calls, mixture in _CHANCE.sample(moments, len(moments)):
        tried += cuts.cut(calls, mixture)
        if tried == wanted:
            break
    tally = cuts.tally
    for note in tally.notes[:20]:
        print(f"      {note}")
    yield Figure(f"{kind}: different disks after power cuts, of {len(story.ops)} calls", tried, ">=", min(wanted, 100))
    yield Figure(f"{kind}: overspends after power cuts", tally.overspends, "=", 0, headline="overspends", trials=tried)
    yield Figure(f"{kind}: releases visible in part after power cuts", tally.partial, "=", 0)
    yield Figure(f"{kind}: releases read before a power cut that were others after it", cuts.changed, "=", 0)
    yield Figure(f"{kind}: power cuts that no later run recovered from", tally.stuck, "=", 0)
    yield Figure(f"{kind}: attempts until a later run succeeded", tally.most_attempts, "<=", 2)


def _seen(kind: Kind, story: Story, scratch: Path) -> Iterator[Figure]:
    """The same judges see what a missing fsync would do: of the ledger before a draw, of the seal before publication."""
    scratch.mkdir()
    for below, calls, what in (
        ("ws/ledger", story.first_draw(), "a draw whose charge was not synced"),
        ("ws/zone", len(story.ops), "a publication whose seal was not synced"),
    ):
        blind = PowerCuts(story.forgetful(below), scratch)
        dropped = sum(op.kind == "sync" and op.place.is_relative_to(below) for op in story.ops[:calls])
        blind.cut(calls - dropped, "nothing unsynced")
        seen = blind.tally.overspends + blind.tally.stuck + blind.changed
        yield Figure(f"{kind}: faults seen after {what}", int(seen > 0), "=", 1)


SUITES = (
    Suite(
        name="power",
        purpose="the power goes after any call of a run, with any mixture of what was not synced: up to 300 disks",
        run=power,
        minutes=5,
        levels=("extended", "long"),
    ),
)

"""What evidence is made of: figures with bounds, suites that return them, and the headlines they add up to."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Level = Literal["short", "extended", "long"]
Relation = Literal["=", "<=", ">="]
Headline = Literal["overspends", "canaries", "bugs", "rollbacks"]
LEVELS: tuple[Level, ...] = ("short", "extended", "long")
HEADLINES: tuple[Headline, ...] = ("overspends", "canaries", "bugs", "rollbacks")


@dataclass(frozen=True)
class Figure:
    """One number of the evidence and the bound that it must keep.

    `headline`: the headline it counts towards; then `value` is what that headline counts (overspends, canaries found,
    bugs caught, rollbacks accepted) and `trials` is out of how many (kills, needles searched, bugs planted, rollbacks).
    """

    name: str
    value: float
    relation: Relation
    bound: float
    unit: str = ""
    headline: Headline | None = None
    trials: int = 0

    @property
    def holds(self) -> bool:
        if self.relation == "=":
            return self.value == self.bound
        return self.value <= self.bound if self.relation == "<=" else self.value >= self.bound

    def line(self) -> str:
        """The figure in one line, with its bound.

        >>> Figure("pairs replayed", 1600, ">=", 1600).line()
        'ok    pairs replayed: 1,600 (at least 1,600)'
        """
        words = {"=": "exactly", "<=": "at most", ">=": "at least"}
        unit = f" {self.unit}" if self.unit else ""
        bound = f"{words[self.relation]} {_number(self.bound)}"
        return f"{'ok   ' if self.holds else 'FAILS'} {self.name}: {_number(self.value)}{unit} ({bound})"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) or value.is_integer() else f"{value:,.6g}"


@dataclass(frozen=True)
class Effort:
    """How much a suite may do: `short` within `make test`, `extended` in CI, `long` in `make prove`."""

    level: Level
    folder: Path
    """An empty folder of the suite's own, removed afterwards."""

    def count(self, *, short: int, long: int, extended: int | None = None) -> int:
        """The count of this level; `extended` is that of `short` unless told."""
        return {"short": short, "extended": short if extended is None else extended, "long": long}[self.level]


class NotHere(Exception):
    """What the suite needs is missing on this machine; its message says what."""


@dataclass(frozen=True)
class Suite:
    """Evidence of one kind.

    `minutes`: expected duration at level `long`, on one core; the longest start first. `cores`: how many it keeps busy.
    `levels`: at which levels it runs; its row in TESTPLAN.md says the rest.
    """

    name: str
    purpose: str
    run: Callable[[Effort], Iterable[Figure]]
    minutes: float
    cores: Literal[1, 2] = 1
    levels: tuple[Level, ...] = ("short", "long")


def headline_line(headline: Headline, figures: Iterable[Figure]) -> tuple[str, bool]:
    """A headline in words, and whether it is true. It is not where nothing was tried."""
    counted = [figure for figure in figures if figure.headline == headline]
    value, trials = sum(int(figure.value) for figure in counted), sum(figure.trials for figure in counted)
    if headline == "overspends":
        return f"{value} overspends in {trials:,} kills", value == 0 and trials > 0
    if headline == "canaries":
        return f"{value} canaries outside the zone", value == 0 and trials > 0
    if headline == "bugs":
        return f"{value}/{trials} planted bugs caught", value == trials and trials > 0
    if value == 0 and trials > 0:
        return "every rollback refused", True
    return f"{value} of {trials} rollbacks accepted", False

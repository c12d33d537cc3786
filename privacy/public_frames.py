"""How many people a published group has in public: small ones are named before anything is spent.

The promise does not need it: noise hides a resident in a group of three as in one of three thousand. Figures say little
there, though, and a finding about a handful of people is nearly one about each of them (docs/decisions/0054).

Public numbers only: declared targets and frame. Claim: docs/claims/plan.md.
"""

from dataclasses import dataclass
from itertools import combinations, product
from math import prod

from schemas.policy import Frames, Policy
from schemas.survey import Demographic, Survey


@dataclass(frozen=True)
class SmallGroups:
    """The groups of one table of demographics that have too few people.

    `people`: of the smallest of them, rounded; of groups by several demographics, as if these were independent of each
    other, for their joint margins are not declared. `smallest`: its codes. `most`: what the smallest can have at most,
    however they depend.
    """

    demographics: tuple[str, ...]
    smallest: tuple[str, ...]
    people: int
    most: int
    below: int
    groups: int

    def line(self, at_least: int) -> str:
        """In one line."""
        about = "about " if len(self.demographics) > 1 else ""
        named = " and ".join(f"{d} {code}" for d, code in zip(self.demographics, self.smallest, strict=True))
        of = "1 group has" if self.below == 1 else f"{self.below} groups have"
        table = "*".join(self.demographics)
        return f"{table}: {of} fewer than {at_least:,} people in public; {named}: {about}{self.people:,}"


@dataclass(frozen=True)
class FrameCheck:
    """What declared numbers say of the groups that are planned for publication.

    `unknown`: demographics of which nothing can be said, because they declare no targets; all of them where no frame is
    declared.
    """

    terms: Frames
    frame: int | None
    small: tuple[SmallGroups, ...]
    unknown: tuple[str, ...]
    checked: int
    """Tables of demographics of which every group was checked."""

    @property
    def unknown_line(self) -> str | None:
        """Why groups cannot be checked, in one line; None where all were."""
        if not self.unknown:
            return None
        missing = "declare no targets" if len(self.unknown) > 1 else "declares no targets"
        why = f"{', '.join(self.unknown)} {missing}" if self.frame else "survey.yaml says no expected.frame"
        return f"not checked for groups of fewer than {self.terms.at_least:,} people in public: {why}"

    def lines(self) -> tuple[str, ...]:
        """For a person: what is small, what is unknown, or that all is well; nothing where there are no groups."""
        said = tuple(group.line(self.terms.at_least) for group in self.small)
        said += () if self.unknown_line is None else (self.unknown_line,)
        if said or not self.checked:
            return said
        return (f"every published group has at least {self.terms.at_least:,} people in public",)


def published_groups(survey: Survey, policy: Policy) -> tuple[tuple[str, ...], ...]:
    """Demographics by which figures are published, as they are crossed: each set once, in the survey's order."""
    names = [demographic.id for demographic in survey.demographics]
    sets: list[tuple[str, ...]] = [(name,) for name in names]
    if policy.workload.demographics == "pairs":
        sets += list(combinations(names, 2))
    for axes in policy.workload.crosstabs.priority:
        sets.append(tuple(name for name in names if name in axes))
    return tuple(dict.fromkeys(group for group in sets if group))


def check_frames(survey: Survey, policy: Policy) -> FrameCheck:
    """The public size of every group that a release of these declarations publishes."""
    terms, frame = policy.frames or Frames(), survey.expected.frame
    known = {d.id: _shares(d) for d in survey.demographics if d.targets is not None and frame is not None}
    tables = [group for group in published_groups(survey, policy) if all(name in known for name in group)]
    small = [found for group in tables if (found := _small(group, known, frame or 0, terms.at_least)) is not None]
    unknown = tuple(d.id for d in survey.demographics if d.id not in known)
    return FrameCheck(terms, frame, tuple(small), unknown, len(tables))


def _shares(demographic: Demographic) -> dict[str, float]:
    """Target shares of its categories; people who do not answer are no group of the public."""
    return {code: share for code, share in (demographic.targets or {}).items() if code in demographic.categories}


def _small(group: tuple[str, ...], known: dict[str, dict[str, float]], frame: int, at_least: int) -> SmallGroups | None:
    sizes: list[tuple[float, float, tuple[str, ...]]] = []
    for codes in product(*(known[name] for name in group)):
        shares = [known[name][code] for name, code in zip(group, codes, strict=True)]
        sizes.append((frame * prod(shares), frame * min(shares), codes))
    below = [size for size in sizes if size[0] < at_least]
    if not below:
        return None
    people, most, codes = min(below)
    return SmallGroups(group, codes, round(people), round(most), len(below), len(sizes))

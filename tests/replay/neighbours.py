"""Neighbouring exports: everything under one resident key is there, or is not; random ones and pathological ones."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.replay.question_types import HOME, HOSTILE, Answers, TypeCase

Row = list[str]
VICTIM = "victim@example.org"
SPELLINGS = (
    "victim@example.org",
    " Victim@Example.ORG",
    "VICTIM@example.org ",
    "vi\u200bctim@example.org",
    "victim@\uff45xample.org",
)
HEAD = ("Email", "When", "G")


@dataclass(frozen=True)
class Pair:
    """Two exports as records, header first, that differ by one resident; or by an exchange of two under one key."""

    kind: str
    header: Row
    with_victim: list[Row]
    without: list[Row]


def _row(case: TypeCase, email: str, when: str, district: str, answers: Answers) -> Row:
    return [email, when, district, *(answers[column] for column in case.columns)]


def _other(case: TypeCase, rng: random.Random, number: int) -> Row:
    email = rng.choice((f"r{number}@example.org", f"r{rng.randint(0, 3)}@example.org", f"R{number}@Example.org"))
    when = f"2026-03-0{rng.randint(1, 9)} 10:00:00" if rng.random() < 0.95 else "yesterday"
    return _row(
        case, email if rng.random() < 0.95 else "", when, rng.choice(("N", "S", "N", "S", "", "W")), case.answers(rng)
    )


def _one(
    case: TypeCase, rng: random.Random, answers: Answers | None = None, district: str = "N", hour: int = 10
) -> Row:
    when = f"2026-03-05 {hour:02d}:{rng.randint(0, 59):02d}:00"
    return _row(case, rng.choice(SPELLINGS), when, district, case.answers(rng) if answers is None else answers)


def _hostile(case: TypeCase, rng: random.Random) -> Row:
    return _one(case, rng, {column: rng.choice(HOSTILE) for column in case.columns}, rng.choice(HOSTILE))


def _broken(case: TypeCase, rng: random.Random) -> Row:
    """A row that is set aside, or nearly: too many cells, too few, a giant, a time that is none, no key."""
    row = _one(case, rng)
    match rng.randint(0, 5):
        case 0:
            return [*row, "one", "more"]
        case 1:
            return row[:-1]
        case 2:
            return [*row[:-1], "x" * 1_000_001]
        case 3:
            return [row[0], rng.choice(HOSTILE), *row[2:]]
        case 4:
            return [row[0], row[1], row[2], *('line one\nline, "two"' for _ in case.columns)]
        case _:
            return [rng.choice(("", " ", "anonymous", "@", "NA")), *row[1:]]


KINDS: dict[str, Callable[[TypeCase, random.Random], list[Row]]] = {
    "worst": lambda case, rng: [_one(case, rng, rng.choice(case.worst))],
    "random": lambda case, rng: [_one(case, rng)],
    "only member of a district": lambda case, rng: [_one(case, rng, district="E")],
    "many rows": lambda case, rng: [_one(case, rng, hour=rng.randint(0, 23)) for _ in range(rng.randint(2, 50))],
    "hostile values": lambda case, rng: [_hostile(case, rng)],
    "broken rows": lambda case, rng: [_broken(case, rng) for _ in range(rng.randint(1, 3))],
}  # fmt: skip


def pair(case: TypeCase, rng: random.Random, kind: str, *, others: int | None = None) -> Pair:
    """A pair of this kind; without others the file is made empty by removing the resident."""
    people = rng.randint(0, 12) if others is None else others
    base = [_other(case, rng, number) for number in range(people)]
    rows = [*base]
    for row in _of_unit(case, KINDS[kind](case, rng)):
        rows.insert(rng.randint(0, len(rows)), row)
    theirs = {id(row) for row in base}
    return Pair(kind, [*HEAD, *case.columns], rows, [row for row in rows if id(row) in theirs])


def _of_unit(case: TypeCase, rows: list[Row]) -> list[Row]:
    """One row where the response is the unit; everybody's of a household of three, where that is."""
    if case.keyless:
        return rows[:1]
    if not case.household:
        return rows
    home = len(HEAD) + case.columns.index("Home")
    spelled = (HOME, f" {HOME.upper()}", HOME.replace(" ", "  "))
    return [
        [f"{row[0].strip()}.{person}", *row[1:home], spelled[person], *row[home + 1 :]]
        for row in rows
        for person in range(3)
    ]


def exchange(case: TypeCase, rng: random.Random, *, worst: bool, apart: bool) -> Pair:
    """Two people under one key: with the one who answered last gone, the other's answers count. `apart`: in two districts."""
    base = [_other(case, rng, number) for number in range(rng.randint(0, 6))]
    first, second = (case.answers(rng), case.answers(rng))
    if worst:
        first, second = case.worst[0], case.worst[1 if apart else -1]
    stays = _one(case, rng, first, district="N", hour=8)
    leaves = _one(case, rng, second, district="S" if apart else "N", hour=20)
    return Pair("exchange", [*HEAD, *case.columns], [*base, stays, leaves], [*base, stays])

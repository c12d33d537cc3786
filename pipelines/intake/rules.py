"""Row-local rules on public codes: which records count (`where`, `eligible`) and which are complete."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from pipelines.intake.lookup import Lookup
from pipelines.intake.records import Records
from pipelines.intake.values import canonical_number, trim
from schemas.survey import Membership, Source, Survey

_BOOLEANS = ("true", "false")


class Member:
    """Whether a record's value in one column is one of the declared ones.

    Compared trimmed; numbers by canonical form (`1.0` is `1`), and `TRUE` and `False` in any case. A column that the
    source does not have is blank in every record.
    """

    def __init__(self, column: str, values: Iterable[str]) -> None:
        self.column = column
        self._read = one_of(values)
        self._lookup = Lookup(self._read, np.bool_)

    def holds(self, records: Records) -> NDArray[np.bool_]:
        """One truth value a record."""
        column = records.columns.get(self.column)
        if column is None:
            return np.full(records.count, self._read(""))
        return self._lookup(column)


class Filled:
    """Whether a record's value in one column is not blank."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._lookup = Lookup(lambda value: bool(trim(value)), np.bool_)

    def holds(self, records: Records) -> NDArray[np.bool_]:
        """One truth value a record."""
        return self._lookup(records.columns[self._column])


def one_of(values: Iterable[str]) -> Callable[[str], bool]:
    """The comparison with a declared list of values."""
    declared = {_comparable(value) for value in values}
    return lambda value: _comparable(value) in declared


def counting_rules(survey: Survey, source: Source) -> tuple[Member, ...]:
    """The rules that a record must meet to be counted at all."""
    where = tuple(Member(column, values) for column, values in source.where.items())
    return (*where, member(survey.eligible)) if survey.eligible is not None else where


def member(rule: Membership) -> Member:
    """A declared rule, ready to apply."""
    return Member(rule.column, rule.values)


def counted(records: Records, rules: Iterable[Member]) -> NDArray[np.bool_]:
    """Which records meet every rule."""
    chosen = np.ones(records.count, dtype=bool)
    for rule in rules:
        chosen &= rule.holds(records)
    return chosen


def _comparable(value: str) -> str:
    plain = trim(value)
    folded = plain.casefold()
    return folded if folded in _BOOLEANS else canonical_number(plain) or plain

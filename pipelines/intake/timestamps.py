"""When a response was given: microseconds since 1970 in UTC, read by a declared strptime pattern."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.intake.formats.kind import as_spelled
from pipelines.intake.values import trim
from schemas.errors import DeclarationFault

UNKNOWN = -1
UNREADABLE = -2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIRECTIVES = {
    "Y": r"(?P<Y>[0-9]{4})",
    "m": r"(?P<m>1[0-2]|0[1-9]|[1-9])",
    "d": r"(?P<d>3[01]|[12][0-9]|0[1-9]|[1-9])",
    "H": r"(?P<H>2[0-3]|[01][0-9]|[0-9])",
    "M": r"(?P<M>[0-5][0-9]|[0-9])",
    "S": r"(?P<S>[0-5][0-9]|[0-9])",
}
_WORKBOOK_PATTERN = "%Y-%m-%d %H:%M:%S"


class Clock:
    """Reads a time column. A time without zone is taken as UTC: within a wave only the order matters.

    Source: the meaning of the pattern is that of Python's `datetime.strptime`; patterns of numbers only take a
    vectorised way with the same result.
    """

    def __init__(self, pattern: str, spelled: Callable[[str], str] = as_spelled) -> None:
        """`spelled` brings a trimmed value to a spelling that patterns can describe.

        Raises: DeclarationFault (`time_pattern`): not a strptime pattern.
        """
        _check(pattern)
        self._spelled = spelled
        self._pattern = pattern
        self._vectorised = _expression(pattern)

    def moments(self, column: pa.Array) -> NDArray[np.int64]:
        """Microseconds a row; UNKNOWN where blank, UNREADABLE where not of the pattern."""
        if pa.types.is_timestamp(column.type):
            typed = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
            found = typed.fill_null(UNKNOWN).to_numpy(zero_copy_only=False)
            return np.where(np.asarray(column.is_valid()) & (found < 0), UNREADABLE, found).astype(np.int64)
        encoded = column.dictionary_encode()
        return self._distinct(encoded.dictionary)[encoded.indices.to_numpy(zero_copy_only=False)]

    def _distinct(self, values: pa.Array) -> NDArray[np.int64]:
        found = np.full(len(values), UNREADABLE, dtype=np.int64)
        if self._vectorised is not None:
            found = _by_expression(values, self._vectorised)
        for position in np.flatnonzero(found == UNREADABLE).tolist():
            found[position] = self.moment(values[position].as_py())
        return found

    def moment(self, value: str) -> int:
        """One value, as `moments`."""
        plain = self._spelled(trim(value))
        if not plain:
            return UNKNOWN
        for pattern in (self._pattern, _WORKBOOK_PATTERN):
            try:
                read = datetime.strptime(plain, pattern)  # noqa: DTZ007 (taken as UTC below)
            except ValueError:
                continue
            aware = read if read.tzinfo is not None else read.replace(tzinfo=UTC)
            micros = (aware - _EPOCH) // timedelta(microseconds=1)
            return micros if micros >= 0 else UNREADABLE
        return UNREADABLE


def _check(pattern: str) -> None:
    try:
        datetime.strptime(datetime(2001, 2, 3, tzinfo=UTC).strftime(pattern), pattern)  # noqa: DTZ007 (the pattern is the user's)
    except (ValueError, re.error):
        raise DeclarationFault(
            "time_pattern",
            f"time pattern {pattern!r} cannot be read",
            where="survey.yaml: sources.time.pattern",
            do='Use strptime directives, such as "%d/%m/%Y %H:%M"',
        ) from None


def _expression(pattern: str) -> str | None:
    """The pattern as a regular expression, where it holds plain numbers of a full date only, each once."""
    built, position, seen = "", 0, []
    while position < len(pattern):
        letter = pattern[position]
        if letter == "%":
            directive = pattern[position + 1 : position + 2]
            if directive not in _DIRECTIVES or directive in seen:
                return None
            seen.append(directive)
            built += _DIRECTIVES[directive]
            position += 2
            continue
        built += r"[ \t]+" if letter.isspace() else re.escape(letter)
        position += 1
    return f"^{built}$" if {"Y", "m", "d"} <= set(seen) else None


def _by_expression(values: pa.Array, expression: str) -> NDArray[np.int64]:
    parts = pc.extract_regex(values, expression)
    valid = np.asarray(parts.is_valid())
    found = np.full(len(values), UNREADABLE, dtype=np.int64)
    names = [parts.type.field(i).name for i in range(parts.type.num_fields)]
    numbers = {
        name: parts.field(i).filter(parts.is_valid()).cast(pa.int64()).to_numpy(zero_copy_only=False)
        for i, name in enumerate(names)
    }
    months = (numbers["Y"] - 1970) * 12 + numbers["m"] - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]")
    days = first + (numbers["d"] - 1)
    seconds = days.astype(np.int64) * 86_400
    for name, size in (("H", 3600), ("M", 60), ("S", 1)):
        seconds = seconds + numbers[name] * size if name in numbers else seconds
    possible = (days.astype("datetime64[M]").astype(np.int64) == months) & (seconds >= 0)
    found[valid] = np.where(possible, seconds * 1_000_000, UNREADABLE)
    return found

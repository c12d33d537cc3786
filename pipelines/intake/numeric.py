"""Numbers between public bounds: the bin of a histogram, and the share of a score that goes to its high cell."""

import re
from bisect import bisect_right
from decimal import ROUND_HALF_EVEN, Decimal

from pipelines.intake.cells import MissingMap, missing_cells
from pipelines.intake.values import canonical_number, trim
from schemas.attributes import MICRO, Attribute
from schemas.questions import NumericQuestion
from schemas.survey import MissingCode

_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_CURRENCY = re.compile(r"^([+-]?)[$€£]\s*")
_LONGEST = 60


def number_in(value: str) -> Decimal | None:
    """The number a trimmed value spells, or None.

    Thousands may be grouped by commas in full (`1,234,567.5`), and a currency sign may lead. A comma that is not a
    grouping (`7,5`), and anything beyond 300 digits, is no number.

    >>> number_in("$1,234"), number_in("7,5"), number_in("1e999")
    (Decimal('1234'), None, None)
    """
    plain = _CURRENCY.sub(r"\1", value.replace("\u2212", "-"))
    if len(plain) > _LONGEST:
        return None
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    elif not _PLAIN.fullmatch(plain):
        return None
    number = Decimal(plain)
    return number if abs(number.adjusted()) < 300 else None


class NumericReader:
    """Reads the raw values of one numeric question.

    In this order: the missing map; a number within the bounds; else invalid. Nothing is clamped.
    """

    def __init__(self, question: NumericQuestion, histogram: Attribute, score: Attribute, missing: MissingMap) -> None:
        self._missing = missing
        self._edges = [Decimal(repr(edge)) for edge in question.bins]
        self._low, self._high = (Decimal(repr(bound)) for bound in question.bounds)
        self._bin_cells = _cells_without_number(histogram)
        self._score_cells = _cells_without_number(score)

    def bin_of(self, value: str) -> int:
        """The position of the histogram's cell."""
        found = self._read(value)
        if isinstance(found, Decimal):
            return min(bisect_right(self._edges, found) - 1, len(self._edges) - 2)
        return self._bin_cells[found]

    def score_of(self, value: str) -> int:
        """What the zone's score column holds: 0…MICRO for the high cell, or −k for the cell at position k."""
        found = self._read(value)
        if isinstance(found, Decimal):
            share = (found - self._low) / (self._high - self._low)
            return int((share * MICRO).to_integral_value(ROUND_HALF_EVEN))
        return -self._score_cells[found]

    def _read(self, value: str) -> Decimal | MissingCode | None:
        plain = trim(value)
        meaning = self._missing.meaning(plain)
        canonical = canonical_number(plain) if meaning is None else None
        if canonical is not None:
            meaning = self._missing.meaning_of_number(canonical)
        if meaning is not None:
            return meaning
        number = number_in(plain)
        return number if number is not None and self._low <= number <= self._high else None


def _cells_without_number(attribute: Attribute) -> dict[MissingCode | None, int]:
    return {**missing_cells(attribute), None: attribute.index_of("_invalid")}

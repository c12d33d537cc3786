"""From one raw value to one cell of an attribute's public domain."""

from collections.abc import Callable, Mapping

from pipelines.intake.values import canonical_number, trim
from schemas.attributes import Attribute, CellRole
from schemas.questions import Option
from schemas.survey import MissingCode

_SPECIAL = (CellRole.NONE, CellRole.NOT_ANSWERED, CellRole.NOT_ASKED, CellRole.INVALID)


class MissingMap:
    """The survey's missing values. A blank that the survey does not list is `not_answered`."""

    def __init__(self, missing: Mapping[str, MissingCode]) -> None:
        self._meanings: dict[str, MissingCode] = {"": "not_answered"}
        self._meanings.update({trim(value): meaning for value, meaning in missing.items()})
        self._numbers: dict[str, MissingCode] = {
            number: meaning
            for value, meaning in self._meanings.items()
            if (number := canonical_number(value)) is not None
        }

    def meaning(self, plain: str) -> MissingCode | None:
        """What a trimmed value means as a missing value; None where it is none."""
        return self._meanings.get(plain)

    def meaning_of_number(self, canonical: str) -> MissingCode | None:
        """The same for a number in canonical form: `-99.0` is `-99`."""
        return self._numbers.get(canonical)


def missing_cells(attribute: Attribute) -> dict[MissingCode, int]:
    """The cell of each kind of missing. Without a cell for 'not asked', it counts as not answered."""
    not_answered = attribute.index_of("_not_answered")
    asked = attribute.roles(CellRole.NOT_ASKED)
    return {"not_answered": not_answered, "not_asked": asked[0] if asked else not_answered}


def declared_values(attribute: Attribute, options: Mapping[str, Option]) -> dict[str, int]:
    """Every raw value that means an answer by declaration, to its cell: codes, half steps, and `also` values."""
    found = {trim(cell.code): i for i, cell in enumerate(attribute.cells) if cell.role not in _SPECIAL}
    for code, option in options.items():
        found.update({trim(value): attribute.index_of(code) for value in option.also})
    return found


def by_canonical_number(declared: Mapping[str, int]) -> dict[str, int]:
    """The declared values that are numbers, in canonical form; the first one keeps a form that two share."""
    found: dict[str, int] = {}
    for value, cell in declared.items():
        number = canonical_number(value)
        if number is not None:
            found.setdefault(number, cell)
    return found


def single_cell(attribute: Attribute, options: Mapping[str, Option], missing: MissingMap) -> Callable[[str], int]:
    """The function from a raw value to the position of its cell in a single-choice attribute.

    In this order: a declared value; the missing map; a number whose canonical form is that of a declared value
    (`1.0` for `1`; never `01`) or of a missing value; else the invalid cell. Nothing is dropped.
    """
    declared = declared_values(attribute, options)
    numbers = by_canonical_number(declared)
    absent = missing_cells(attribute)
    invalid = attribute.index_of("_invalid")

    def read(value: str) -> int:
        plain = trim(value)
        if plain in declared:
            return declared[plain]
        meaning = missing.meaning(plain)
        number = canonical_number(plain) if meaning is None else None
        if number is not None and number in numbers:
            return numbers[number]
        if number is not None:
            meaning = missing.meaning_of_number(number)
        return invalid if meaning is None else absent[meaning]

    return read

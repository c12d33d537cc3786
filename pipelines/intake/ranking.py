"""Rankings, one column a place: which option a respondent put first, second and so on. At most one cell a place."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipelines.intake.cells import MissingMap, missing_cells, single_cell
from pipelines.intake.lookup import Lookup
from pipelines.intake.records import Records
from schemas.attributes import Attribute, Cell, CellRole
from schemas.questions import RankingQuestion


class Ranking:
    """The cells of one ranking: for each place its options, then the exclusive cells.

    A place counts as it stands: a blank one is a gap and moves nothing up. An option that stands at two places counts
    at the first. Without any option a response is invalid where some place holds text that is none, not asked where
    every place says so, else not answered. The rule looks at one row: it is the contribution bound that the sensitivity
    of every table with this ranking rests on.
    """

    def __init__(self, question: RankingQuestion, attribute: Attribute, missing: MissingMap) -> None:
        self._size = attribute.size
        self._options = len(question.options)
        self._invalid = attribute.index_of("_invalid")
        self._absent = missing_cells(attribute)
        read = _option_reader(question, attribute, missing)
        self._places = [(column, Lookup(read, np.int16)) for column in question.columns]

    def encode(self, records: Records) -> NDArray[np.uint8]:
        """Rows × cells of 0/1."""
        cells = np.zeros((records.count, self._size), dtype=np.uint8)
        ranked = np.zeros((records.count, self._options), dtype=bool)
        found = {
            place: lookup(records.columns[column])
            for place, (column, lookup) in enumerate(self._places)
            if column in records.columns
        }
        for place, options in found.items():
            rows = np.flatnonzero((options >= 0) & (options < self._options))
            rows = rows[~ranked[rows, options[rows]]]
            ranked[rows, options[rows]] = True
            cells[rows, place * self._options + options[rows]] = 1
        read = np.stack(list(found.values()), axis=1) if found else np.empty((records.count, 0), np.int16)
        otherwise = np.full(records.count, self._absent["not_answered"], dtype=np.intp)
        otherwise[(read == _NOT_ASKED).all(axis=1)] = self._absent["not_asked"]
        otherwise[(read == _INVALID).any(axis=1)] = self._invalid
        alone = np.flatnonzero(~ranked.any(axis=1))
        cells[alone, otherwise[alone]] = 1
        return cells


_NOT_ANSWERED, _NOT_ASKED, _INVALID = -1, -2, -3


def _option_reader(question: RankingQuestion, attribute: Attribute, missing: MissingMap) -> Callable[[str], int]:
    """From a raw value to the position of its option, or what it is instead; read as a single choice is."""
    options = tuple(
        Cell(code=code, label=option.label, role=CellRole(option.role.value))
        for code, option in question.options.items()
    )
    roles = (CellRole.NOT_ANSWERED, CellRole.NOT_ASKED, CellRole.INVALID)
    specials = tuple(attribute.cells[i] for i in attribute.roles(*roles))
    choice = Attribute(
        id=question.id, kind="single", origin="question", label=attribute.label, cells=(*options, *specials)
    )
    read = single_cell(choice, question.options, missing)
    states = {CellRole.NOT_ANSWERED: _NOT_ANSWERED, CellRole.NOT_ASKED: _NOT_ASKED, CellRole.INVALID: _INVALID}

    def option(value: str) -> int:
        cell = read(value)
        return cell if cell < len(options) else states[choice.cells[cell].role]

    return option

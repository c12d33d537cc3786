"""Encodes records into the zone's columns: for every attribute of the survey, the cells a response falls into."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.intake.cells import MissingMap, missing_cells, single_cell
from pipelines.intake.lookup import Lookup
from pipelines.intake.multi import ColumnsMulti, JoinedMulti
from pipelines.intake.numeric import NumericReader
from pipelines.intake.ranking import Ranking
from pipelines.intake.records import Records
from pipelines.intake.themes import ThemeCoder
from schemas.attributes import MICRO, Attribute, CellRole, zone_columns
from schemas.questions import (
    MultiQuestion,
    NpsQuestion,
    NumericQuestion,
    Option,
    RankingQuestion,
    ThemesQuestion,
)
from schemas.survey import Index, Survey

Cells = Mapping[str, NDArray[Any]]
"""What was encoded before, by attribute id: positions (single), n × cells of 0/1 (multi), or scores."""

_SILENT = (CellRole.NOT_ANSWERED, CellRole.NOT_ASKED)
_UNANSWERED = (CellRole.NONE, *_SILENT)


class _Encoder(Protocol):
    def __call__(self, records: Records, before: Cells, /) -> NDArray[Any]: ...


class Encoder:
    """Encodes the records of one source. It remembers distinct values, so one encoder serves all its files."""

    def __init__(self, survey: Survey, attributes: tuple[Attribute, ...]) -> None:
        self._attributes = attributes
        self._by_id = {attribute.id: attribute for attribute in attributes}
        self._missing = MissingMap(survey.missing)
        self._comments = {question.id for question in survey.questions if isinstance(question, ThemesQuestion)}
        self._encoders: dict[str, _Encoder] = {}
        for demographic in survey.demographics:
            self._encoders[demographic.id] = self._single(demographic.id, demographic.column, demographic.categories)
        for question in survey.questions:
            if isinstance(question, NumericQuestion):
                self._add_numeric(question)
            elif isinstance(question, MultiQuestion):
                self._encoders[question.id] = self._multi(question)
            elif isinstance(question, RankingQuestion):
                self._encoders[question.id] = self._ranking(question)
            elif isinstance(question, ThemesQuestion):
                self._encoders[question.id] = self._themes(question)
            elif isinstance(question, NpsQuestion):
                self._encoders[question.id] = self._single(question.id, question.column, {})
            else:
                self._encoders[question.id] = self._single(question.id, question.column, question.options)
        for index in survey.indices:
            self._encoders[index.id] = index_encoder(index, self._by_id)

    def encode(
        self, records: Records, verified: NDArray[np.bool_] | None
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_]]:
        """The zone columns by name, and which records answer any question.

        A question is answered by any of its cells but none, not answered and not asked: what cannot be read was
        answered, and 'none of these' cannot be told from silence; but a comment without a theme can. `verified`: who is
        on the contact list.
        """
        cells: dict[str, NDArray[Any]] = {}
        columns: dict[str, NDArray[Any]] = {}
        answered = np.zeros(records.count, dtype=bool)
        for position, attribute in enumerate(self._attributes):
            if attribute.origin == "verified":
                known = np.zeros(records.count, dtype=bool) if verified is None else verified
                found = np.where(known, attribute.index_of("yes"), attribute.index_of("no")).astype(np.uint8)
            else:
                found = self._encoders[attribute.id](records, cells)
            cells[attribute.id] = found
            names = zone_columns(position, attribute)
            parts = [found] if attribute.kind != "multi" else list(np.ascontiguousarray(found.T))
            columns.update(zip(names, parts, strict=True))
            if attribute.origin == "question":
                silent = _SILENT if attribute.id in self._comments else _UNANSWERED
                answered |= _answered(attribute, found, silent)
        return columns, answered

    def _single(self, identifier: str, column: str, options: Mapping[str, Option]) -> _Encoder:
        attribute = self._by_id[identifier]
        absent = missing_cells(attribute)["not_asked"]
        return _from_column(column, single_cell(attribute, options, self._missing), np.uint8, absent)

    def _multi(self, question: MultiQuestion) -> _Encoder:
        kind = ColumnsMulti if question.columns is not None else JoinedMulti
        multi = kind(question, self._by_id[question.id], self._missing)
        return lambda records, _: multi.encode(records)

    def _ranking(self, question: RankingQuestion) -> _Encoder:
        ranking = Ranking(question, self._by_id[question.id], self._missing)
        return lambda records, _: ranking.encode(records)

    def _themes(self, question: ThemesQuestion) -> _Encoder:
        coder = ThemeCoder(question, self._by_id[question.id], self._missing)
        return lambda records, _: coder.encode(records)

    def _add_numeric(self, question: NumericQuestion) -> None:
        histogram, score = self._by_id[question.id], self._by_id[f"{question.id}__mean"]
        reader = NumericReader(question, histogram, score, self._missing)
        bins, scores = missing_cells(histogram)["not_asked"], missing_cells(score)["not_asked"]
        self._encoders[histogram.id] = _from_column(question.column, reader.bin_of, np.uint8, bins)
        self._encoders[score.id] = _from_column(question.column, reader.score_of, np.int32, -scores)


def _from_column(column: str, read: Callable[[str], int], dtype: type[np.integer], absent: int) -> _Encoder:
    lookup = Lookup(read, dtype)

    def encode(records: Records, _: Cells) -> NDArray[Any]:
        values = records.columns.get(column)
        return np.full(records.count, absent, dtype=dtype) if values is None else lookup(values)

    return encode


def index_encoder(index: Index, attributes: Mapping[str, Attribute]) -> _Encoder:
    """Encodes an index from its items' cells: round(MICRO · mean over the items with a substantive answer).

    `positive`: an item counts 1 when its answer is favourable, else 0. `mean`: its score on 0…1 between the lowest and
    the highest score of its substantive cells (0 where they are equal). Without any such answer: not answered.
    """
    not_answered = -attributes[index.id].index_of("_not_answered")
    tables = [(item, *_item_tables(index, attributes[item])) for item in index.items]

    def encode(records: Records, before: Cells) -> NDArray[Any]:
        total = np.zeros(records.count)
        answers = np.zeros(records.count, dtype=np.int64)
        for item, counts, scores in tables:
            cells = before[item]
            answers += counts[cells]
            total += scores[cells]
        share = np.clip(total / np.maximum(answers, 1), 0, 1)
        return np.where(answers > 0, np.rint(share * MICRO), not_answered).astype(np.int32)

    return encode


def _item_tables(index: Index, attribute: Attribute) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """By cell of the item: whether it counts, and its score on 0…1."""
    counts = np.array([cell.role is CellRole.SUBSTANTIVE for cell in attribute.cells], dtype=np.int64)
    if index.score == "positive":
        favourable = np.array([float(cell.code in attribute.positive) for cell in attribute.cells], dtype=np.float64)
        return counts, favourable * counts
    raw = np.array([0.0 if cell.score is None else cell.score for cell in attribute.cells], dtype=np.float64)
    used = raw[counts == 1]
    low, high = (used.min(), used.max()) if len(used) else (0.0, 0.0)
    scaled = (raw - low) / (high - low) if high > low else np.zeros(len(raw))
    return counts, scaled * counts


def _answered(attribute: Attribute, found: NDArray[Any], silent: tuple[CellRole, ...]) -> NDArray[np.bool_]:
    unanswered = np.zeros(attribute.size, dtype=bool)
    unanswered[list(attribute.roles(*silent))] = True
    return np.any(found[:, ~unanswered], axis=1) if attribute.kind == "multi" else ~unanswered[found]

"""What a draft reads of an export: its columns and their labels, its system, and the spelling of its time stamps."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from pipelines.drafting.roles import is_time
from pipelines.intake.formats.kind import ExportKind
from pipelines.intake.formats.redcap import COMPLETE_ENDING, COMPLETE_VALUES, TIME_ENDING
from pipelines.intake.formats.registry import DELIMITED, KINDS, PARQUET, XLSX, recognised
from pipelines.intake.header import Header, plain
from pipelines.intake.lookup import text_of
from pipelines.intake.records import Records, Table
from pipelines.intake.sources import container_of, open_table
from pipelines.intake.timestamps import UNREADABLE, Clock
from pipelines.intake.values import trim
from schemas.errors import InputRefused
from schemas.survey import Source

_OTHER_PATTERNS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z",
    "%m/%d/%Y", "%d/%m/%Y", "%Y-%m-%d",
)  # fmt: skip
_DATE = re.compile(r"[0-9]{1,4}([-/.])[0-9]{1,2}\1[0-9]{2,4}([ T].*)?")
_LOOKED_AT = 2_000
"""Records in which a first record that is no header would meet its own values again."""

_RESPONDENT = (
    "respondent",
    "respondent_id",
    "case",
    "case_id",
    "record",
    "record_id",
    "id",
    "response_id",
    "participant",
)
_ITEM = ("item", "item_code", "question", "question_id", "question_code", "variable", "field", "field_name")
_VALUE = ("value", "answer", "response", "choice", "response_value", "answer_value")
_WIDEST_LONG = 15


@dataclass(frozen=True)
class Column:
    """A column as a survey file must name it, and what the header says about it.

    `question` and `choice` are given where one question stands above several columns.
    """

    name: str
    label: str = ""
    question: str = ""
    choice: str = ""


@dataclass(frozen=True)
class Export:
    """An opened export. `twice`: names that stand in the header more than once and cannot be declared.

    `times`: the column of the response's time and the patterns that read every value of it; none where there is none.
    `long`: respondent, item and value columns, where each line is one answer.
    """

    source_id: str
    table: Table
    kind: ExportKind
    columns: tuple[Column, ...]
    twice: tuple[str, ...]
    time: str | None
    times: tuple[str, ...]
    complete: Mapping[str, tuple[str, ...]]
    long: tuple[str, str, str] | None

    def values(self, names: Sequence[str]) -> Iterator[Records]:
        """The records of some columns, by name."""
        places = {name: self.table.header.positions(name)[0] for name in names}
        return self.table.records(places)


def open_export(source_id: str, path: Path, format_name: str | None) -> Export:
    """Open an export as what it is, or as `format_name`.

    Raises: InputRefused: as `open_table`, or there is no header (`header_doubtful`).
    """
    container = container_of(path)
    plain_kind = KINDS["parquet" if container == "parquet" else "xlsx" if container == "xlsx" else "delimited"]
    if format_name is None:
        first = _table(path, plain_kind)
        kind = (recognised(first.header.names) or plain_kind) if container != "parquet" else plain_kind
    else:
        kind = KINDS[format_name]
    table = _table(path, kind)
    _check_header(table)
    columns, twice = _columns(table.header, kind)
    names = [column.name for column in columns]
    time = next((name for name in (*kind.time, *(n for n in names if n.endswith(TIME_ENDING))) if name in names), None)
    if time is None and kind in (DELIMITED, XLSX, PARQUET):
        time = next((name for name in names if is_time(name)), None)
    complete = {name: values for name, values in kind.complete.items() if name in names}
    if kind.name == "redcap":
        complete = {name: COMPLETE_VALUES for name in names if name.endswith(COMPLETE_ENDING)}
    if len(complete) > 1:
        complete = {}
    export = Export(source_id, table, kind, columns, twice, time, (), complete, _long_names(names))
    times = _patterns(export) if time is not None else ()
    if not times and kind in (DELIMITED, XLSX, PARQUET):
        time = None
    return Export(source_id, table, kind, columns, twice, time, times, complete, export.long)


def _table(path: Path, kind: ExportKind) -> Table:
    return open_table(path, Source.model_validate({"id": "draft", "format": kind.name}), ())


def _columns(header: Header, kind: ExportKind) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    found: list[Column] = []
    question = ""
    for position, spelled in enumerate(header.names):
        name = plain(spelled)
        question = name or question
        label = header.composed[position][len(question) + 3 :] if header.composed else ""
        following = header.names[position + 1] if position + 1 < len(header.names) else "end"
        if kind.name == "surveymonkey" and label and (not name or not plain(following)):
            found.append(Column(header.composed[position], question=question, choice=label))
        elif name:
            found.append(Column(name, "" if kind.name == "surveymonkey" else label))
    counts = Counter(column.name for column in found)
    twice = tuple(name for name, count in counts.items() if count > 1)
    return tuple(column for column in found if counts[column.name] == 1), twice


def _check_header(table: Table) -> None:
    """Refuse a file whose first record is a response: its values would become the names of a public file.

    A name with an `@` or of a date, most names numbers, or a quarter of the names met again as values beneath.
    """
    names = [trim(name) for name in table.header.names]
    spoken = [name for name in names if name]
    numbers = sum(name.replace(".", "").replace("-", "").isdigit() for name in spoken)
    places = {str(i): i for i, name in enumerate(names) if name}
    again: set[str] = set()
    for records in islice(table.records(places), 1):
        for at, column in records.columns.items():
            head = text_of(column).slice(0, _LOOKED_AT)
            if names[int(at)] in {trim(value) for value in head.to_pylist()}:
                again.add(at)
    if (
        any("@" in name or _DATE.fullmatch(name) for name in spoken)
        or 2 * numbers > len(spoken)
        or 4 * len(again) > len(spoken)
    ):
        raise InputRefused(
            "header_doubtful",
            "the first record looks like a response, not like column names",
            where=table.name,
            do="Export again with column names",
        )


def _patterns(export: Export) -> tuple[str, ...]:
    """The known patterns that read every time stamp of the file."""
    fitting = list(dict.fromkeys((*export.kind.time_patterns, *_OTHER_PATTERNS)))
    clocks = {pattern: Clock(pattern, export.kind.time_spelled) for pattern in fitting}
    for records in export.values((export.time or "",)):
        for column in records.columns.values():
            fitting = [p for p in fitting if not np.any(clocks[p].moments(column) == UNREADABLE)]
    return tuple(fitting)


def _long_names(names: Sequence[str]) -> tuple[str, str, str] | None:
    by_fold = {name.casefold().replace(" ", "_"): name for name in names}

    def first(known: Sequence[str]) -> str | None:
        return next((by_fold[name] for name in known if name in by_fold), None)

    respondent, item, value = first(_RESPONDENT), first(_ITEM), first(_VALUE)
    if respondent is None or item is None or value is None or len(names) > _WIDEST_LONG:
        return None
    return respondent, item, value

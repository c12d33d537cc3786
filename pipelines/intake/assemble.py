"""Puts intake together: open, keep what counts, sever, encode, batch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import urandom
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.intake.batch import EncodedBatch, Quarantined, SourceFile
from pipelines.intake.blocks import ahead
from pipelines.intake.columns import filled_column, name_in, needs_of, place
from pipelines.intake.contacts import contact_pseudonyms
from pipelines.intake.encoding import Encoder
from pipelines.intake.formats.registry import KINDS
from pipelines.intake.identity import PSEUDONYM_BYTES, Severer
from pipelines.intake.long_form import layout_of, wide_records
from pipelines.intake.records import Records
from pipelines.intake.rules import Filled, Member, counted, counting_rules, member
from pipelines.intake.sources import open_table
from pipelines.intake.timestamps import UNKNOWN, UNREADABLE, Clock
from schemas.attributes import Attribute, attributes_of, zone_columns
from schemas.errors import InputRefused
from schemas.survey import Source, Survey

KEY_MISSING = "key_missing"
HOUSEHOLD_MISSING = "household_missing"
TIME_UNREADABLE = "time_unreadable"
CODE_NOT_ISSUED = "code_not_issued"
_DAY = 86_400_000_000


@dataclass(frozen=True)
class OpenedFile:
    """A file whose header has every needed column."""

    source: Source
    records: Callable[[], Iterator[Records]]


def open_files(survey: Survey, files: Sequence[SourceFile]) -> tuple[OpenedFile, ...]:
    """Open every file and find the needed columns. Raises: InputRefused."""
    sources = {source.id: source for source in survey.sources}
    opened: list[OpenedFile] = []
    for file in files:
        source = sources.get(file.source_id)
        if source is None:
            raise InputRefused(
                "source_unknown",
                f"source {file.source_id!r} is not declared",
                where=file.path.name,
                do=f"Declared sources: {', '.join(sources)}",
            )
        opened.append(OpenedFile(source, _reader(survey, source, file.path)))
    return tuple(opened)


def _reader(survey: Survey, source: Source, path: Path) -> Callable[[], Iterator[Records]]:
    needs = needs_of(survey, source)
    wanted = [name_in(source, need.column) for need in needs]
    if source.layout == "long":
        table = open_table(path, source, [*source.respondent, source.item or "", source.value or "", *wanted])
        layout = layout_of(table, source, needs)
        return lambda: wide_records(table, source, layout)
    table = open_table(path, source, wanted)
    places = place(table.header, needs, source, table.name)
    return lambda: table.records(places)


def _severed_batches(
    survey: Survey,
    opened: Sequence[OpenedFile],
    hmac_key: bytes,
    contacts: Path | None,
    issued: frozenset[bytes] | None = None,
) -> Iterator[EncodedBatch]:
    """The batches of the opened files, in order. Raises: InputRefused."""
    attributes = attributes_of(survey)
    severer = Severer(hmac_key, survey.residents, tuple(survey.missing))
    verified = issued if survey.residents.issued else contact_pseudonyms(contacts, survey.residents, severer)
    encoder = Encoder(survey, attributes)
    rooms: dict[str, _Room] = {}
    for file in opened:
        room = rooms.setdefault(file.source.id, _Room(survey, file.source, attributes, severer, encoder, verified))
        for records in ahead(file.records()):
            yield room.batch(records)


class _Room:
    """Severs and encodes the records of one source."""

    def __init__(
        self,
        survey: Survey,
        source: Source,
        attributes: tuple[Attribute, ...],
        severer: Severer,
        encoder: Encoder,
        verified: frozenset[bytes] | None,
    ) -> None:
        self._source = source
        self._key = () if survey.residents.key == "none" else survey.residents.key
        self._household = () if survey.residents.household is None else survey.residents.household.key
        self._rules: tuple[Member, ...] = counting_rules(survey, source)
        filled = filled_column(source)
        rule = member(source.complete) if source.complete is not None else None
        self._complete = Filled(filled) if filled is not None else rule
        spelled = KINDS[source.format].time_spelled
        self._clock = Clock(source.time.pattern, spelled) if source.time is not None else None
        self._severer = severer
        self._encoder = encoder
        self._verified = verified
        declared = survey.residents.verified_by
        self._require = declared is not None and declared.require
        self._issued = survey.residents.issued
        self._names = [name for i, attribute in enumerate(attributes) for name in zone_columns(i, attribute)]

    def batch(self, records: Records) -> EncodedBatch:
        """One batch. Left out in this order: rules, key, household, time, codes never issued, contact list (where it is
        required).
        """
        read = records.count + len(records.unreadable)
        quarantined = [self._quarantined(number, "", reason) for number, reason in records.unreadable]
        chosen = counted(records, self._rules)
        excluded = records.count - int(chosen.sum())
        records = records.keep(chosen)

        digests, present = self._pseudonyms(records)
        quarantined += [self._quarantined(n, " + ".join(self._key), KEY_MISSING) for n in records.numbers[~present]]
        records, digests = records.keep(present), digests[present]
        homes, housed = self._households(records)
        field = " + ".join(self._household)
        quarantined += [self._quarantined(n, field, HOUSEHOLD_MISSING) for n in records.numbers[~housed]]
        records, digests, homes = records.keep(housed), digests[housed], homes[housed]

        seen_at = self._moments(records)
        readable = seen_at != UNREADABLE
        if self._source.time is not None:
            column = self._source.time.column
            quarantined += [self._quarantined(n, column, TIME_UNREADABLE) for n in records.numbers[~readable]]
        records, digests, homes = records.keep(readable), digests[readable], homes[readable]
        seen_at = seen_at[readable]

        known = self._known(digests)
        if self._issued:
            mine = np.zeros(records.count, dtype=bool) if known is None else known
            quarantined += [
                self._quarantined(n, " + ".join(self._key), CODE_NOT_ISSUED) for n in records.numbers[~mine]
            ]
            records, digests, homes = records.keep(mine), digests[mine], homes[mine]
            seen_at, known = seen_at[mine], None
        if self._require and known is not None:
            excluded += records.count - int(known.sum())
            records, digests, homes = records.keep(known), digests[known], homes[known]
            seen_at, known = seen_at[known], known[known]
        rows = self._rows(records, digests, seen_at, known)
        if self._household:
            rows = rows.append_column("household", _fixed(homes.tobytes(), records.count))
        return EncodedBatch(rows, tuple(sorted(quarantined, key=lambda q: q.row)), read, excluded)

    def _quarantined(self, number: int, field: str, reason: str) -> Quarantined:
        return Quarantined(self._source.id, int(number), field, reason)

    def _pseudonyms(self, records: Records) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        if not self._key:
            random = np.frombuffer(urandom(PSEUDONYM_BYTES * records.count), dtype=np.uint8)
            return random.reshape(-1, PSEUDONYM_BYTES), np.ones(records.count, dtype=bool)
        if not records.count:
            return np.empty((0, PSEUDONYM_BYTES), np.uint8), np.empty(0, dtype=bool)
        found = self._severer.pseudonyms([records.columns[column] for column in self._key])
        return found.digests, found.present

    def _households(self, records: Records) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """As `_pseudonyms`, of the household keys; nothing where households are not declared."""
        households = self._severer.households
        if households is None or not records.count:
            return np.empty((records.count, 0), np.uint8), np.ones(records.count, dtype=bool)
        found = households.pseudonyms([records.columns[column] for column in self._household])
        return found.digests, found.present

    def _moments(self, records: Records) -> NDArray[np.int64]:
        column = records.columns.get(self._source.time.column) if self._source.time is not None else None
        if column is None or self._clock is None:
            return np.full(records.count, UNKNOWN, dtype=np.int64)
        found = self._clock.moments(column)
        # Under a code, the second of an answer could be looked up in a web server's log: the day is enough.
        return np.where(found < 0, found, found // _DAY * _DAY) if self._issued else found

    def _known(self, digests: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
        if self._verified is None:
            return None
        whole = digests.tobytes()
        starts = range(0, len(whole), PSEUDONYM_BYTES)
        return np.array([whole[start : start + PSEUDONYM_BYTES] in self._verified for start in starts], dtype=bool)

    def _rows(
        self, records: Records, digests: NDArray[np.uint8], seen_at: NDArray[np.int64], known: NDArray[np.bool_] | None
    ) -> pa.Table:
        columns, answered = self._encoder.encode(records, known)
        complete = answered if self._complete is None else self._complete.holds(records)
        ordered = [columns[name] for name in self._names]
        content = np.concatenate([_bytes_of(c) for c in (seen_at, complete.astype(np.uint8), *ordered)])
        arrays = [
            _fixed(digests.tobytes(), records.count),
            _fixed(self._severer.ties(np.ascontiguousarray(content.T)), records.count),
            pa.array(seen_at, pa.int64()),
            pa.array(complete, pa.bool_()),
            *(pa.array(column) for column in ordered),
        ]
        return pa.Table.from_arrays(arrays, names=["pseudonym", "tie", "seen_at", "complete", *self._names])


def _bytes_of(column: NDArray[Any]) -> NDArray[np.uint8]:
    """Item size × rows, little-endian: the same content gives the same tie on every machine."""
    little = np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<"))
    return little.view(np.uint8).reshape(len(column), column.dtype.itemsize).T


def _fixed(content: bytes, count: int) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(PSEUDONYM_BYTES), count, [None, pa.py_buffer(content)])


def encoded_batches(
    survey: Survey,
    files: Sequence[SourceFile],
    hmac_key: bytes,
    contacts: Path | None,
    issued: frozenset[bytes] | None = None,
) -> Iterator[EncodedBatch]:
    """Read, sever and encode source files. `issued`: pseudonyms of the codes that count, where codes were issued.

    Every file's encoding and header are checked before the first batch is made. Memory is bounded by the batch, save
    for workbooks and long layouts.

    Raises: InputRefused: a file cannot be taken. Never for bad records: those are quarantined.
    """
    return _severed_batches(survey, open_files(survey, files), hmac_key, contacts, issued)

"""What intake hands to the zone: severed, encoded responses in batches, and the numbers of the records left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from schemas.survey import Survey


@dataclass(frozen=True)
class SourceFile:
    """One file of a declared source."""

    source_id: str
    path: Path


@dataclass(frozen=True)
class Quarantined:
    """A record that cannot be counted: where it stands and why, never what it holds.

    `row`: 1-based record number after the header. `field`: declared column or columns, empty for the whole record.
    """

    source_id: str
    row: int
    field: str
    reason: str


@dataclass(frozen=True)
class EncodedBatch:
    """Responses without identity, encoded.

    `rows`: one row per accepted response: pseudonym and tie (16 bytes), seen_at (microseconds, −1 unknown), complete,
    then the zone columns of every attribute, and where declared the household's pseudonym; nothing else. `read` counts
    every record of the batch: accepted rows, those `excluded` by the survey's rules, and quarantined ones, together.
    """

    rows: pa.Table
    quarantined: tuple[Quarantined, ...]
    read: int
    excluded: int


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
    from pipelines.intake.assemble import open_files, severed_batches  # heavy imports stay out of the launcher

    opened = open_files(survey, files)
    return severed_batches(survey, opened, hmac_key, contacts, issued)

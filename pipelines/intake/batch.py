"""What intake hands to the zone: severed, encoded responses in batches, and the numbers of the records left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


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

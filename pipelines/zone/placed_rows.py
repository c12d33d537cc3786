"""Where a wave's coded responses lie on the operator's cluster: remembered in the zone before they go there.

So that whatever was placed, wholly or in part, is found and emptied: by the next snapshot's placing, or when the wave
expires.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pipelines.durable import sync_folder
from schemas.canonical import canonical_bytes
from schemas.engine import Engine
from schemas.errors import ZoneFault

_RECORD = "placed.json"


@dataclass(frozen=True)
class Placed:
    """`place`: a folder, as the cluster names it. `whole`: all rows are there; else a run ended before they were."""

    engine: Engine
    place: str
    whole: bool


def place_for(engine: Engine, survey: str, wave: str, snapshot_id: str) -> str:
    """The folder of a snapshot's rows. Its last part is random, so that no other workspace has the same."""
    return f"{engine.rows}/{survey}/{wave}/{snapshot_id}"


def has_placed(folder: Path) -> bool:
    """Whether rows of this zone may lie on a cluster."""
    return (folder / _RECORD).exists()


def placed_rows(folder: Path) -> Placed | None:
    """Where they lie. Raises: ZoneFault `placed_damaged`."""
    try:
        record = json.loads((folder / _RECORD).read_bytes())
        return Placed(Engine.model_validate(record["engine"]), str(record["place"]), record["whole"] is True)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, ValidationError):
        raise ZoneFault(
            "placed_damaged",
            "the zone's record of the rows on the cluster is damaged",
            where=_RECORD,
            do="Restore the zone from your backup",
        ) from None


def remember(folder: Path, placed: Placed) -> None:
    """Write the record, durably."""
    engine = placed.engine.model_dump(mode="json")
    content = canonical_bytes({"engine": engine, "place": placed.place, "whole": placed.whole})
    aside = folder / f".{_RECORD}.part"
    with aside.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    aside.rename(folder / _RECORD)
    sync_folder(folder)


def forget(folder: Path) -> None:
    """Remove the record, once nothing is there any more."""
    (folder / _RECORD).unlink(missing_ok=True)
    sync_folder(folder)

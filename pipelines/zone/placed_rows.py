"""Where a wave's coded responses lie on the operator's cluster.

The ledger says under which folders: each charge that was counted there names its engine and its snapshot. The zone's
own record says in which folder of these the rows of the latest snapshot lie, and whether all of them arrived; it is
written before they go. So whatever was placed, wholly or in part, is found and emptied: by the next snapshot's placing,
or when the wave expires, whatever backup the zone comes from.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipelines.durable import sync_folder
from privacy.ledger_state import LedgerState
from schemas.canonical import canonical_bytes
from schemas.engine import Engine
from schemas.errors import ZoneFault

_RECORD = "placed.json"


@dataclass(frozen=True)
class Grounds:
    """All that is placed of one snapshot on an engine: one folder, which each placing has a fresh folder of."""

    engine: Engine
    folder: str

    def fresh(self) -> str:
        """A folder that no earlier placing wrote to: what a server still does for a killed client lands elsewhere."""
        return f"{self.folder}/{secrets.token_hex(8)}"

    @property
    def trial(self) -> str:
        """A folder beside the snapshot's, where a table without rows shows whether the store takes any."""
        return f"{self.folder}-no-rows"

    def as_body(self) -> dict[str, Any]:
        """For a request to the worker."""
        return {"engine": self.engine.model_dump(mode="json"), "folder": self.folder}

    @classmethod
    def of(cls, body: dict[str, Any]) -> "Grounds":
        return cls(Engine.model_validate(body["engine"]), str(body["folder"]))


@dataclass(frozen=True)
class Placed:
    """`place`: a folder, as the cluster names it. `whole`: all rows are there; else a run ended before they were."""

    engine: Engine
    place: str
    whole: bool

    @property
    def grounds(self) -> Grounds:
        return Grounds(self.engine, self.place.rpartition("/")[0])


def grounds_of(engine: Engine, survey: str, wave: str, snapshot_id: str) -> Grounds:
    """Of a snapshot. The last part of its folder is random, so that no other workspace has the same."""
    return Grounds(engine, f"{engine.rows}/{survey}/{wave}/{snapshot_id}")


def charged_grounds(state: LedgerState, survey: str, wave: str) -> tuple[Grounds, ...]:
    """Wherever a charge of the wave allowed rows to go, by the ledger; each once, in its order."""
    charges = [crossing.charge for crossing in state.crossings_of_wave(survey, wave)]
    found = [grounds_of(c.engine, survey, wave, c.snapshot_id) for c in charges if c.engine is not None]
    return tuple(dict.fromkeys(found))


def placed_rows(folder: Path) -> Placed | None:
    """Where the rows of the latest snapshot lie. Raises: ZoneFault `placed_damaged`."""
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

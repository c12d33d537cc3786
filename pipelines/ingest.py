"""Ingest: raw exports go through a zone worker; only the id of the new snapshot comes back."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pipelines.declarations import Declarations
from pipelines.intake.batch import SourceFile
from pipelines.ledger.store import Ledger
from pipelines.memory import DEFAULT_INGEST, megabytes
from pipelines.wave_end import require_accepting
from pipelines.workspace import Workspace
from pipelines.zone import launcher
from pipelines.zone.keys import KeySource
from pipelines.zone.launcher import WaveZone
from schemas.errors import InputRefused, ZoneFault
from schemas.ledger import EventKind


def readable(path: Path, what: str) -> Path:
    """The file's full path. Raises: InputRefused `source_missing`."""
    if not path.is_file():
        raise InputRefused(
            "source_missing", f"the {what} does not exist or is not a file", where=str(path), do="Check the path"
        )
    return path.resolve()


def ingest(
    workspace: Workspace,
    declarations: Declarations,
    files: Sequence[SourceFile],
    *,
    contacts: Path | None,
    key: KeySource,
    witness: Path | None = None,
    replace: bool = False,
    memory: str = DEFAULT_INGEST,
    tell: Callable[[str], None] = lambda _: None,
) -> str:
    """Take source files into the wave's zone. Returns: the current snapshot id, unchanged where no file was
    written since it was taken in: whether there is a new one never depends on what the files hold.

    Raises: InputRefused, ZoneFault; UsageFault: `memory`.
    """
    survey = declarations.survey
    request = {
        "survey": survey.model_dump(mode="json", by_alias=True),
        "files": [(file.source_id, str(readable(file.path, "source file"))) for file in files],
        "contacts": str(readable(contacts, "contact list")) if contacts else None,
        "replace": replace,
        "memory": megabytes(memory, 2),
    }
    ledger = Ledger.open(workspace, witness=witness)
    request["ledger_key"] = ledger.public_key_hex
    with ledger.lock() as held:
        require_accepting(ledger.state(), survey)
        zone = WaveZone.of(workspace, survey, key)
        with launcher.working(zone, "ingest", request, inherited=held) as worker:
            snapshot_id = str(worker.answer(tell).body["snapshot_id"])
        body = {"survey": survey.survey, "wave": survey.wave.id, "snapshot_id": snapshot_id}
        if body not in [event.body for event in ledger.events() if event.kind is EventKind.INGESTED]:
            ledger.record(EventKind.INGESTED, body)
    return snapshot_id


def show_ingest(workspace: Workspace, declarations: Declarations, *, key: KeySource) -> int:
    """Let the zone worker print what became of each file, straight to the terminal. Returns: its exit code.

    Inside the trust boundary: the numbers are exact. They do not pass through this process. It waits for nobody, and
    shows the snapshot of the moment.

    Raises: ZoneFault `zone_empty`.
    """
    zone = WaveZone.of(workspace, declarations.survey, key)
    if not zone.folder.exists():
        what, wave = "nothing has been ingested for this wave", f"wave {zone.folder.name} of {zone.folder.parent.name}"
        raise ZoneFault("zone_empty", what, where=wave, do="Run hearsafe ingest first")
    return launcher.show(zone, declarations.survey)

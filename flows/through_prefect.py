"""One errand through Prefect, once per process: its environment, the flow, and the original fault if it failed."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.listening import free_port
from flows.sanitised import SanitisedFailure, original
from flows.settings import prepare_prefect

if TYPE_CHECKING:
    from pipelines.intake.batch import SourceFile


@dataclass(frozen=True)
class Errand:
    """The parameters of `ingest-to-report`: absolute paths, names of places, and nothing of what is in them."""

    workspace: str
    directory: str
    sources: list[str]
    policy: str | None
    contacts: str | None
    officer_key: str | None
    key_source: str
    witness: str | None

    @classmethod
    def of(
        cls,
        workspace: Path,
        directory: Path,
        files: "Sequence[SourceFile]",
        *,
        contacts: Path | None = None,
        officer_key: Path | None = None,
        policy: Path | None = None,
        key_source: str = "file",
        witness: Path | None = None,
    ) -> "Errand":
        """From what the command line was given."""
        return cls(
            workspace=str(workspace.absolute()),
            directory=str(directory.absolute()),
            sources=[f"{file.source_id}={file.path.absolute()}" for file in files],
            policy=_absolute(policy),
            contacts=_absolute(contacts),
            officer_key=_absolute(officer_key),
            key_source=key_source,
            witness=_absolute(witness),
        )


def _absolute(path: Path | None) -> str | None:
    return str(path.absolute()) if path is not None else None


def _choose_port() -> None:
    """A port of the system's choice for Prefect's embedded server, where no server is named.

    Prefect draws one of a thousand, binds it seconds later, and does not see that another server answers there: of runs
    that begin together, one in a thousand would be recorded by another workspace's server.
    """
    if os.environ.get("PREFECT_API_URL"):
        return
    from prefect.server.api.server import SubprocessASGIServer

    SubprocessASGIServer().port = free_port(None)


def ingest_to_report(errand: Errand) -> Path:
    """Run the flow. Returns: the release folder. Raises: Fault: as if it had not gone through Prefect."""
    prepare_prefect(Path(errand.workspace) / "prefect")
    from flows.ingest_to_report import ingest_to_report as flow

    _choose_port()
    try:
        return Path(str(flow(**asdict(errand))))
    except SanitisedFailure as failure:
        fault = original(failure)
    raise fault

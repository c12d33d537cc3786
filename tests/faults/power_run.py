"""`python -m tests.faults.power_run KIND FOLDER`: a life of Smallville to be traced; and going on after a power cut."""

import sys
from pathlib import Path
from typing import Literal

from pipelines.zone import launcher
from schemas.errors import Fault
from tests.faults import crossing, everything
from tests.faults.smallville import Smallville

Kind = Literal["release", "from nothing"]
_PRELOADED = everything


def live(kind: Kind, folder: str) -> None:
    """Release, after ingesting into a workspace that was not there where it begins from nothing."""
    launcher.subprocess.Popen = crossing.ForkedWorker  # type: ignore[misc, assignment]
    if kind == "from nothing":
        Smallville(Path(folder)).take()
    crossing.release_once(folder, "")


def go_on(folder: str, ingest_again: bool) -> None:
    """Release, as anybody would after a power cut; where nothing had been counted yet, ingest again before if need be."""
    launcher.subprocess.Popen = crossing.ForkedWorker  # type: ignore[misc, assignment]
    if ingest_again:
        try:
            crossing.release_once(folder, "")
        except Fault:
            Smallville(Path(folder)).take(replace=True)
        else:
            return
    crossing.release_once(folder, "")


if __name__ == "__main__":
    live(sys.argv[1], sys.argv[2])  # type: ignore[arg-type]

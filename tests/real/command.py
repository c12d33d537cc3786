"""Runs the `hearsafe` command as a user would, in a workspace of its own, and reads what a release holds."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.real.surveys import RealSurvey

_SECONDS = 900


def hearsafe(*arguments: str | Path, workspace: Path) -> str:
    """Standard output of a verb that must succeed."""
    program = Path(sys.executable).with_name("hearsafe")
    command = [str(program), "--workspace", str(workspace), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, cwd=workspace.parent)
    assert done.returncode == 0, f"{' '.join(command)}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Release:
    """A release folder, as an analyst has it, and the workspace that it came from."""

    folder: Path
    workspace: Path

    def rows(self, name: str) -> list[dict[str, Any]]:
        return pq.read_table(self.folder / f"{name}.parquet").to_pylist()

    def card(self) -> dict[str, Any]:
        return json.loads((self.folder / "card.json").read_text(encoding="utf-8"))


def release_survey(survey: RealSurvey, declarations: Path, shared_data: Path, home: Path) -> Release:
    """Ingest and release a real survey under the declarations of a folder; `home` is empty and outside the repository."""
    workspace = home / "workspace"
    hearsafe("check", declarations, workspace=workspace)
    hearsafe("ingest", declarations, *survey.sources(shared_data), workspace=workspace)
    hearsafe("release", declarations, workspace=workspace)
    manifests = list((workspace / "releases").glob("*/*/*/MANIFEST.json"))
    assert len(manifests) == 1
    return Release(manifests[0].parent, workspace)

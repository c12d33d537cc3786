"""The README's commands run as they stand, on Riverbend, with its placeholders filled in."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.riverbend.generate import build

STAGES = ("init", "check", "ingest", "plan", "approve", "release", "run", "budget", "export", "catalog", "verify")
"""The order of a week; the README tells them user by user."""


def blocks(root: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)


@pytest.mark.extended
def test_every_command_of_the_readme_runs(root: Path, tmp_path: Path) -> None:
    city = build(tmp_path / "riverbend")
    for file in city.sources:
        shutil.copy(file.path, tmp_path / ("qualtrics.csv" if file.source_id == "web" else "forms.csv"))
    shutil.copy(city.contacts, tmp_path / "contacts.csv")
    shutil.copy(city.officer_key, tmp_path / "officer.key")
    lines = [line for block in blocks(root, "sh") for line in block.splitlines() if line.startswith("hearsafe ")]
    lines.sort(key=lambda line: STAGES.index(shlex.split(line)[1]))
    assert len(lines) >= 8
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    filled = {"DIR": str(city.directory)}
    for line in lines:
        if "RELEASE" in line:
            (folder,) = (tmp_path / "hearsafe-workspace" / "releases").glob("*/*/*")
            filled["RELEASE"] = str(folder)
            shown = subprocess.run(["hearsafe", "verify", folder], capture_output=True, env=environment, check=True)
            filled["FINGERPRINT"] = re.search(rb"[0-9a-f]{64}", shown.stdout).group().decode()  # type: ignore[union-attr]
        words = [filled.get(word, word) for word in shlex.split(line)]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, timeout=300, check=False)
        assert done.returncode == 0, (line, done.stderr)
    for script in blocks(root, "python"):
        code = script.replace("RELEASE", filled["RELEASE"])
        ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert re.search(rb"shape: \([1-9]", ran.stdout), "the analyst finds no publishable figure"

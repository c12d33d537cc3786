"""Every example of docs/analyst_guide.md runs on a release of Riverbend, with each tool that is installed."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.outlet.manifest import read_manifest
from schemas.manifest import MANIFEST_FILE, fingerprint
from tests.system.command import hearsafe

pytestmark = pytest.mark.extended


def blocks(root: Path, language: str) -> list[str]:
    text = (root / "docs" / "analyst_guide.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace that holds one release of Riverbend."""
    folder = tmp_path_factory.mktemp("desk")
    done = hearsafe("demo", "--folder", folder / "demo", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "hearsafe-workspace").symlink_to(folder / "demo" / "hearsafe-workspace")
    return folder


@pytest.fixture(scope="module")
def release(desk: Path) -> Path:
    return next((desk / "hearsafe-workspace" / "releases").glob("*/*/*"))


@pytest.fixture(scope="module")
def commands(root: Path, desk: Path, release: Path) -> list[str]:
    """Runs every command of the guide, in its order. Returns: the commands."""
    manifest = read_manifest((release / MANIFEST_FILE).read_bytes())
    filled = {"RELEASE": str(release), "FINGERPRINT": fingerprint(manifest.ledger.public_key)}
    lines = [line for block in blocks(root, "sh") for line in block.splitlines()]
    for line in lines:
        words = [filled.get(word, word) for word in shlex.split(line)]
        assert words[0] == "hearsafe"
        done = hearsafe(*words[1:], cwd=desk)
        assert (done.returncode, done.stderr) == (0, ""), line
    return lines


@pytest.mark.xdist_group("analyst")
def test_the_commands(commands: list[str], desk: Path) -> None:
    assert len(commands) == 4
    assert (desk / "figures.xlsx").stat().st_size > 10_000


@pytest.mark.xdist_group("analyst")
def test_duckdb(commands: list[str], root: Path, desk: Path) -> None:
    with duckdb.connect(str(desk / "surveys.duckdb"), read_only=True) as connection:
        for query in blocks(root, "sql"):
            assert connection.execute(query).fetchall(), query
    with duckdb.connect() as connection:
        hearsafe("catalog", "--out", "surveys.sql", cwd=desk)
        connection.execute((desk / "surveys.sql").read_text(encoding="utf-8"))
        assert connection.execute(blocks(root, "sql")[0]).fetchall()


@pytest.mark.xdist_group("analyst")
def test_python(root: Path, release: Path) -> None:
    scripts = blocks(root, "python")
    assert len(scripts) == 4
    for script in scripts:
        code = script.replace("RELEASE", str(release))
        ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.strip()
        assert "Empty DataFrame" not in ran.stdout
        assert "shape: (0" not in ran.stdout


RSCRIPT = shutil.which("Rscript")
if RSCRIPT:  # R is no part of what CI must have

    @pytest.mark.xdist_group("analyst")
    def test_r(commands: list[str], root: Path, desk: Path) -> None:
        (script,) = blocks(root, "r")
        ran = subprocess.run([str(RSCRIPT), "-e", script], cwd=desk, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert len(ran.stdout.splitlines()) == 6

"""docs/tutorial.md as it stands: every command, in its order, from three real exports to verified releases."""

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

pytestmark = [pytest.mark.extended, pytest.mark.needs_shared]


def blocks(root: Path) -> list[str]:
    text = (root / "docs" / "tutorial.md").read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def outputs(scripts: list[str], folder: Path, environment: dict[str, str]) -> list[str]:
    """Standard output of each block, run one after the other in one shell that stops at the first failure."""
    end = "--- end of block ---"
    whole = "\n".join(f"{script}\necho {end!r}" for script in scripts)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HEARSAFE_", "PREFECT_"))}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = ["bash", "-euo", "pipefail", "-c", whole]
    done = subprocess.run(
        command, cwd=folder, env={**clean, **environment, "PATH": path}, capture_output=True, text=True, timeout=1800
    )
    found = done.stdout.split(end)
    assert done.returncode == 0, f"{scripts[len(found) - 1]}\n{found[-1][-3000:]}\n{done.stderr[-3000:]}"
    return found


def test_each_command_of_the_tutorial(root: Path, shared_data: Path, tmp_path: Path) -> None:
    scripts = blocks(root)
    assert len(scripts) >= 12
    places = {"DATA": str(shared_data.resolve()), "EXAMPLES": str(root / "examples")}
    said = dict(zip(scripts, outputs(scripts, tmp_path, places), strict=False))

    def of(command: str) -> str:
        return next(out for script, out in said.items() if command in script)

    first = of("cd bloomington")
    assert 180 < int(re.search(r"to fill in, (\d+) places", first).group(1)) < 260  # type: ignore[union-attr]
    assert "the declarations are valid" in of("bloomington-2017/scales.csv")
    assert "not readable" not in of("release community-survey")
    shown = of("ingest happiness-survey --show")
    assert re.search(r"portal +6545 +6167 +378 +0", shown)
    assert "not readable: happiness: 5" in shown
    assert 'where: {"Status": ["IP Address", "0"]}' in of("cd tampa-bay")
    assert 'pattern: "%m/%d/%Y %H:%M"' in of("cd tampa-bay")
    assert "3 releases, each verified" in of("hearsafe catalog")
    assert (tmp_path / "bloomington.xlsx").stat().st_size > 100_000
    with duckdb.connect(str(tmp_path / "surveys.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "SELECT population, wave, count(f.value) FROM releases LEFT JOIN findings f USING (release_id, wave) "
            "GROUP BY ALL ORDER BY 1"
        ).fetchall()
    assert [row[:2] for row in found] == [
        ("bloomington-adults", "2017"),
        ("somerville-residents", "2011"),
        ("tampa-bay-residents", "2024"),
    ]
    assert all(count > 20 for *_, count in found), found

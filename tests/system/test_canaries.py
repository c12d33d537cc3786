"""Nothing of a respondent leaves the zone: not on the way that works, not on ways that fail.

Unique strings are planted in every raw column, identity column and contact column, and a planted number of rows. After
a run through Prefect, and after failing runs, every byte outside the zone and the inputs is searched, in plain, UTF-16,
hexadecimal and base64 (decoded, so that pickles inside are seen).
"""

import base64
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.system.city import RESIDENTS, City, build_city
from tests.system.sweep import hits, number, sweep, without_keys

HEARSAFE = Path(sys.executable).parent / "hearsafe"


def call(city: City, workspace: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """One command in a process whose home and temporary folder lie below the workspace's, so that they are searched."""
    scratch = workspace.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(scratch), "HOME": str(scratch), "XDG_CACHE_HOME": str(scratch)}
    environment.pop("PREFECT_API_URL", None)
    return subprocess.run(
        [str(HEARSAFE), "--workspace", str(workspace), *arguments],
        capture_output=True,
        timeout=400,
        env=environment,
        cwd=scratch,
        check=False,
    )


def outside(workspace: Path) -> list[Path]:
    """Every folder that is neither the zone nor an input."""
    return [p for p in workspace.iterdir() if p.is_dir()] + [workspace.parent / "scratch"]


def in_zone(path: Path, workspace: Path) -> bool:
    return path.is_relative_to(workspace / "zone")


pytestmark = pytest.mark.xdist_group("prefect")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[City, Path, bytes]:
    """A city that was ingested and released through Prefect, then attacked with runs that fail."""
    folder = tmp_path_factory.mktemp("canaries")
    city = build_city(folder / "city")
    workspace = folder / "ws"
    spoken = b""
    run = call(
        city, workspace, "run", str(city.folder), "--source", f"web={city.export}", "--contacts", str(city.contacts)
    )
    assert run.returncode == 0, run.stderr
    spoken += run.stdout + run.stderr
    broken = folder / "city" / "broken.csv"
    broken.write_bytes(city.export.read_bytes().replace(b",District,", b",Quarter,", 1))
    ragged = folder / "city" / "ragged.csv"
    ragged.write_bytes(city.export.read_bytes()[:20000] + b'\n"unclosed,' + city.canaries[0].encode() + b"\xff\xfe")
    for source, expected in ((broken, 4), (ragged, None)):
        verb = "run" if source is broken else "ingest"
        failed = call(
            city, workspace, verb, str(city.folder), "--source", f"web={source}", "--contacts", str(city.contacts)
        )
        assert expected is None or failed.returncode == expected, failed.stderr
        spoken += failed.stdout + failed.stderr
    key = next((workspace / "keys").rglob("zone.key"))
    good = key.read_text()
    key.write_text("ab" * 32 + "\n")
    wrong = call(
        city, workspace, "ingest", str(city.folder), "--source", f"web={city.export}", "--contacts", str(city.contacts)
    )
    assert wrong.returncode == 5, wrong.stderr
    key.write_text(good)
    return city, workspace, spoken + wrong.stdout + wrong.stderr


@pytest.mark.slow
def test_no_planted_string_outside_or_inside(released: tuple[City, Path, bytes]) -> None:
    city, workspace, spoken = released
    assert len(city.canaries) > 50 and all(len(c) >= 16 for c in city.canaries)
    assert hits(city.export.read_bytes(), city.canaries[:3]) == city.canaries[:3], "the canaries are in the export"
    assert sweep(outside(workspace), city.canaries) == []
    assert hits(spoken, city.canaries) == []


@pytest.mark.slow
def test_the_planted_row_count_is_told_nowhere(released: tuple[City, Path, bytes]) -> None:
    _, workspace, spoken = released
    token = number(RESIDENTS)
    assert token.search(b"read 7919 rows") and token.search(b"7,919 rows"), "the pattern finds the count"
    assert token.search(spoken) is None
    for folder in outside(workspace):
        for path in folder.rglob("*"):
            if not path.is_file() or in_zone(path, workspace):
                continue
            if path.suffix == ".parquet":
                require_noised_integers(path)
            elif path.suffix in {
                ".json",
                ".jsonl",
                ".html",
                ".log",
                ".txt",
                ".toml",
                ".yaml",
                ".pem",
                ".sqlite",
                ".db",
            }:
                assert token.search(without_keys(path.read_bytes())) is None, path.name


def require_noised_integers(path: Path) -> None:
    """The count is in no integer column but the noisy one, and Parquet's own metadata does not hold it."""
    table = pq.read_table(path)
    for name in table.column_names:
        if pa.types.is_integer(table.schema.field(name).type) and name != "noisy_units":
            assert RESIDENTS not in np.asarray(table.column(name)), f"{path.name}: {name}"


@pytest.mark.slow
def test_a_failing_run_leaves_the_release_and_the_charge_alone(released: tuple[City, Path, bytes]) -> None:
    _, workspace, _ = released
    from pipelines.ledger.store import Ledger
    from pipelines.outlet.verify import verify
    from pipelines.workspace import open_workspace
    from schemas.ledger import EventKind

    events = Ledger.open(open_workspace(workspace)).events()
    published = list((workspace / "releases").glob("*/*/*"))
    assert len(published) == sum(e.kind is EventKind.PUBLISHED for e in events) >= 1
    assert sum(e.kind is EventKind.CHARGED for e in events) == len(published)
    for folder in published:
        verify(folder, None)


def test_the_sweep_itself_finds_what_is_hidden() -> None:
    """A search that finds nothing anywhere proves nothing: each form is found."""
    needle = "canaryfirst0123456789abcdef"
    for hidden in (
        needle.encode(),
        needle.encode("utf-16-le"),
        needle.encode().hex().encode(),
        base64.b64encode(b"prefix" + needle.encode()),
        base64.b64encode(pickle.dumps({"x": [needle]})),
        b'{"result":"' + base64.b64encode(pickle.dumps(ValueError(needle))) + b'"}',
    ):
        assert hits(b"noise" + hidden + b"noise", [needle]), hidden
    assert not hits(b"nothing here", [needle])

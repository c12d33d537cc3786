"""The catalogue: views over every verified release, the newest of each wave, with words for every column."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from flows.command_line import run
from pipelines.outlet.catalog import write_catalog
from pipelines.outlet.catalog_sql import Catalogued, catalog_sql
from pipelines.outlet.datapackage import PARQUET_FILES
from pipelines.outlet.folders import release_folders
from pipelines.outlet.publish import publish
from pipelines.outlet.verify import verify
from schemas.errors import IntegrityFault, UsageFault
from tests.outlet_sample import make_sample

VIEWS = {f"{prefix}{name.partition('.')[0]}" for name in PARQUET_FILES for prefix in ("", "latest_")} | {"findings"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two surveys' worth of releases, as a workspace has them; one more is unfinished."""
    root = tmp_path_factory.mktemp("workspace")
    for number, name in ((2, "first"), (3, "second")):
        small = make_sample(ratings=number, people=120, sd=2.0)
        folder = root / "releases" / name / "2026" / small.context.charge.release_id
        folder.parent.mkdir(parents=True)
        publish(folder, small.context, small.released, small.estimates, small.summary, small.sign)
    (root / "releases" / "first" / "2026" / ".unfinished.x1").mkdir()
    return root


@pytest.fixture(scope="module")
def database(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "catalog.duckdb"
    assert write_catalog(release_folders(workspace / "releases"), out) == 2
    return out


def query(database: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_every_row_of_every_release_is_in_the_views(database: Path, workspace: Path) -> None:
    for name in PARQUET_FILES:
        rows = sum(pq.read_table(folder / name).num_rows for folder in release_folders(workspace / "releases"))
        assert query(database, f"SELECT count(*) FROM {name.partition('.')[0]}") == [(rows,)]


def test_the_newest_of_a_wave(database: Path) -> None:
    """The two samples are of one survey, wave and time: the place in the ledger cannot decide, one of them is newest."""
    assert query(database, "SELECT count(*), count(DISTINCT release_id) FILTER (is_latest) FROM releases") == [(2, 1)]
    (newest,) = query(database, "SELECT release_id FROM releases WHERE is_latest")
    assert query(database, "SELECT DISTINCT release_id FROM latest_summary") == [newest]
    assert query(database, "SELECT DISTINCT release_id FROM findings") == [newest]


def test_every_view_and_column_says_what_it_is(database: Path) -> None:
    views = dict(query(database, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"))
    assert set(views) == VIEWS
    assert all(views.values())
    silent = query(
        database,
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL AND table_name <> 'findings'",
    )
    assert silent == []
    (unit,) = query(
        database,
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'estimates' AND column_name = 'estimate_count'",
    )
    assert unit == ("best consistent estimate of the cell (respondents)",)


def test_findings_have_labels_and_are_publishable(database: Path) -> None:
    found = query(
        database,
        "SELECT count(*), count(question), count(*) FILTER (group_attribute IS NOT NULL AND group_label IS NULL) FROM findings",
    )
    (count,) = query(database, "SELECT count(*) FROM latest_summary WHERE publishable")
    assert found == [(*count, *count, 0)]
    assert count[0] > 0


def test_the_sql_makes_the_same_catalogue(workspace: Path, database: Path, tmp_path: Path) -> None:
    out = tmp_path / "catalog.sql"
    write_catalog(release_folders(workspace / "releases"), out)
    with duckdb.connect() as connection:
        connection.execute(out.read_text(encoding="utf-8"))
        made = connection.execute("SELECT * FROM findings ORDER BY ALL").fetchall()
    assert made == query(database, "SELECT * FROM findings ORDER BY ALL")


def test_a_changed_release_is_named_and_nothing_is_written(workspace: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(workspace / "releases", tmp_path / "releases")
    folder = release_folders(copied)[1]
    content = bytearray((folder / "summary.parquet").read_bytes())
    content[200] ^= 1
    (folder / "summary.parquet").write_bytes(content)
    with pytest.raises(IntegrityFault) as caught:
        write_catalog(release_folders(copied), tmp_path / "catalog.duckdb")
    assert caught.value.where == f"{folder.name}: summary.parquet"
    assert list(tmp_path.iterdir()) == [copied]
    with pytest.raises(IntegrityFault) as caught:
        write_catalog(release_folders(workspace / "releases"), tmp_path / "catalog.duckdb", key="0" * 64)
    assert caught.value.code == "key_differs"


def test_a_path_is_no_pattern(workspace: Path, tmp_path: Path) -> None:
    """Of folders whose names look like patterns, each view reads its own file."""
    folder = release_folders(workspace / "releases")[0]
    for name in ("[ab]*'s", "a", "b's"):
        shutil.copytree(folder, tmp_path / name / folder.name)
    write_catalog([tmp_path / "[ab]*'s" / folder.name], tmp_path / "c.duckdb")
    rows = pq.read_table(folder / "summary.parquet").num_rows
    assert query(tmp_path / "c.duckdb", "SELECT count(*) FROM summary") == [(rows,)]


def test_only_a_catalogue_is_replaced(workspace: Path, tmp_path: Path) -> None:
    folders = release_folders(workspace / "releases")
    for name in ("c.duckdb", "c.sql"):
        out = tmp_path / name
        write_catalog(folders, out)
        assert write_catalog(folders[:1], out) == 1
        out.write_text("my own notes")
        with pytest.raises(UsageFault) as caught:
            write_catalog(folders, out)
        assert (caught.value.code, out.read_text()) == ("catalog_out", "my own notes")
    with duckdb.connect(str(tmp_path / "mine.duckdb")) as connection:
        connection.execute("CREATE TABLE releases (a INTEGER)")
    with pytest.raises(UsageFault):
        write_catalog(folders, tmp_path / "mine.duckdb")
    with pytest.raises(UsageFault):
        write_catalog(folders, tmp_path / "no" / "c.duckdb")


def test_a_catalogue_that_an_analyst_has_open_is_said_to_be_in_use(workspace: Path, tmp_path: Path) -> None:
    folders, out = release_folders(workspace / "releases"), tmp_path / "c.duckdb"
    write_catalog(folders, out)
    before = out.read_bytes()
    hold = "import duckdb, sys\nopened = duckdb.connect(sys.argv[1])\nprint(flush=True)\nsys.stdin.read()"
    analyst = subprocess.Popen([sys.executable, "-c", hold, out], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with analyst:
        assert analyst.stdout.readline() == b"\n"
        with pytest.raises(UsageFault) as caught:
            write_catalog(folders[:1], out)
        analyst.stdin.close()
    assert (caught.value.code, caught.value.where) == ("catalog_in_use", str(out))
    assert out.read_bytes() == before
    assert write_catalog(folders[:1], out) == 1


def test_the_command(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "c.duckdb"
    assert run(["--workspace", str(workspace), "catalog", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: 2 releases, each verified\n"
    one = release_folders(workspace / "releases")[0]
    assert run(["catalog", str(one), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: 1 release, each verified\n"
    assert run(["--workspace", str(tmp_path / "none"), "catalog", "--out", str(out)]) == 2
    assert "there is no release to catalogue" in capsys.readouterr().err


def test_a_later_release_of_a_wave_is_the_newest(workspace: Path) -> None:
    first, second = (Catalogued(folder, verify(folder)) for folder in release_folders(workspace / "releases"))
    for later, earlier in ((first, second), (second, first)):
        card = later.found.card.model_copy(update={"time": "2027-01-01T00:00:00Z"})
        newer = Catalogued(later.folder, replace(later.found, card=card))
        with duckdb.connect() as connection:
            for statement in catalog_sql([newer, earlier]):
                connection.execute(statement)
            found = connection.execute("SELECT release_id FROM releases WHERE is_latest").fetchall()
        assert found == [(later.found.release_id,)]

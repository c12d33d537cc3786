"""The zone's connection is encrypted and locked: SQL can neither read from nor write to anything outside it."""

from pathlib import Path

import duckdb
import pytest

from pipelines.zone.storage import open_zone
from schemas.errors import ZoneFault

KEY = b"k" * 32
ESCAPES = [
    "COPY zone.t TO '{out}/x.csv'",
    "COPY zone.t TO '{out}/x.parquet'",
    "EXPORT DATABASE '{out}/dump'",
    "ATTACH '{out}/other.duckdb'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "INSTALL json",
    "LOAD '{out}/x.duckdb_extension'",
    "SET enable_external_access = true",
    "SET temp_file_encryption = false",
    "SET lock_configuration = false",
    "SET temp_directory = '{out}'",
    "SET log_query_path = '{out}/q.log'",
]


@pytest.mark.parametrize("escape", ESCAPES)
def test_sql_cannot_leave(tmp_path: Path, escape: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with open_zone({"zone": (tmp_path / "a.duckdb", True)}, KEY, spill=tmp_path / "spill") as connection:
        connection.execute("CREATE TABLE zone.t AS SELECT 1 AS a")
        with pytest.raises(duckdb.Error):
            connection.execute(escape.format(out=out))
    assert list(out.iterdir()) == []


def test_wrong_key(tmp_path: Path) -> None:
    with open_zone({"zone": (tmp_path / "a.duckdb", True)}, KEY, spill=tmp_path / "spill") as connection:
        connection.execute("CREATE TABLE zone.t AS SELECT 1 AS a")
    with (
        pytest.raises(ZoneFault, match="zone key"),
        open_zone({"zone": (tmp_path / "a.duckdb", False)}, b"x" * 32, spill=tmp_path / "spill"),
    ):
        pass


def test_spill_is_encrypted(tmp_path: Path) -> None:
    canary = "spill-canary-4f6a1c"
    spill = tmp_path / "spill"
    seen = 0
    with open_zone({"zone": (tmp_path / "a.duckdb", True)}, KEY, spill=spill, memory="60MB", threads=1) as connection:
        connection.execute(
            f"CREATE TABLE zone.t AS SELECT '{canary}' || range || repeat('x', 80) AS s, range AS i FROM range(500000)"
        )
        rows = connection.execute("SELECT s FROM zone.t ORDER BY hash(i), s")
        rows.fetchone()
        for path in spill.glob("*"):
            content = path.read_bytes()
            seen += len(content)
            assert canary.encode() not in content
    assert seen > 0, "nothing was spilled: the test shows nothing"
    assert canary.encode() not in (tmp_path / "a.duckdb").read_bytes()


def test_a_slow_query_draws_no_progress_bar(tmp_path: Path) -> None:
    """DuckDB draws one on standard output after two seconds: that is the pipe to the parent."""
    with open_zone({"zone": (tmp_path / "a.duckdb", True)}, KEY, spill=tmp_path / "spill") as connection:
        assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]

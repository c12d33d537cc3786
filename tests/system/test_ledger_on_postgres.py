"""The whole way with the ledger in PostgreSQL: named once, found by every command, charged once."""

import secrets
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from tests.system.city import build_city
from tests.system.command import hearsafe

pytestmark = [pytest.mark.needs_postgres, pytest.mark.extended]


def test_export_to_release_with_the_ledger_on_a_server(postgres_url: str, tmp_path: Path) -> None:
    name = f"whole_{secrets.token_hex(6)}"
    with create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as admin:
        admin.execute(text(f"CREATE DATABASE {name}"))
    address = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    build_city(tmp_path, residents=200)
    take = ("ingest", ".", "--source", "web=export.csv", "--contacts", "contacts.csv")
    done = hearsafe("--ledger", address, *take, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for _ in range(2):
        done = hearsafe("release", ".", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    assert "nothing charged" in done.stdout
    folder = done.stdout.strip().splitlines()[-1]
    assert hearsafe("verify", folder, cwd=tmp_path).returncode == 0
    assert not (tmp_path / "hearsafe-workspace" / "ledger" / "ledger.sqlite").exists()
    with create_engine(make_url(address), poolclass=NullPool).connect() as connection:
        kinds = connection.execute(text("SELECT kind FROM ledger_events ORDER BY seq")).scalars().all()
    assert kinds == ["OPENED", "INGESTED", "POLICY", "CHARGED", "SEALED", "PUBLISHED"]
    other = hearsafe("budget", cwd=tmp_path, environment={"HEARSAFE_LEDGER": address + "x"})
    assert (other.returncode, "another place" in other.stderr) == (2, True)

"""What differs between SQLite and PostgreSQL: durability, who may write when, triggers, and what an error means."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from schemas.errors import BudgetRefused, Fault, IntegrityFault, UsageFault, ZoneFault

TABLE = "ledger_events"
_BUSY_MILLISECONDS = 60_000
_BUSY = BudgetRefused("ledger_busy", "the ledger is in use by another process", do="Wait for it to end, then try again")


class Dialect(Protocol):
    """One kind of database. `place` is how it is named to a person; `guards` are its index and triggers, by name.

    `run_lock` asks the server for the run lock; None where the file lock is enough, all users being on one machine.
    """

    engine: Engine
    place: str
    guards: dict[str, str]
    run_lock: str | None

    def begin(self, connection: Connection, *, writing: bool) -> None: ...
    def guard_names(self, connection: Connection) -> Sequence[str]: ...
    def fault(self, error: SQLAlchemyError) -> Fault: ...


class SQLite:
    """A file with a rollback journal. EXTRA is FULL and syncs the folder too, so that a commit outlives a power cut."""

    guards = {
        "ledger_one_charge": """CREATE UNIQUE INDEX ledger_one_charge ON ledger_events
            (json_extract(body, '$.release_id')) WHERE kind = 'CHARGED'""",
        "ledger_no_update": """CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger_events
            BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
        "ledger_no_delete": """CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger_events
            BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
        # INSERT OR REPLACE deletes without firing a delete trigger.
        "ledger_no_replace": """CREATE TRIGGER ledger_no_replace BEFORE INSERT ON ledger_events
            WHEN EXISTS (SELECT 1 FROM ledger_events
                WHERE seq >= NEW.seq OR hash = NEW.hash OR prev_hash = NEW.prev_hash)
            BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    }
    run_lock: str | None = None

    def __init__(self, path: Path) -> None:
        self.place = str(path)
        self.engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)
        event.listen(self.engine, "connect", self._prepare)

    @staticmethod
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (f"busy_timeout = {_BUSY_MILLISECONDS}", "synchronous = EXTRA"):
            connection.execute(f"PRAGMA {pragma}")

    def begin(self, connection: Connection, *, writing: bool) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    def guard_names(self, connection: Connection) -> Sequence[str]:
        found = connection.execute(text("SELECT name FROM sqlite_master WHERE tbl_name = :t"), {"t": TABLE})
        return found.scalars().all()

    def fault(self, error: SQLAlchemyError) -> Fault:
        original = getattr(error, "orig", None)
        code = getattr(original, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return _BUSY
        if code == sqlite3.SQLITE_CONSTRAINT:
            return IntegrityFault("ledger_append_only", "the ledger refused what is not a new event", where=self.place)
        unwritable = {
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_PERM,
        }
        if code in unwritable:
            what = "the ledger cannot be read or written: the disk is full, failing or read-only"
            return ZoneFault(
                "ledger_unwritable", what, where=self.place, do="Make room or restore access; nothing was recorded"
            )
        what = "the ledger file is damaged or not a ledger"
        return IntegrityFault("ledger_damaged", what, where=self.place, do="Restore the ledger from your newest backup")


class PostgreSQL:
    """A server. Writers take a table lock, so that they are one at a time and each sees all before it."""

    guards = {
        "ledger_one_charge": """CREATE UNIQUE INDEX ledger_one_charge ON ledger_events
            (((body::jsonb) ->> 'release_id')) WHERE kind = 'CHARGED'""",
        "ledger_no_change": """CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
            CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger_events
            FOR EACH ROW EXECUTE FUNCTION ledger_refuse()""",
        "ledger_no_truncate": """CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_events
            FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()""",
    }
    run_lock: str | None = "SELECT pg_try_advisory_lock(7521962886432482917)"
    """One run lock per database, as there is one ledger per database. The number is any, and always this one."""
    _FIRST_USE = "SELECT pg_advisory_xact_lock(7521962886432482918)"

    def __init__(self, url: URL) -> None:
        self.place = url.render_as_string(hide_password=True)
        self.engine = create_engine(url, poolclass=NullPool)

    def begin(self, connection: Connection, *, writing: bool) -> None:
        if not writing:
            return
        connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_BUSY_MILLISECONDS}")
        if connection.execute(text("SELECT to_regclass(:t)"), {"t": TABLE}).scalar() is None:
            connection.exec_driver_sql(self._FIRST_USE)
        else:
            connection.exec_driver_sql("LOCK TABLE ledger_events IN EXCLUSIVE MODE")

    def guard_names(self, connection: Connection) -> Sequence[str]:
        both = """SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(:t)
            UNION SELECT indexname FROM pg_indexes WHERE tablename = :t"""
        return connection.execute(text(both), {"t": TABLE}).scalars().all()

    def fault(self, error: SQLAlchemyError) -> Fault:
        state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "08000")
        if state in {"55P03", "40001", "40P01"}:
            return _BUSY
        if state.startswith("23") or state == "P0001":
            return IntegrityFault("ledger_append_only", "the ledger refused what is not a new event", where=self.place)
        if state[:2] in {"08", "25", "28", "3D", "53", "57", "58", "42"}:
            what = "the ledger's database cannot be reached or written"
            return ZoneFault(
                "ledger_unwritable",
                what,
                where=self.place,
                do="Check the server, its disk and the access rights; nothing was recorded",
            )
        return IntegrityFault(
            "ledger_damaged",
            "the ledger's database is damaged",
            where=self.place,
            do="Restore the ledger from your newest backup",
        )


def dialect_for(path: Path, database_url: str | None) -> Dialect:
    """SQLite at `path`, or the database named. Raises: UsageFault."""
    if database_url is None:
        return SQLite(path)
    try:
        url = make_url(database_url)
    except ArgumentError:
        url = URL.create("unknown")
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database:
        return SQLite(Path(url.database))
    if backend == "postgresql":
        return PostgreSQL(url.set(drivername="postgresql+psycopg"))
    what, advice = "the ledger's database is not understood", "Give postgresql://USER@HOST/DATABASE"
    raise UsageFault("database_url", what, where="database_url", do=advice)

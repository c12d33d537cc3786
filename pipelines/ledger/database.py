"""The table of events: read them all, add to the end. The same for every database; differences are in `dialects`."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, Text, insert, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from pipelines.ledger.chain import Row
from pipelines.ledger.dialects import TABLE, Dialect, dialect_for
from pipelines.ledger.run_lock import wait_for

_METADATA = MetaData()
_EVENTS = Table(
    TABLE,
    _METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("prev_hash", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
    Column("signature", Text, nullable=False),
)


class Database:
    """One ledger's table, in SQLite (a path) or wherever `database_url` says."""

    def __init__(self, path: Path, database_url: str | None = None) -> None:
        self._dialect: Dialect = dialect_for(path, database_url)

    @property
    def place(self) -> str:
        """Its name for people, without a password."""
        return self._dialect.place

    @contextmanager
    def transaction(self, *, writing: bool) -> Iterator[Connection]:
        """All or nothing; durable when it returns. Writers are one at a time. Raises: the dialect's faults."""
        try:
            with self._dialect.engine.connect() as connection, connection.begin():
                self._dialect.begin(connection, writing=writing)
                yield connection
        except SQLAlchemyError as error:
            raise self._dialect.fault(error) from None

    def prepare(self, connection: Connection) -> None:
        """Make the table and its guards where they are missing."""
        _METADATA.create_all(connection)
        there = set(self._dialect.guard_names(connection))
        for name, statement in self._dialect.guards.items():
            if name not in there:
                connection.exec_driver_sql(statement)

    def is_prepared(self, connection: Connection) -> bool:
        return set(self._dialect.guards) <= set(self._dialect.guard_names(connection))

    def rows(self, connection: Connection) -> list[Row]:
        """Every row, by seq; none where there is no table yet."""
        if not inspect(connection).has_table(TABLE):
            return []
        return [Row(*row) for row in connection.execute(select(_EVENTS).order_by(_EVENTS.c.seq))]

    def append(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Add rows at the end, in order."""
        for row in rows:
            connection.execute(insert(_EVENTS), row._asdict())

    @contextmanager
    def run_lock(self, wait_seconds: float) -> Iterator[tuple[int, ...]]:
        """The database's part of the run lock, held until the end.

        Yields the sockets of the session that holds it: the server keeps a session, and its lock, until the last copy
        of its socket is closed, so that a child which inherits one holds the lock too.

        Raises: BudgetRefused `run_in_progress`.
        """
        statement = self._dialect.run_lock
        if statement is None:
            yield ()
            return
        try:
            with self._dialect.engine.connect() as connection:
                wait_for(lambda: bool(connection.exec_driver_sql(statement).scalar()), wait_seconds)
                connection.exec_driver_sql("SET idle_session_timeout = 0")
                connection.commit()
                yield (int(connection.connection.driver_connection.fileno()),)  # type: ignore[union-attr]
        except SQLAlchemyError as error:
            raise self._dialect.fault(error) from None

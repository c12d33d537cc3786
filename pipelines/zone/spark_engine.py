"""The engine of a remote cluster, through Spark Connect: rows are placed in its store and counted by portable SQL.

Of what Spark says in a fault nothing is passed on: it may hold values. The one module that imports pyspark.
"""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import duckdb
import pyarrow as pa

from pipelines.zone.counting import Counts
from pipelines.zone.packing import Amount, Packing
from pipelines.zone.portable_sql import is_over_each_once, key_sql, key_totals
from schemas.engine import Engine
from schemas.errors import Fault, ZoneFault

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

_RELATION = "core_responses"
_VALUES_AT_ONCE = 1 << 20
"""Values of a block of rows on its way. Spark's driver makes an object of each."""
_CONNECT_SECONDS = 10
_TRIES = 4
_ALIVE = {"grpc.keepalive_time_ms": 60_000, "grpc.keepalive_timeout_ms": 20_000}
"""A connection whose other end is gone fails, so that no run waits for it with the ledger's lock in hand."""

Result = TypeVar("Result")


def _unreachable(engine: Engine) -> ZoneFault:
    return ZoneFault(
        "engine_unreachable",
        "the Spark Connect server does not answer",
        where=engine.address,
        do="Start it, check policy.yaml: engine.address and HEARSAFE_SPARK_TOKEN, and run the command again",
    )


def _failed(what: str, engine: Engine) -> ZoneFault:
    return ZoneFault(
        "engine_failed",
        f"the Spark cluster failed {what}",
        where=engine.address,
        do="See the cluster's own log, and run the command again",
    )


def rows_differ(engine: Engine) -> ZoneFault:
    """What the cluster holds, or has counted, is not what the zone holds."""
    return ZoneFault(
        "engine_rows_differ",
        "the cluster does not hold the rows that it was given, each once",
        where=engine.address,
        do="Run the command again: they are placed anew. If it goes on, find out who changes them",
    )


class SparkEngine:
    """A session on the cluster, and the place of one snapshot's rows there; `rows`: how many the zone has of them."""

    def __init__(self, session: "SparkSession", engine: Engine, place: str, rows: int) -> None:
        self._session = session
        self._engine = engine
        self._place = place
        self._rows = rows

    def holds(self, columns: Sequence[str]) -> bool:
        """Whether rows of these columns lie at the place. Reads no row."""
        try:
            found = self._session.read.parquet(self._place).columns
        except _spark_errors():
            return False
        return list(found) == list(columns)

    def put(self, zone: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> None:
        """Place the rows of a zone's relation: codes only, in place of whatever is there. Raises: ZoneFault."""
        reader = zone.execute(f"SELECT {', '.join(columns)} FROM {relation}").to_arrow_reader(
            max(1, _VALUES_AT_ONCE // len(columns))
        )
        schema = pa.schema([(name, pa.int32()) for name in columns])

        def begin() -> None:
            empty = self._session.createDataFrame([], ", ".join(f"{name} INT" for name in columns))
            empty.write.mode("overwrite").parquet(self._place)

        def add(rows: pa.Table) -> None:
            self._session.createDataFrame(rows).write.mode("append").parquet(self._place)

        self._ask("to take the rows", begin)
        for batch in reader:
            if batch.num_rows:
                self._ask("to take the rows", partial(add, pa.Table.from_batches([batch]).cast(schema)))

    def totals(self, packing: Packing) -> Sequence[Mapping[Amount | None, Counts]]:
        """As `CountEngine`. Raises: ZoneFault `engine_rows_differ`: an answer is not over each row once."""

        def show() -> None:
            self._session.read.parquet(self._place).createOrReplaceTempView(_RELATION)

        self._ask("to read the rows", show)
        found = [key_totals(key, self._table(key_sql(key, _RELATION))) for key in packing.keys]
        if not all(is_over_each_once(totals, self._rows) for totals in found):
            raise rows_differ(self._engine)
        return found

    def rows(self) -> int:
        """How many rows lie at the place. Exact."""

        def count() -> int:
            return self._session.read.parquet(self._place).count()

        return self._ask("to count the rows", count)

    def empty(self) -> None:
        """Leave a table without rows at the place. The store may keep older versions: that is its operator's."""

        def overwrite() -> None:
            self._session.sql("SELECT 1 AS emptied").limit(0).write.mode("overwrite").parquet(self._place)

        self._ask("to write a table without rows", overwrite)

    def _table(self, sql: str) -> pa.Table:
        return self._ask("to count", lambda: self._session.sql(sql).toArrow())

    def _ask(self, what: str, action: Callable[[], Result]) -> Result:
        try:
            return action()
        except _spark_errors():
            pass_on = _failed(what, self._engine)
        raise pass_on


def _spark_errors() -> tuple[type[Exception], ...]:
    import grpc
    from pyspark.errors import PySparkException

    return PySparkException, grpc.RpcError, OSError


@contextmanager
def on_cluster(engine: Engine, token: str) -> Iterator[Callable[[str, int], SparkEngine]]:
    """A session on the cluster, as a function of the place of rows and their number in the zone.

    It waits seconds, not minutes, for a server, and a minute for one that has fallen silent.

    Raises: ZoneFault `engine_missing`: hearsafe[spark] is not installed. `engine_unreachable`.
    """
    opened = _opened(engine, token)
    if isinstance(opened, Fault):
        raise opened
    try:
        yield lambda place, rows: SparkEngine(opened, engine, place, rows)
    finally:
        opened.stop()


def _opened(engine: Engine, token: str) -> "SparkSession | Fault":
    """A session, or why there is none: raised by the caller, so that it carries no cause."""
    try:
        from pyspark.sql.connect.client import DefaultChannelBuilder
        from pyspark.sql.connect.client.retries import DefaultPolicy
        from pyspark.sql.connect.session import SparkSession
    except ImportError:
        advice = "Install hearsafe[spark]"
        return ZoneFault(
            "engine_missing", "Spark Connect's client is not installed", where="policy.yaml: engine", do=advice
        )
    joint = ";" if "/;" in engine.address else "/;"
    address = f"{engine.address}{joint}token={quote(token, safe='')}" if token else engine.address
    try:
        builder: Any = DefaultChannelBuilder(address)
        for option, milliseconds in _ALIVE.items():
            builder.setChannelOption(option, milliseconds)
        with socket.create_connection((builder.host, int(builder.endpoint.rpartition(":")[2])), _CONNECT_SECONDS):
            pass
        session = SparkSession.builder.channelBuilder(builder).create()
        session.client.set_retry_policies([DefaultPolicy(max_retries=_TRIES, max_backoff=2000)])
        session.sql("SELECT 1").toArrow()
    except _spark_errors():
        return _unreachable(engine)
    return session

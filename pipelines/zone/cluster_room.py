"""What a remote engine asks of the worker: to place a snapshot's rows on the cluster, and to take them away again.

Rows go there under a charge only, so never before officers approved a plan that says so; and only codes go, one row a
respondent as the zone counted them, without pseudonym, time or key.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.zone.crossing_room import Crossing, EngineFor
from pipelines.zone.duckdb_engine import DuckDBEngine
from pipelines.zone.placed_rows import Placed, forget, place_for, placed_rows, remember
from pipelines.zone.snapshot import Snapshot
from pipelines.zone.spark_engine import SparkEngine, on_cluster
from schemas.attributes import attributes_of, zone_columns
from schemas.errors import ZoneFault


@contextmanager
def counting_place(crossing: Crossing, snapshot: Snapshot, token: str) -> Iterator[EngineFor]:
    """The engine that the plan names: the zone's own, or a cluster, connected to before anything is charged.

    What an earlier snapshot, or another engine, left on a cluster is removed on the way.

    Raises: ZoneFault: `engine_missing`, `engine_unreachable`, `engine_failed`.
    """
    engine, survey = crossing.plan.engine, crossing.survey
    if engine is None:
        yield DuckDBEngine
        return
    wanted = Placed(engine, place_for(engine, survey.survey, survey.wave.id, snapshot.id), whole=True)
    known = placed_rows(crossing.folder)
    if known is not None and (known.engine, known.place) != (wanted.engine, wanted.place):
        withdraw(crossing.folder, token)
    columns = [name for at, attribute in enumerate(attributes_of(survey)) for name in zone_columns(at, attribute)]
    with on_cluster(engine, token) as cluster:
        yield _placing(cluster, crossing.folder, wanted, columns)


def _placing(cluster: Callable[[str], SparkEngine], folder: Path, wanted: Placed, columns: list[str]) -> EngineFor:
    """The cluster as an engine: it has the rows of the zone's relation, or gets them."""

    def engine_for(zone: duckdb.DuckDBPyConnection, relation: str) -> SparkEngine:
        spark = cluster(wanted.place)
        if placed_rows(folder) != wanted or not spark.holds(columns):
            remember(folder, Placed(wanted.engine, wanted.place, whole=False))
            spark.put(zone, relation, columns)
            remember(folder, wanted)
        if spark.rows() != zone.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0]:
            raise ZoneFault(
                "engine_rows_differ",
                "the cluster does not hold the rows that it was given",
                where=wanted.engine.address,
                do="Find out who changed them; a release of another snapshot places them again",
            )
        return spark

    return engine_for


def withdraw(folder: Path, token: str) -> None:
    """Remove the rows that this zone has placed on a cluster, if any. Raises: ZoneFault: it cannot be done."""
    known = placed_rows(folder)
    if known is None:
        return
    with on_cluster(known.engine, token) as cluster:
        cluster(known.place).empty()
    forget(folder)

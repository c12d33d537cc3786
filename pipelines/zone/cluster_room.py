"""What a remote engine asks of the worker: to place a snapshot's rows on the cluster, and to take them away again.

Rows go there under a charge only, so never before officers approved a plan that says so; and only codes go, one row a
respondent as the zone counted them, without pseudonym, time or key. The token goes to engines that a charge names only.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from pipelines.zone.crossing_room import Crossing, EngineFor
from pipelines.zone.duckdb_engine import DuckDBEngine
from pipelines.zone.placed_rows import Grounds, Placed, forget, grounds_of, placed_rows, remember
from pipelines.zone.snapshot import Snapshot
from pipelines.zone.spark_engine import SparkEngine, on_cluster, rows_differ
from schemas.attributes import attributes_of, zone_columns
from schemas.errors import ZoneFault


@contextmanager
def counting_place(
    crossing: Crossing, snapshot: Snapshot, token: str, charged: Collection[Grounds]
) -> Iterator[EngineFor]:
    """The engine that the plan names: the zone's own, or a cluster that takes a table without rows before anything is
    charged.

    What an earlier snapshot, another engine or a run that ended too early left on a cluster is removed on the way.

    Args:
        charged: where the ledger's charges allowed rows to go.

    Raises: ZoneFault: `engine_missing`, `engine_unreachable`, `engine_failed`, `placed_unknown`.
    """
    engine, survey = crossing.plan.engine, crossing.survey
    if engine is None:
        yield DuckDBEngine
        return
    grounds = grounds_of(engine, survey.survey, survey.wave.id, snapshot.id)
    known = placed_rows(crossing.folder)
    if known is not None and (known.grounds != grounds or not known.whole):
        if known.grounds not in charged:
            raise ZoneFault(
                "placed_unknown",
                "the zone's record of rows on a cluster names a place that no charge of this wave does",
                where=known.engine.address,
                do="Find out who changed placed.json, or restore the zone's newest backup",
            )
        withdraw(crossing.folder, [known.grounds], token)
    columns = [name for at, attribute in enumerate(attributes_of(survey)) for name in zone_columns(at, attribute)]
    with on_cluster(engine, token) as cluster:
        placed = known is not None and known.whole and known.grounds == grounds
        if known is None or not placed or not cluster(known.place, 0).holds(columns):
            cluster(grounds.trial, 0).empty()
        yield _placing(cluster, crossing.folder, grounds, columns)


def _placing(
    cluster: Callable[[str, int], SparkEngine], folder: Path, grounds: Grounds, columns: list[str]
) -> EngineFor:
    """The cluster as an engine: it has the rows of the zone's relation, or gets them."""

    def engine_for(zone: duckdb.DuckDBPyConnection, relation: str) -> SparkEngine:
        rows = int(zone.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])
        known = placed_rows(folder)
        if known is not None and known.whole and known.grounds == grounds:
            there = cluster(known.place, rows)
            if there.holds(columns) and there.rows() == rows:
                return there
        fresh = Placed(grounds.engine, grounds.fresh(), whole=False)
        remember(folder, fresh)
        there = cluster(fresh.place, rows)
        there.put(zone, relation, columns)
        if there.rows() != rows:
            raise rows_differ(grounds.engine)
        remember(folder, replace(fresh, whole=True))
        return there

    return engine_for


def withdraw(folder: Path, everything: Sequence[Grounds], token: str) -> None:
    """Empty what was placed, wherever a charge allowed it. Raises: ZoneFault: it cannot be done."""
    for grounds in everything:
        with on_cluster(grounds.engine, token) as cluster:
            cluster(grounds.folder, 0).empty()
    forget(folder)

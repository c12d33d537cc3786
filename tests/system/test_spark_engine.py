"""The Spark engine against a real cluster of two workers: equal cell by cell, and the whole way with what the card says."""

import json
import os
import socket
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from random import Random

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.declarations import load_declarations
from pipelines.memory import DEFAULT_RELEASE
from pipelines.planning import planned
from pipelines.zone.counting import count_tables
from pipelines.zone.duckdb_engine import DuckDBEngine
from pipelines.zone.keys import read_key_file
from pipelines.zone.packing import release_packing
from pipelines.zone.placed_rows import placed_rows
from pipelines.zone.snapshot import current_snapshot
from pipelines.zone.spark_engine import on_cluster
from pipelines.zone.storage import open_zone
from privacy.measure import _unwrap  # the tests' only look inside Exact
from schemas.attributes import zone_columns
from schemas.engine import Engine
from schemas.errors import ZoneFault
from tests.counting_sample import ATTRIBUTES, a_row, relation, require_every_table
from tests.spark_cluster import TOKEN, WORKERS, Cluster
from tests.system.city import POLICY, City, build_city
from tests.system.command import hearsafe
from tests.system.sweep import number

pytestmark = [pytest.mark.needs_spark, pytest.mark.extended, pytest.mark.xdist_group("spark")]

RESIDENTS = 601
WITH_TOKEN = {"HEARSAFE_SPARK_TOKEN": TOKEN}


def _engine(cluster: Cluster) -> Engine:
    return Engine(kind="spark", address=cluster.address, rows=cluster.rows)


def _declared(cluster: Cluster) -> str:
    return f"{POLICY}retention: {{close_wave_days: 0, destroy_zone_days: 0}}\nengine: {_engine(cluster).model_dump_json()}\n"


def test_the_cluster_has_two_workers(spark_cluster: Cluster) -> None:
    until = time.monotonic() + 120
    alive = 0
    while alive < WORKERS and time.monotonic() < until:
        with urllib.request.urlopen(f"http://127.0.0.1:{spark_cluster.web}/json/", timeout=30) as answer:
            alive = json.load(answer)["aliveworkers"]
        time.sleep(0.2)
    assert alive == WORKERS


@pytest.mark.parametrize("size", [0, 400])
def test_spark_counts_every_table_as_a_count_by_hand(spark_cluster: Cluster, size: int) -> None:
    rng = Random(7)
    rows = [a_row(rng) for _ in range(size)]
    columns = [name for at, attribute in enumerate(ATTRIBUTES) for name in zone_columns(at, attribute)]
    with duckdb.connect() as connection, on_cluster(_engine(spark_cluster), TOKEN) as cluster:
        relation(connection, rows)
        engine = cluster(f"{spark_cluster.rows}/contract/{size}", size)
        assert not engine.holds(columns)
        engine.put(connection, "core_responses", columns)
        assert engine.holds(columns) and engine.rows() == size
        require_every_table(engine, rows, responses=10_000_000)
        engine.empty()
        assert not engine.holds(columns)


@dataclass(frozen=True)
class Released:
    """A city whose first release was counted on the cluster, and what its store held before and after."""

    city: City
    folder: Path
    before: list[Path]
    after: list[Path]
    said: str

    @property
    def zone(self) -> Path:
        return self.city.folder / "hearsafe-workspace" / "zone" / "testville" / "2026"


def _rows_in(cluster: Cluster) -> list[Path]:
    return sorted(p for p in (cluster.store / "testville").rglob("*.parquet") if pq.ParquetFile(p).metadata.num_rows)


@pytest.fixture(scope="module")
def released(spark_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Released:
    city = build_city(tmp_path_factory.mktemp("city"), residents=RESIDENTS)
    city.declare(policy=_declared(spark_cluster))
    took = hearsafe("ingest", ".", "--source", "web=export.csv", "--contacts", "contacts.csv", cwd=city.folder)
    assert (took.returncode, took.stderr) == (0, "")
    before = _rows_in(spark_cluster)
    done = hearsafe("release", ".", cwd=city.folder, environment=WITH_TOKEN)
    assert (done.returncode, done.stderr) == (0, "")
    folder = city.folder / done.stdout.strip().splitlines()[-1]
    return Released(city, folder, before, _rows_in(spark_cluster), done.stdout)


def test_rows_go_to_the_cluster_under_a_charge_only_and_are_codes_only(released: Released) -> None:
    assert released.before == []
    tables = [pq.read_table(path) for path in released.after]
    assert sum(table.num_rows for table in tables) == RESIDENTS
    assert all(name.startswith("a") for table in tables for name in table.column_names)
    assert {str(kind) for table in tables for kind in table.schema.types} == {"int32"}


def test_spark_and_duckdb_agree_on_every_cell_of_every_table(released: Released) -> None:
    declarations = load_declarations(released.city.folder, None)
    plan, survey = planned(declarations), declarations.survey
    key = read_key_file(released.city.folder / "hearsafe-workspace" / "keys" / "testville" / "2026" / "zone.key")
    placed = placed_rows(released.zone)
    assert placed is not None and placed.whole
    snapshot = current_snapshot(released.zone, key)
    packing = release_packing(survey, plan, DEFAULT_RELEASE)
    files = {"zone": (snapshot.path, False)}
    with open_zone(files, key, spill=released.zone / "spill") as zone, on_cluster(placed.engine, TOKEN) as cluster:
        here = _unwrap(count_tables(DuckDBEngine(zone, "zone.core_responses"), packing, plan.measured))
        there = _unwrap(count_tables(cluster(placed.place, RESIDENTS), packing, plan.measured))
    assert set(here) == set(there) == {table.id for table in plan.measured}
    assert all(np.array_equal(here[name], there[name]) for name in here)


def test_card_report_and_verify_say_that_the_rows_were_not_isolated(released: Released) -> None:
    card = json.loads((released.folder / "card.json").read_text("utf-8"))
    model = card["expert"]["model"]
    assert model["counted_on"] == "spark cluster" and "no network" not in model["isolation"]
    assert "not isolated" in model["trust"]
    assert any("no isolation is claimed" in limit for limit in card["expert"]["known_limits"])
    assert "computers of the survey's operator" in card["resident"]["who_sees_answers"]
    report = (released.folder / "report.html").read_text("utf-8")
    assert "a Spark cluster of the operator: isolation of the responses is not claimed" in report
    verified = hearsafe("verify", released.folder, cwd=released.city.folder)
    assert verified.returncode == 0 and "isolation of the responses is not claimed" in verified.stdout
    as_json = hearsafe("verify", released.folder, "--json", cwd=released.city.folder)
    assert json.loads(as_json.stdout)["counted_on"] == "spark cluster"
    assert "no isolation is claimed" in hearsafe("plan", ".", cwd=released.city.folder).stdout


def test_nothing_exact_leaves_but_to_the_cluster(released: Released) -> None:
    outside = [released.folder, released.city.folder / "hearsafe-workspace" / "ledger"]
    everything = b"".join(p.read_bytes() for folder in outside for p in folder.rglob("*") if p.is_file())
    everything += released.said.encode()
    assert not [canary for canary in released.city.canaries if canary.encode() in everything]
    assert number(RESIDENTS).search((released.folder / "card.json").read_bytes()) is None


@pytest.mark.parametrize("token", ["", "another"])
def test_a_server_that_asks_for_a_token_answers_nobody_without_it(spark_cluster: Cluster, token: str) -> None:
    with pytest.raises(ZoneFault) as refused, on_cluster(_engine(spark_cluster), token):
        pass
    assert refused.value.code == "engine_unreachable" and TOKEN not in refused.value.line()
    assert refused.value.__cause__ is None and refused.value.__context__ is None


def test_the_rows_serve_later_releases_are_replaced_by_a_new_snapshot_and_go_with_the_wave(
    released: Released, spark_cluster: Cluster
) -> None:
    city = released.city
    assert "nothing charged" in hearsafe("release", ".", cwd=city.folder, environment=WITH_TOKEN).stdout
    city.declare(policy=_declared(spark_cluster).replace("spend: {epsilon: 2", "spend: {epsilon: 1"))
    done = hearsafe("release", ".", cwd=city.folder, environment=WITH_TOKEN)
    assert (done.returncode, done.stderr, _rows_in(spark_cluster)) == (0, "", released.after)
    lines = city.export.read_text("utf-8").splitlines(keepends=True)
    city.export.write_text("".join(lines[:-1]), encoding="utf-8")
    take = ("ingest", ".", "--replace", "--source", "web=export.csv", "--contacts", "contacts.csv")
    assert hearsafe(*take, cwd=city.folder).returncode == 0
    done = hearsafe("release", ".", cwd=city.folder, environment=WITH_TOKEN)
    assert (done.returncode, done.stderr) == (0, "")
    placed = _rows_in(spark_cluster)
    assert placed and not set(placed) & set(released.after)
    assert sum(pq.ParquetFile(path).metadata.num_rows for path in placed) == RESIDENTS - 1
    (released.zone / "placed.json").unlink()  # a backup older than the placing
    expired = hearsafe("expire", ".", "--now", cwd=city.folder, environment=WITH_TOKEN)
    assert (expired.returncode, expired.stderr, _rows_in(spark_cluster)) == (0, "", [])
    assert not released.zone.exists()


def test_a_cluster_that_does_not_answer_costs_nothing(tmp_path: Path) -> None:
    city = build_city(tmp_path, residents=50)
    city.declare(policy=POLICY + 'engine: {kind: spark, address: "sc://127.0.0.1:9", rows: "file:///nowhere"}\n')
    take = ("ingest", ".", "--source", "web=export.csv", "--contacts", "contacts.csv")
    assert hearsafe(*take, cwd=tmp_path).returncode == 0
    done = hearsafe("release", ".", "--json", cwd=tmp_path, environment={"HEARSAFE_SPARK_TOKEN": "canary-token"})
    assert (done.returncode, json.loads(done.stdout)["error"]) == (5, "engine_unreachable")
    assert "canary-token" not in done.stderr + done.stdout
    spent = json.loads(hearsafe("budget", "--json", cwd=tmp_path).stdout)
    assert spent["scopes"] == [] and spent["refused"] == []
    assert not os.path.exists("/nowhere")


def test_a_store_that_takes_no_rows_costs_nothing(spark_cluster: Cluster, tmp_path: Path) -> None:
    """A file is where the folder of rows should be: found before the charge, with a table that holds none."""
    (spark_cluster.store / "taken").write_bytes(b"")
    city = build_city(tmp_path, residents=50)
    city.declare(policy=_declared(spark_cluster).replace(spark_cluster.rows, f"{spark_cluster.rows}/taken"))
    take = ("ingest", ".", "--source", "web=export.csv", "--contacts", "contacts.csv")
    assert hearsafe(*take, cwd=tmp_path).returncode == 0
    done = hearsafe("release", ".", "--json", cwd=tmp_path, environment=WITH_TOKEN)
    assert (done.returncode, json.loads(done.stdout)["error"]) == (5, "engine_failed")
    spent = json.loads(hearsafe("budget", "--json", cwd=tmp_path).stdout)
    assert spent["scopes"] == [] and spent["refused"] == []


def test_nobody_is_asked_before_the_plan_is_approved(tmp_path: Path) -> None:
    """Whoever edits policy.yaml learns no token, and no process with a network holds the zone's key."""
    officer = tmp_path / "officer.key"
    made = hearsafe("officer-key", officer, cwd=tmp_path)
    public = next(word for word in made.stdout.split() if word.startswith("ed25519:"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(1)
        port = listening.getsockname()[1]
        city = build_city(tmp_path / "city", residents=50)
        city.declare(
            policy=f"{POLICY}approvals: {{needed: 1, officers: ['{public}']}}\n"
            f'engine: {{kind: spark, address: "sc://127.0.0.1:{port}", rows: "file:///nowhere"}}\n'
        )
        take = ("ingest", ".", "--source", "web=export.csv", "--contacts", "contacts.csv")
        assert hearsafe(*take, cwd=city.folder).returncode == 0
        done = hearsafe("release", ".", "--json", cwd=city.folder, environment={"HEARSAFE_SPARK_TOKEN": "canary-token"})
        assert (done.returncode, json.loads(done.stdout)["error"]) == (6, "approval_missing")
        with pytest.raises(TimeoutError):
            listening.accept()
    refused = json.loads(hearsafe("budget", "--json", cwd=city.folder).stdout)["refused"]
    assert [refusal["code"] for refusal in refused] == ["approval_missing"]

"""Where rows lie on a cluster: remembered before they go, and a worker's network is what the plan says."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import duckdb
import pytest

from pipelines.zone import cluster_room, launcher, worker
from pipelines.zone.keys import KeySource
from pipelines.zone.placed_rows import Grounds, Placed, forget, grounds_of, placed_rows, remember
from pipelines.zone.protocol import Message, send
from schemas.engine import Engine
from schemas.errors import InternalFault, ZoneFault
from tests.planning_sample import plan_of, small_policy, small_survey

ENGINE = Engine(kind="spark", address="sc://127.0.0.1:15002", rows="file:///srv/rows")
GROUNDS = grounds_of(ENGINE, "city", "2026", "ab" * 16)
COLUMNS = ["a0"]
ROWS = 5


class Store:
    """A cluster's store: rows by place. `doubled`: how many placings to come arrive twice, as a repeated append does."""

    def __init__(self, doubled: int) -> None:
        self.rows: dict[str, int] = {}
        self.doubled = doubled

    def at(self, place: str, rows: int) -> "Session":
        return Session(self, place, rows)


@dataclass
class Session:
    store: Store
    place: str
    expected: int

    def holds(self, _columns: list[str]) -> bool:
        return self.place in self.store.rows

    def rows(self) -> int:
        return self.store.rows[self.place]

    def put(self, _zone: object, _relation: str, _columns: list[str]) -> None:
        self.store.rows[self.place] = ROWS * (2 if self.store.doubled > 0 else 1)
        self.store.doubled -= 1


def placed_by(store: Store, folder: Path) -> Session:
    with duckdb.connect() as zone:
        zone.execute(f"CREATE TABLE core AS SELECT range AS a0 FROM range({ROWS})")
        engine_for = cluster_room._placing(store.at, folder, GROUNDS, COLUMNS)  # type: ignore[arg-type]
        return engine_for(zone, "core")  # type: ignore[return-value]


def test_the_record_is_what_was_remembered_and_can_be_forgotten(tmp_path: Path) -> None:
    assert placed_rows(tmp_path) is None
    for whole in (False, True):
        placed = Placed(ENGINE, GROUNDS.fresh(), whole)
        remember(tmp_path, placed)
        assert placed_rows(tmp_path) == placed and placed.grounds == GROUNDS
    assert placed.place.startswith(f"file:///srv/rows/city/2026/{'ab' * 16}/") and GROUNDS.fresh() != GROUNDS.fresh()
    assert Grounds.of(GROUNDS.as_body()) == GROUNDS
    forget(tmp_path)
    assert placed_rows(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"engine": {"kind": "spark"}, "place": "x", "whole": true}'])
def test_a_damaged_record_is_a_fault_and_not_an_empty_one(tmp_path: Path, content: str) -> None:
    (tmp_path / "placed.json").write_text(content)
    with pytest.raises(ZoneFault, match="damaged"):
        placed_rows(tmp_path)


@pytest.mark.parametrize("engine", [None, ENGINE])
def test_a_worker_whose_network_is_not_what_the_plan_says_measures_nothing(
    tmp_path: Path, engine: Engine | None
) -> None:
    survey = small_survey()
    plan = plan_of(survey, small_policy().model_copy(update={"engine": engine}))
    assert plan.engine == engine
    orders = BytesIO()
    send(orders, Message("plan", {"plan": plan.model_dump(mode="json")}))
    orders.seek(0)
    with pytest.raises(InternalFault, match="network"):
        worker._planned(orders, networked=engine is None)


def test_a_worker_with_a_network_opens_nothing_before_it_has_a_plan(tmp_path: Path) -> None:
    orders = BytesIO()
    send(orders, Message("plan", {"plan": plan_of(small_survey(), small_policy()).model_dump(mode="json")}))
    orders.seek(0)
    request = Message("request", {"verb": "measure", "folder": str(tmp_path)})
    with pytest.raises(InternalFault, match="network"):
        worker._measure(request, orders, BytesIO(), (), networked=True)
    assert list(tmp_path.iterdir()) == []


def test_rows_that_arrive_twice_are_not_counted_and_go_elsewhere_next_time(tmp_path: Path) -> None:
    store = Store(doubled=1)
    with pytest.raises(ZoneFault) as fault:
        placed_by(store, tmp_path)
    assert fault.value.code == "engine_rows_differ"
    known = placed_rows(tmp_path)
    assert known is not None and not known.whole
    again = placed_by(store, tmp_path)
    assert again.place != known.place and again.rows() == again.expected == ROWS
    assert placed_by(store, tmp_path).place == again.place, "what is whole is used again"


def test_rows_that_changed_on_the_cluster_are_placed_anew(tmp_path: Path) -> None:
    store = Store(doubled=0)
    first = placed_by(store, tmp_path)
    store.rows[first.place] += 1
    second = placed_by(store, tmp_path)
    assert second.place != first.place and second.rows() == ROWS


def test_taking_rows_away_needs_no_key_of_the_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GONE", raising=False)
    zone = launcher.WaveZone(tmp_path / "zone", tmp_path / "keys", KeySource.parse("env:GONE"))
    assert launcher._request(zone, "withdraw", {}).payload == b""
    with pytest.raises(ZoneFault):
        launcher._request(zone, "measure", {})

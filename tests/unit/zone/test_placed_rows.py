"""Where rows lie on a cluster: remembered before they go, and a worker's network is what the plan says."""

from io import BytesIO
from pathlib import Path

import pytest

from pipelines.zone import worker
from pipelines.zone.placed_rows import Placed, forget, has_placed, place_for, placed_rows, remember
from pipelines.zone.protocol import Message
from schemas.engine import Engine
from schemas.errors import InternalFault, ZoneFault
from tests.planning_sample import plan_of, small_policy, small_survey

ENGINE = Engine(kind="spark", address="sc://127.0.0.1:15002", rows="file:///srv/rows")


def test_the_record_is_what_was_remembered_and_can_be_forgotten(tmp_path: Path) -> None:
    assert placed_rows(tmp_path) is None and not has_placed(tmp_path)
    for whole in (False, True):
        placed = Placed(ENGINE, place_for(ENGINE, "city", "2026", "ab" * 16), whole)
        remember(tmp_path, placed)
        assert placed_rows(tmp_path) == placed and has_placed(tmp_path)
    assert placed.place == f"file:///srv/rows/city/2026/{'ab' * 16}"
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
    body = {"survey": survey.model_dump(mode="json", by_alias=True), "plan": plan.model_dump(mode="json")}
    request = Message("request", {"verb": "measure", "folder": str(tmp_path), **body})
    with pytest.raises(InternalFault, match="network"):
        worker._measure(request, BytesIO(), BytesIO(), (), networked=engine is None)
    assert list(tmp_path.iterdir()) == []

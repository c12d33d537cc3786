"""Earlier waves are found in the workspace, verified, and refused where they do not say what the survey names."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.earlier_waves import EarlierWaves, earlier_waves
from pipelines.outlet.publish import publish
from pipelines.workspace import Workspace
from schemas.attributes import attributes_of
from schemas.errors import DeclarationFault, IntegrityFault
from schemas.manifest import fingerprint
from schemas.survey import Survey
from tests.outlet_sample import Sample, make_sample


@pytest.fixture(scope="module")
def planned() -> Sample:
    return make_sample(ratings=3, people=600, planned=True)


@pytest.fixture(scope="module")
def workspace(planned: Sample, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    found = Workspace(tmp_path_factory.mktemp("workspace"))
    folder = found.release("riverbend-sample", "2026", planned.context.charge.release_id)
    publish(folder, planned.context, planned.released, planned.estimates, planned.summary, planned.sign)
    return found


def look(workspace: Workspace, sample: Sample, trends: dict[str, Any]) -> EarlierWaves:
    """What the next wave of the sample's survey finds."""
    plain = sample.context.survey.model_dump(mode="json", by_alias=True)
    survey = Survey.model_validate(plain | {"wave": {"id": "2028", "year": 2028}, "trends": trends})
    key = fingerprint(sample.context.ledger_public_key)
    return earlier_waves(workspace, survey, attributes_of(survey), key)


def test_toplines_are_those_that_were_released(workspace: Workspace, planned: Sample) -> None:
    same = ("item_0", "main_concern", "services_used", "years_here", "recommend", "quality")
    found = look(workspace, planned, {name: {"2026": name} for name in same})
    assert found.releases == (("2026", planned.context.charge.release_id),)
    for name in same:
        rows = [r for r in planned.summary if r.subject == name and r.group is None and r.compared_with is None]
        assert list(found.toplines[name, "2026"].figures.values()) == rows


def test_without_trends_nothing_is_looked_for(planned: Sample, tmp_path: Path) -> None:
    assert look(Workspace(tmp_path / "nowhere"), planned, {}) == EarlierWaves({}, ())


@pytest.mark.parametrize(
    ("trends", "code"),
    [
        ({"item_0": {"2024": "item_0"}}, "trend_release_missing"),
        ({"item_0": {"2026": {"question": "item_0", "release": "ab" * 16}}}, "trend_release_missing"),
        ({"item_0": {"2026": "item_9"}}, "name_unknown"),
        ({"item_0": {"2026": "services_used"}}, "trend_kind"),
        ({"item_0": {"2026": "years_here"}}, "trend_kind"),
        ({"years_here": {"2026": "recommend"}}, "trend_kind"),
        ({"recommend": {"2026": "item_0"}}, "trend_kind"),
        ({"quality": {"2026": "item_0"}}, "trend_kind"),
        ({"item_0": {"2026": "main_concern"}}, "trend_codes"),
        ({"item_0": {"2026": {"question": "item_1", "codes": {"4": "9"}}}}, "trend_codes"),
    ],
)
def test_what_is_not_there_is_refused(workspace: Workspace, planned: Sample, trends: dict[str, Any], code: str) -> None:
    with pytest.raises(DeclarationFault) as caught:
        look(workspace, planned, trends)
    assert caught.value.code == code
    assert caught.value.where.startswith("survey.yaml: trends.")


def test_a_release_in_another_waves_folder_is_refused(workspace: Workspace, planned: Sample, tmp_path: Path) -> None:
    moved = Workspace(tmp_path)
    source = workspace.release("riverbend-sample", "2026", planned.context.charge.release_id)
    shutil.copytree(source, moved.release("riverbend-sample", "2020", source.name))
    with pytest.raises(IntegrityFault) as caught:
        look(moved, planned, {"item_0": {"2020": "item_0"}})
    assert caught.value.code == "release_misplaced"


def test_a_release_of_another_ledger_is_refused(workspace: Workspace, planned: Sample) -> None:
    survey = planned.context.survey.model_copy(update={"trends": {}})
    plain = survey.model_dump(mode="json", by_alias=True)
    trends = {"item_0": {"2026": "item_0"}}
    survey = Survey.model_validate(plain | {"wave": {"id": "2028", "year": 2028}, "trends": trends})
    with pytest.raises(IntegrityFault) as caught:
        earlier_waves(workspace, survey, attributes_of(survey), "0" * 64)
    assert caught.value.code == "key_differs"

"""What the analyst's apps show: released figures only, and conclusions that their margins allow."""

import shutil
from pathlib import Path

import pytest

from pipelines.exploring import charts, lesson
from pipelines.exploring.conclusions import apart, may_be_concluded, may_not_be_concluded
from pipelines.exploring.releases import (
    EVERYBODY,
    OpenRelease,
    found_releases,
    groupings,
    opened,
    options,
    selected,
    statistics,
    subjects,
)
from pipelines.outlet.publish import publish
from schemas.errors import IntegrityFault
from tests.outlet_sample import make_sample


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("explored")
    sample = make_sample(ratings=10, people=893, sd=6.0)
    folder = root / "releases" / "riverbend-sample" / "2026" / sample.context.charge.release_id
    folder.parent.mkdir(parents=True)
    publish(folder, sample.context, sample.released, sample.estimates, sample.summary, sample.sign)
    return root


@pytest.fixture(scope="module")
def release(workspace: Path) -> OpenRelease:
    return opened(found_releases(workspace)[0])


def test_releases_are_found_in_a_workspace_below_a_folder_and_by_name(workspace: Path) -> None:
    (folder,) = found_releases(workspace)
    assert found_releases(workspace / "releases") == (folder,)
    assert found_releases(folder) == (folder,)
    assert found_releases(workspace / "nowhere") == ()


def test_a_release_that_is_being_written_is_not_found(workspace: Path, tmp_path: Path) -> None:
    """Nor what a killed one left, with its manifest and without its name."""
    (folder,) = found_releases(workspace)
    wave = tmp_path / "releases" / "riverbend-sample" / "2026"
    shutil.copytree(folder, wave / f".{folder.name}.1a2b3c4d")
    assert found_releases(tmp_path) == ()
    finished = shutil.copytree(folder, wave / folder.name)
    assert found_releases(tmp_path) == found_releases(tmp_path / "releases") == (finished,)


def test_what_was_changed_is_not_opened(workspace: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(found_releases(workspace)[0], copy)
    (copy / "summary.parquet").write_bytes((copy / "summary.parquet").read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityFault):
        opened(copy)


def test_choices_follow_the_release(release: OpenRelease) -> None:
    assert next(iter(subjects([release]))) == "Overall quality of life"
    assert list(subjects([release]).values())[-1] in {"age", "district", "tenure", "gender", "children"}
    assert next(iter(statistics([release], "item_0").values())) == "pct_positive"
    assert set(groupings([release], "item_0").values()) >= {"age", "district"}
    assert options([release], "item_0")["Excellent"] == "1"


def test_rows_are_everybody_then_groups_or_answers(release: OpenRelease) -> None:
    rows = selected([release], "item_0", "pct_positive", "district", None)
    assert [row.name for row in rows] == [EVERYBODY, "North", "South", "East", "West"]
    assert not any(row.weighted for row in rows)
    answers = selected([release], "item_0", "pct", None, None)
    assert [row.name for row in answers] == ["Excellent", "Good", "Fair", "Poor"]
    one = selected([release], "item_0", "pct", "district", "2")
    assert {row.option for row in one} == {"2"}
    assert next(row.name for row in one) == EVERYBODY
    assert all(row.weighted for row in selected([release], "item_0", "pct_positive", None, None))
    assert selected([release], "years_here", "mean", None, None)


def test_conclusions_hold_to_intervals_that_do_not_meet(release: OpenRelease) -> None:
    rows = selected([release], "item_0", "pct", None, None)
    known = [row for row in rows if row.publishable]
    pairs = sum(apart(a, b) for i, a in enumerate(known) for b in known[i + 1 :])
    said = may_be_concluded(rows)
    assert len(said) == (pairs or 1)
    close = may_not_be_concluded(rows)
    assert close[-2].startswith("Anything about one person")
    silent = may_not_be_concluded(selected([release], "item_0", "pct_positive", "gender", None))
    assert any("no information beyond the overall result" in line for line in silent)
    (alone,) = may_be_concluded(known[:1])
    assert alone.startswith(f"{known[0].name}: ")
    assert alone.endswith("(19 times in 20).")
    assert may_be_concluded([known[0], known[0]]) == [
        "No difference between these figures is larger than chance and noise could make it."
    ]


def test_what_knows_nothing_is_not_drawn(release: OpenRelease) -> None:
    rows = selected([release], "item_0", "pct_positive", "gender", None)
    drawn = charts.figure_chart(rows).to_dict()
    assert [value["who"] for value in drawn["data"]["values"]] == [EVERYBODY]
    assert charts.parts_chart(rows).to_dict()["mark"]["type"] == "bar"
    assert drawn["description"].startswith(f"Estimates with 95 % margins: {EVERYBODY} ")
    assert drawn["usermeta"]["embedOptions"]["actions"] is False


def test_the_lesson_keeps_the_promise_it_shows() -> None:
    from math import exp

    for epsilon in (0.1, 1.0, 4.0):
        law = lesson.law_of("laplace", epsilon, 1e-6)
        two = lesson.worlds(law, 23)
        assert two.most == pytest.approx(exp(epsilon), rel=1e-9)
        assert sum(two.with_you) <= 1 + 1e-9
    gaussian = lesson.law_of("gaussian", 1.0, 1e-6)
    assert gaussian.sd > lesson.law_of("gaussian", 2.0, 1e-6).sd
    drawn = lesson.draws(gaussian, 5)
    assert len(drawn.noisy) == 5
    assert drawn.counts == tuple(lesson.INVENTED.values())
    assert any(noisy != drawn.counts for noisy in drawn.noisy)
    for chart in (
        charts.draws_chart(drawn),
        charts.worlds_chart(lesson.worlds(gaussian, 23)),
        charts.margins_chart(lesson.group_margins(gaussian)),
    ):
        assert chart.to_dict()
    margins = lesson.group_margins(gaussian)
    assert margins[0][2] / margins[0][1] > margins[-1][2] / margins[-1][1]

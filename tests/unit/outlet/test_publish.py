import os
import re
import shutil
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.outlet import publish as publication
from pipelines.outlet.card import build_card
from pipelines.outlet.publish import publish, release_files
from pipelines.outlet.report import report_from_folder
from pipelines.outlet.verify import verify
from schemas.errors import Fault, IntegrityFault, ZoneFault
from schemas.manifest import MANIFEST_FILE, RELEASED_FILES
from tests.outlet_sample import Sample, make_sample


def _publish(sample: Sample, folder: Path) -> None:
    publish(folder, sample.context, sample.released, sample.estimates, sample.summary, sample.sign)


def test_folder_holds_the_files_of_a_release_and_nothing_else(published: Path) -> None:
    assert {entry.name for entry in published.iterdir()} == {*RELEASED_FILES, MANIFEST_FILE}
    assert stat.S_IMODE(published.stat().st_mode) == 0o755
    assert all(stat.S_IMODE(entry.stat().st_mode) == 0o644 for entry in published.iterdir())
    assert list(published.parent.glob(".*")) == []


def test_nothing_is_dated_finer_than_the_day_of_the_charge(sample: Sample, tmp_path: Path) -> None:
    """When files were written would tell how long a release took; 2026-11-03T09:30:00Z is when it was charged."""
    releases = tmp_path / "releases"
    releases.mkdir()
    folder = releases / "survey" / "2026" / "release"
    _publish(sample, folder)
    midnight = int(datetime(2026, 11, 3, tzinfo=UTC).timestamp()) * 10**9
    assert {path.stat().st_mtime_ns for path in (releases, *releases.rglob("*"))} == {midnight}
    told = re.compile(rb"\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)")
    assert {time for path in folder.iterdir() for time in told.findall(path.read_bytes())} == {b"00:00:00"}


def test_same_inputs_give_the_same_bytes(sample: Sample, published: Path, tmp_path: Path) -> None:
    _publish(sample, tmp_path / published.name)
    for name in (*RELEASED_FILES, MANIFEST_FILE):
        assert (tmp_path / published.name / name).read_bytes() == (published / name).read_bytes(), name


def test_publishing_again_leaves_the_folder_alone(sample: Sample, published: Path, tmp_path: Path) -> None:
    folder = tmp_path / published.name
    shutil.copytree(published, folder)
    before = {entry.name: (entry.stat().st_mtime_ns, entry.stat().st_ino) for entry in folder.iterdir()}
    _publish(sample, folder)
    assert {entry.name: (entry.stat().st_mtime_ns, entry.stat().st_ino) for entry in folder.iterdir()} == before


def test_another_release_in_the_place_is_refused(sample: Sample, published: Path, tmp_path: Path) -> None:
    folder = tmp_path / published.name
    shutil.copytree(published, folder)
    redrawn = make_sample(ratings=10, people=893, sd=9.0, needed=1)
    with pytest.raises(IntegrityFault, match="another release"):
        _publish(replace(sample, released=redrawn.released), folder)


def test_a_damaged_folder_in_the_place_is_refused(sample: Sample, published: Path, tmp_path: Path) -> None:
    folder = tmp_path / published.name
    shutil.copytree(published, folder)
    (folder / "report.html").write_bytes(b"")
    with pytest.raises(IntegrityFault, match=r"report\.html"):
        _publish(sample, folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(IntegrityFault):
        _publish(sample, tmp_path / "empty")


def test_measurements_of_another_charge_are_refused(sample: Sample, tmp_path: Path) -> None:
    other = make_sample(ratings=3, people=200)
    with pytest.raises(IntegrityFault, match="not those of this charge"):
        _publish(replace(sample, released=other.released), tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("point", ["fsync", "verify", "rename"])
def test_a_failure_leaves_nothing_behind(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if point == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    elif point == "verify":
        monkeypatch.setattr(publication, "verify", fail)
    else:
        monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(ZoneFault) as caught:
        _publish(sample, tmp_path / "r")
    assert caught.value.code == "release_unwritable"
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_killed_run_are_cleared(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / ".r.killed").mkdir()
    (tmp_path / ".r.killed" / "card.json").write_text("{}")
    (tmp_path / ".other.running").mkdir()
    _publish(sample, tmp_path / "r")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".other.running", "r"]


def test_everything_is_on_disk_before_it_appears(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_fsync, real_rename = os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        steps.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        real_fsync(descriptor)

    def rename(self: Path, target: Path) -> Path:
        steps.append("rename")
        return real_rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    _publish(sample, tmp_path / "deep" / "r")
    files = [step for step in steps if step in {*RELEASED_FILES, MANIFEST_FILE}]
    assert sorted(files) == sorted((*RELEASED_FILES, MANIFEST_FILE))
    assert files[-1] == MANIFEST_FILE
    assert steps[-2:] == ["rename", "deep"]
    assert steps[-3].startswith(".r.")


def test_faults_say_no_more_than_a_name(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "r").write_text("in the way")
    with pytest.raises(Fault) as caught:
        _publish(sample, tmp_path / "r")
    assert str(tmp_path) not in caught.value.line()


def test_rows_do_not_depend_on_the_values(sample: Sample) -> None:
    redrawn = make_sample(ratings=10, people=40, sd=9.0, needed=1, seed=99)
    ours, theirs = (
        release_files(s.context, build_card(s.context, s.estimates), s.released, s.estimates, s.summary)
        for s in (sample, redrawn)
    )
    from pipelines.outlet.datapackage import PARQUET_FILES
    from pipelines.outlet.parquet import read_parquet

    for name, schema in PARQUET_FILES.items():
        (one, keys), (two, other_keys) = (
            read_parquet(ours[name], schema, name),
            read_parquet(theirs[name], schema, name),
        )
        assert keys == other_keys
        for column in ("table", "attribute_1", "code_1", "code_2", "scale", "subject", "statistic", "option", "group"):
            if column in one.column_names:
                assert one.column(column).equals(two.column(column)), (name, column)


@pytest.mark.parametrize("people", [12, 1500])
def test_planned_and_estimated_releases_publish(tmp_path: Path, people: int) -> None:
    """The outlet takes what the real plan, estimates and summary give it, of hardly anybody as well."""
    planned = make_sample(ratings=9, people=people, planned=True)
    _publish(planned, tmp_path / "r")
    found = verify(tmp_path / "r")
    assert found.card.expert.participation.estimated_respondents == planned.estimates.total
    assert report_from_folder(tmp_path / "r").encode() == (tmp_path / "r" / "report.html").read_bytes()

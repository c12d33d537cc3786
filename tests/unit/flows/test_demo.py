"""A demo has its folder to itself: another one in the same place is refused, and deletes nothing."""

from pathlib import Path

import pytest

from flows.demo import run_demo
from pipelines.riverbend import generate
from schemas.errors import UsageFault


class Stopped(Exception):
    pass


def test_a_second_demo_does_not_delete_the_first_ones_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "demo"
    built: list[list[str]] = []

    def build(directory: Path) -> None:
        built.append(sorted(path.name for path in folder.iterdir()))
        if len(built) == 1:
            (folder / "hearsafe-workspace").mkdir()
            with pytest.raises(UsageFault) as refused:
                run_demo(folder)
            assert (refused.value.code, refused.value.where) == ("demo_running", str(folder))
            assert (folder / "hearsafe-workspace").is_dir()
        raise Stopped

    monkeypatch.setattr(generate, "build", build)
    for _ in range(2):
        with pytest.raises(Stopped):
            run_demo(folder)
    assert built == [[".hearsafe-demo"], [".hearsafe-demo"]], "it was empty each time, and free again after the first"


def test_only_a_demos_own_folder_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageFault) as refused:
        run_demo(tmp_path)
    assert refused.value.code == "demo_folder"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

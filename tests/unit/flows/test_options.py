from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.options import Common, contact_file, release_folder, source_files, workspace_root
from schemas.errors import InputRefused, UsageFault

pytest.importorskip("pipelines.intake.batch")


def survey(*ids: str) -> Any:
    return SimpleNamespace(sources=[SimpleNamespace(id=name) for name in ids])


def files(folder: Path, ids: tuple[str, ...], *given: str) -> list[tuple[str, str]]:
    for name in ("a.csv", "b.csv", "a=b.csv"):
        (folder / name).touch()
    return [
        (f.source_id, f.path.name) for f in source_files(survey(*ids), [g.replace("@", f"{folder}/") for g in given])
    ]


def test_one_source_needs_no_id(tmp_path: Path) -> None:
    assert files(tmp_path, ("web",), "@a.csv", "web=@b.csv", "@a=b.csv") == [
        ("web", "a.csv"),
        ("web", "b.csv"),
        ("web", "a=b.csv"),
    ]


def test_several_files_of_several_sources(tmp_path: Path) -> None:
    found = files(tmp_path, ("web", "mail"), "web=@a.csv", "mail=@b.csv", "web=@a=b.csv")
    assert found == [("web", "a.csv"), ("mail", "b.csv"), ("web", "a=b.csv")]


def test_a_source_without_a_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files(tmp_path, ("web", "mail", "desk"), "mail=@a.csv")
    assert capsys.readouterr().err.startswith("note: no file is given for web, desk; ")
    files(tmp_path, ("web", "mail"), "mail=@a.csv", "web=@b.csv")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("ids", "given", "code"),
    [
        (("web", "mail"), ("@a.csv",), "source_ambiguous"),
        (("web", "mail"), ("post=@a.csv",), "source_unknown"),
        (("web",), ("post=a.csv",), "source_unknown"),
        (("web",), (), "source_needed"),
    ],
)
def test_a_source_that_cannot_be_meant_is_misuse(
    tmp_path: Path, ids: tuple[str, ...], given: tuple[str, ...], code: str
) -> None:
    with pytest.raises(UsageFault) as caught:
        files(tmp_path, ids, *given)
    assert caught.value.code == code


def test_a_missing_file_is_an_input_fault(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="source file does not exist"):
        files(tmp_path, ("web",), "@none.csv")
    with pytest.raises(InputRefused, match="contact list does not exist"):
        contact_file(tmp_path / "none.csv")


def test_the_workspace_after_the_verb_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    before: Any = SimpleNamespace(obj=Common(Path("before")))
    nothing: Any = SimpleNamespace(obj=Common(None))
    monkeypatch.setenv("HEARSAFE_WORKSPACE", "environment")
    assert workspace_root(before, Path("after")) == Path("after")
    assert workspace_root(before, None) == Path("before")
    assert workspace_root(nothing, None) == Path("environment")
    monkeypatch.delenv("HEARSAFE_WORKSPACE")
    assert workspace_root(nothing, None) == Path("hearsafe-workspace")


def test_a_release_is_found_by_its_id(tmp_path: Path) -> None:
    folder = tmp_path / "releases" / "testville" / "2026" / "0123456789abcdef"
    folder.mkdir(parents=True)
    assert release_folder(tmp_path, "0123456789abcdef") == folder
    assert release_folder(tmp_path, str(folder)) == folder
    assert release_folder(tmp_path, "*") == Path("*")

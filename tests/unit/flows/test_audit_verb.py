"""`hearsafe audit`: a table or one JSON document, exit code 7 where a figure is beyond its bound, nothing left behind."""

import json
import tempfile
from pathlib import Path

import pytest

from flows.command_line import run
from tests.mutations.bugs import planted
from tests.system.city import POLICY, SURVEY

PLAIN = SURVEY.replace("  - {id: recommend, column: Q5, type: nps}\n", "")
FEW = POLICY.replace("toplines: all", "toplines: [quality, used, years]")


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of declarations, with nothing of a workspace anywhere near, and a temporary folder of its own."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "declared"
    folder.mkdir()
    (folder / "survey.yaml").write_text(PLAIN)
    (folder / "policy.yaml").write_text(FEW)
    return folder


def test_a_sound_build_passes_and_nothing_is_left(declared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", str(declared), "--runs", "60", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] and found["runs"] == 60
    assert {figure["check"] for figure in found["figures"]} == {"sensitivity", "noise", "two samples", "one run"}
    assert sorted(path.name for path in declared.parent.iterdir()) == ["declared", "temporary"]
    assert not list((declared.parent / "temporary").iterdir())


@pytest.mark.extended
def test_a_bug_is_exit_code_seven(declared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with planted("half the noise"):
        assert run(["audit", str(declared), "--runs", "60"]) == 7
    shown = capsys.readouterr()
    assert "FAILS" in shown.out
    assert "beyond their bounds" in shown.err

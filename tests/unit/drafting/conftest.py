"""Runs `hearsafe init` in this process, and reads what it wrote."""

from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from flows.command_line import run
from tests.export_samples import SAMPLES, ExportSample

Told = ("--population", "testville-adults", "--frame", "20000", "--responses", "3000")


@dataclass(frozen=True)
class Drafted:
    """A folder of drafts, and what was said on the way."""

    folder: Path
    code: int
    out: str
    err: str

    def text(self, name: str = "survey.yaml") -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def plain(self, name: str = "survey.yaml") -> dict[str, Any]:
        return YAML(typ="safe", pure=True).load(self.text(name))


Init = Callable[..., Drafted]
DraftOf = Callable[[ExportSample], Drafted]


@pytest.fixture(scope="session")
def draft_of(tmp_path_factory: pytest.TempPathFactory) -> DraftOf:
    """The draft of a sample without a codebook, made once."""
    made: dict[str, Drafted] = {}

    def of(sample: ExportSample) -> Drafted:
        name = next(name for name, known in SAMPLES.items() if known is sample)
        if name not in made:
            folder = tmp_path_factory.mktemp("draft")
            path, said, complained = sample.write(folder), StringIO(), StringIO()
            with redirect_stdout(said), redirect_stderr(complained):
                code = run(["init", str(folder / "testville"), "--from", str(path)])
            made[name] = Drafted(folder / "testville", code, said.getvalue(), complained.getvalue())
        return made[name]

    return of


@pytest.fixture
def init(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Init:
    """`init` of a new folder with some arguments."""

    def of(*arguments: str | Path, folder: str = "testville") -> Drafted:
        capsys.readouterr()
        code = run(["init", str(tmp_path / folder), *map(str, arguments)])
        out, err = capsys.readouterr()
        return Drafted(tmp_path / folder, code, out, err)

    return of

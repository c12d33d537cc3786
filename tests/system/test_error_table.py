"""docs/errors.md held to the real command: every kind of bad input gets the line, the code and the exit code it lists.

The document is the list: a row without a case fails, and so does a case without a row.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

from tests.system.bad_input import INGEST, PLANTED, RELEASE, World
from tests.system.city import build_city
from tests.system.command import ROOT, hearsafe
from tests.system.error_cases import CASES, HEADER, ROW

RESIDENTS = 400


class Row(NamedTuple):
    """A row of the document. In `line`, … stands for what differs from run to run."""

    kind: str
    line: str
    code: str
    exit: str
    do: str


def documented(heading: str, columns: int) -> Iterator[list[str]]:
    """The cells of every table row under a heading of docs/errors.md."""
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1]
    for line in text.split("\n## ", 1)[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and not cells[0].startswith(("kind", "---")):
            assert len(cells) == columns, line
            yield cells


ROWS = [
    Row(kind, line.strip("`"), code.strip("`"), exit_code, do)
    for kind, line, code, exit_code, do in documented("What each kind of bad input gets", 5)
]
TAKEN = {kind: line.strip("`") for kind, _, line in documented("What is no error", 3)}


def pattern(line: str) -> str:
    return re.escape(line).replace("…", r"\S+")


class Stages(dict[str, Path]):
    """The city as it was declared, with one ingest, and with one release: each made once, when it is asked for."""

    _MADE_BY = {"ingested": ("declared", INGEST), "released": ("ingested", RELEASE)}

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __missing__(self, stage: str) -> Path:
        made = self._folder / stage
        if stage == "declared":
            build_city(made, RESIDENTS)
        else:
            before, arguments = self._MADE_BY[stage]
            shutil.copytree(self[before], made)
            done = hearsafe(*arguments, cwd=made)
            assert (done.returncode, done.stderr) == (0, "")
        self[stage] = made
        return made


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages(tmp_path_factory.mktemp("stages"))


At = Callable[[str], World]


@pytest.fixture
def at(stages: Stages, tmp_path: Path) -> Iterator[At]:
    """A private copy of a stage."""
    yield lambda stage: World(Path(shutil.copytree(stages[stage], tmp_path / stage)))
    shutil.rmtree(tmp_path, ignore_errors=True)


def on_one_worker(stage: str) -> pytest.MarkDecorator:
    """Cases that need no ingest share one worker, the others another: each makes its stages once."""
    return pytest.mark.xdist_group("errors_declared" if stage == "declared" else "errors_ingested")


def by_kind(rows: list[Row]) -> list[Any]:
    stages = [CASES[row.kind].stage if row.kind in CASES else "declared" for row in rows]
    return [pytest.param(row, id=row.kind, marks=on_one_worker(stage)) for row, stage in zip(rows, stages, strict=True)]


def test_the_document_and_the_cases_are_one_list() -> None:
    kinds = [row.kind for row in ROWS]
    assert kinds == list(CASES)
    assert all(row.do for row in ROWS)


@pytest.mark.parametrize("row", by_kind(ROWS))
def test_bad_input_gets_what_the_document_says(row: Row, at: At) -> None:
    case = CASES[row.kind]
    world = at(case.stage)
    arguments = case.arrange(world)
    charged, released = world.charges(), world.released_files()
    shown = "--show" in arguments
    done = hearsafe(*arguments, *(() if shown or "--json" in arguments else ("--json",)), cwd=world.folder)

    assert re.fullmatch(f"error: {pattern(row.line)}\n", done.stderr), done.stderr
    assert str(done.returncode) == row.exit
    if shown and "--json" not in arguments:
        assert done.stdout == ""
    else:
        said = json.loads(done.stdout)
        assert (said["error"], str(said["exit_code"])) == (row.code, row.exit)
    for stream in (done.stdout, done.stderr):
        assert PLANTED not in stream
        assert "Traceback" not in stream
    assert world.charges() == charged or not (world.charges() or charged), "nothing is spent"
    assert world.released_files() == released
    if case.recorded:
        assert world.refusals() == [case.recorded] == [row.code]


@on_one_worker("declared")
def test_rows_that_cannot_be_counted_refuse_nothing(at: At) -> None:
    """One export with every kind of bad row: it is taken in without a word, and the zone alone can say more."""
    world = at("declared")
    header, row = HEADER.replace("\n", ",Comment,Comment\n"), ROW.replace("\n", ",x,y\n")
    rows = {
        "a good row": row,
        "a row without a resident key": row.replace("canary1@example.org", ""),
        "a row whose time cannot be read": row.replace("2026-03-01", "last spring canary"),
        "a row with another number of fields": row.replace("\n", ",canary\n"),
        "a row with a cell above 1 MB": row.replace("Parks", "canary" * 200_000),
        "a line in another encoding than the others": row.replace("canary1", "canary4").replace("Parks", "Caf\xe9"),
        "a value outside the declared domain": row.replace("canary1", "canary2").replace(",1,1,", ",canary,1,"),
        "more ticks than `at_most`": row.replace("canary1", "canary3").replace(
            "Parks", '"Parks,Library,Bus, tram,Gym"'
        ),
        "a file cut off inside a quotation mark": row.replace("Parks", '"canary')[:-12],
    }
    assert [*list(rows)[1:], "a column that nothing needs", "a header and no rows"] == list(TAKEN)
    content = (header + "".join(rows.values())).encode("latin-1")
    done = hearsafe(*world.source("export.csv", content), cwd=world.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"snapshot [0-9a-f]{32}\n", done.stdout)

    shown = hearsafe("ingest", ".", "--show", cwd=world.folder)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert PLANTED not in shown.stdout
    quarantined = [line for line in shown.stdout.splitlines() if line.startswith("quarantined")]
    said = [TAKEN[kind] for kind in rows if kind in TAKEN and "quarantined" in TAKEN[kind]]
    assert len(quarantined) == len(said) == 5
    for line, expected in zip(quarantined, said, strict=True):
        assert re.fullmatch(pattern(expected).replace("row\\ N", r"row\ \d+"), line), (line, expected)
    assert "web  9  4  0  5" in shown.stdout.splitlines()


@on_one_worker("declared")
def test_a_header_alone_is_taken(at: At) -> None:
    world = at("declared")
    done = hearsafe(*world.source("export.csv", HEADER), cwd=world.folder)
    assert (done.returncode, done.stderr) == (0, "")
    shown = hearsafe("ingest", ".", "--show", cwd=world.folder)
    assert TAKEN["a header and no rows"] in shown.stdout.splitlines()


@on_one_worker("released")
def test_a_value_outside_the_domain_has_a_cell_of_its_own(stages: Stages) -> None:
    measurements = pq.read_table(World(stages["released"]).release / "measurements.parquet")
    assert any("_invalid" in str(row) and "quality" in str(row) for row in measurements.to_pylist())

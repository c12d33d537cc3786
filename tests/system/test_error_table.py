"""docs/errors.md held to the real command: every kind of bad input gets the line, the code and the exit code it lists.

The document is the list: a row without a case fails, and so does a case without a row.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from tests.system.bad_input import INGEST, PLANTED, RELEASE, World
from tests.system.city import build_city
from tests.system.command import ROOT, hearsafe
from tests.system.error_cases import CASES, HEADER, ROW

pytestmark = pytest.mark.xdist_group("error_table")

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


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The city as it was declared, with one ingest, and with one release: made once, and copied for each case."""
    folder = tmp_path_factory.mktemp("stages")
    build_city(folder / "declared", RESIDENTS)
    for before, stage, arguments in (("declared", "ingested", INGEST), ("ingested", "released", RELEASE)):
        shutil.copytree(folder / before, folder / stage)
        done = hearsafe(*arguments, cwd=folder / stage)
        assert (done.returncode, done.stderr) == (0, "")
    return {stage: folder / stage for stage in ("declared", "ingested", "released")}


@pytest.fixture
def at(stages: dict[str, Path], tmp_path: Path) -> Iterator[dict[str, World]]:
    """Copies of the stages, made when they are asked for."""

    class Copies(dict[str, World]):
        def __missing__(self, stage: str) -> World:
            self[stage] = World(Path(shutil.copytree(stages[stage], tmp_path / stage)))
            return self[stage]

    yield Copies()
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_the_document_and_the_cases_are_one_list() -> None:
    kinds = [row.kind for row in ROWS]
    assert kinds == list(CASES)
    assert all(row.do for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row.kind for row in ROWS])
def test_bad_input_gets_what_the_document_says(row: Row, at: dict[str, World]) -> None:
    case = CASES[row.kind]
    world = at[case.stage]
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


def test_rows_that_cannot_be_counted_refuse_nothing(at: dict[str, World]) -> None:
    """One export with every kind of bad row: it is taken in without a word, and the zone alone can say more."""
    world = at["declared"]
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


def test_a_header_alone_is_taken(at: dict[str, World]) -> None:
    world = at["declared"]
    done = hearsafe(*world.source("export.csv", HEADER), cwd=world.folder)
    assert (done.returncode, done.stderr) == (0, "")
    shown = hearsafe("ingest", ".", "--show", cwd=world.folder)
    assert TAKEN["a header and no rows"] in shown.stdout.splitlines()


def test_a_value_outside_the_domain_has_a_cell_of_its_own(stages: dict[str, Path]) -> None:
    measurements = pq.read_table(World(stages["released"]).release / "measurements.parquet")
    assert any("_invalid" in str(row) and "quality" in str(row) for row in measurements.to_pylist())

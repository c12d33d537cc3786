import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from flows.command_line import app, run

VERBS = (
    "demo",
    "check",
    "ingest",
    "invite",
    "plan",
    "tune",
    "approve",
    "officer-key",
    "register",
    "release",
    "report",
    "run",
    "init",
    "audit",
    "export",
    "explore",
    "catalog",
    "serve",
    "budget",
    "close",
    "expire",
    "freeze",
    "thaw",
    "lower",
    "card",
    "verify",
    "version",
)
HEAVY = ("prefect", "duckdb", "opendp", "polars", "pyarrow", "scipy", "numpy", "sqlalchemy", "pandas", "altair")


def modules_after(*arguments: str) -> set[str]:
    """What is imported by one command in a process of its own."""
    code = (
        "import sys, io, contextlib\n"
        "from flows.command_line import run\n"
        "with contextlib.redirect_stdout(io.StringIO()): run(sys.argv[1:])\n"
        "print(' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_verbs_are_the_documented_ones() -> None:
    group = typer.main.get_command(app)
    assert sorted(group.commands) == sorted(VERBS)  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_has_help(verb: str) -> None:
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    assert command.help
    assert [p.name for p in command.params if not getattr(p, "help", None)] == []


@pytest.mark.parametrize("arguments", [("--help",), ("ingest", "--help"), ("version",)])
def test_start_up_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert modules_after(*arguments).isdisjoint(HEAVY)


def test_check_imports_nothing_heavy(root: Path) -> None:
    assert modules_after("check", str(root / "pipelines" / "riverbend")).isdisjoint(HEAVY)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["plann"], "error: No such command 'plann'. Did you mean 'plan'? See"),
        (["check"], "error: Missing argument 'DIR'"),
        (["check", "x", "--nonsense"], "error: No such option: --nonsense"),
        (["check", "x", "y"], "error: Got unexpected extra argument"),
        (["approve", "x"], "error: Missing option '--officer-key'"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(line)
    assert err.endswith("--help\n")
    assert err.count("\n") == 1


def test_misuse_with_json_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["exit_code"] == 2


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hearsafe ")
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert [verb for verb in VERBS if verb not in shown] == []


def test_show_and_json_do_not_go_together(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pipelines.intake.batch")
    assert run(["ingest", str(root / "pipelines" / "riverbend"), "--show", "--json"]) == 2
    assert "--show prints exact numbers for a person" in capsys.readouterr().err


def test_a_call_without_a_verb_shows_the_help_and_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    out, err = capsys.readouterr()
    assert err == ""
    assert "docs/tutorial.md" in out


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"]])
def test_a_reader_that_goes_away_is_no_fault(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "flows.command_line", *arguments]
    try:
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")

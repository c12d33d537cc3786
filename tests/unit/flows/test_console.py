import json
from collections.abc import Callable

import pytest
import typer

from flows import console
from pipelines.declarations import DeclarationFaults
from schemas.errors import (
    BudgetRefused,
    DeclarationFault,
    Fault,
    InputRefused,
    IntegrityFault,
    InternalFault,
    UsageFault,
    ZoneFault,
)

CANARY = "canary-7f3a9c"


def failing(exception: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise exception

    return work


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (UsageFault, 2),
        (DeclarationFault, 3),
        (InputRefused, 4),
        (ZoneFault, 5),
        (BudgetRefused, 6),
        (IntegrityFault, 7),
        (InternalFault, 70),
    ],
)
def test_each_kind_of_fault_has_its_exit_code_and_one_line(
    fault: type[Fault], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    work = failing(fault("some_code", "what is\nwrong", where="place", do="Do this"))
    assert console.exit_code_of(work, as_json=False) == code
    out, err = capsys.readouterr()
    prefix = "a fault of ours (some_code): " if code == 70 else ""
    assert (out, err) == ("", f"error: {prefix}place: what is wrong. Do this\n")


@pytest.mark.parametrize(
    "exception", [ValueError(CANARY), KeyError(CANARY), SystemExit(CANARY), SystemExit(1), BaseException(CANARY)]
)
def test_an_unexpected_exception_shows_its_class_and_nothing_of_its_text(
    exception: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    assert console.exit_code_of(failing(exception), as_json=True) == 70
    out, err = capsys.readouterr()
    name = f"INTERNAL-{type(exception).__name__}"
    assert err == f"error: a fault of ours ({name})\n"
    assert json.loads(out)["error"] == name
    assert CANARY not in out + err


def test_json_repeats_the_fault_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    console.exit_code_of(failing(ZoneFault("key_missing", "gone", where="here", do="Look")), as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "error": "key_missing",
        "what": "gone",
        "where": "here",
        "do": "Look",
        "exit_code": 5,
    }


def test_several_faults_are_one_line_that_says_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    faults = DeclarationFaults([DeclarationFault("a", "first"), DeclarationFault("b", "second")])
    assert console.exit_code_of(failing(faults), as_json=False) == 3
    assert capsys.readouterr().err == "error: first (and 1 more: run hearsafe check)\n"


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console.exit_code_of(failing(UsageFault("x", "a\x1b[2Jb\rc")), as_json=False)
    assert capsys.readouterr().err == "error: a?[2Jb?c\n"


def test_interrupts_and_exits_keep_their_codes() -> None:
    assert console.exit_code_of(failing(KeyboardInterrupt()), as_json=False) == 130
    assert console.exit_code_of(failing(typer.Exit(3)), as_json=False) == 3
    assert console.exit_code_of(lambda: None, as_json=False) == 0


def test_a_broken_pipe_elsewhere_is_a_fault_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """Only our own stdout may be closed early; a worker's pipe may not."""
    assert console.exit_code_of(failing(BrokenPipeError()), as_json=False) == 70
    assert capsys.readouterr().err == "error: a fault of ours (INTERNAL-BrokenPipeError)\n"


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("working") as tell:
        tell("still working")
    assert capsys.readouterr() == ("", "")

"""What people and scripts see: results on stdout, progress on a terminal only, and one line on stderr per failure.

The edge of the program: every exception of a verb ends here, as a fault's own line or as a code of ours without text,
because an unexpected exception may hold a respondent's value.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, ParamSpec

import typer

from flows.entry import INTERRUPTED
from schemas.errors import Fault, InternalFault

P = ParamSpec("P")
LONGEST_LINE = 1000
WIDTH = 110
"""Columns of a table that does not go to a terminal."""

_progress: list[Callable[[str], None]] = []


class ReaderGone(Exception):
    """Whoever read our output has closed it, as `head` does."""


def say(text: str) -> None:
    """A line of the result."""
    _write(text + "\n")


def note(text: str) -> None:
    """A line on stderr that is no failure, in what a person would want to know before going on."""
    with suppress(OSError):
        sys.stderr.write(f"note: {text}\n")
        sys.stderr.flush()


def say_next(text: str) -> None:
    """What usually comes next, for a person: on a terminal only."""
    if sys.stderr.isatty():
        with suppress(OSError):
            sys.stderr.write(f"next: {text}\n")


def say_json(value: object) -> None:
    """The result of a verb for a script: one JSON document."""
    say(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def show(renderable: Any) -> None:
    """A Rich table or text of the result."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else WIDTH
    console = Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(renderable)
    _write(captured.get())


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        closed = True
    else:
        closed = False
    if closed:
        raise ReaderGone


@contextmanager
def progress(first: str) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr with the stage of the work, where stderr is a terminal; silent elsewhere."""
    if not sys.stderr.isatty():
        yield tell
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True, markup=False).status(Text(first)) as status:
        _progress.append(lambda stage: status.update(Text(stage)))
        try:
            yield tell
        finally:
            _progress.pop()


def tell(stage: str) -> None:
    """Name the stage that the work has come to. Never with an exact count."""
    if _progress:
        _progress[-1](stage)


def verb(function: Callable[P, None]) -> Callable[P, None]:
    """A command whose every failure is one line and an exit code."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        code = exit_code_of(lambda: function(*args, **kwargs), as_json=bool(kwargs.get("as_json")))
        if code:
            raise typer.Exit(code)

    return run


def exit_code_of(work: Callable[[], None], *, as_json: bool) -> int:
    """Run a verb to its end. Returns: 0, or the code of what went wrong, which has then been reported."""
    try:
        work()
    except Fault as fault:
        failure = fault
    except ReaderGone:
        _forget_stdout()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except typer.Exit as ended:
        return ended.exit_code
    except BaseException as unexpected:  # noqa: BLE001  (the edge; a panic of a native library is no Exception)
        if isinstance(unexpected, SystemExit) and isinstance(unexpected.__context__, BrokenPipeError):
            return 0  # Rich, which writes the help pages, ends so when nobody reads on
        failure = unforeseen(unexpected)
    else:
        return 0
    report(failure, as_json=as_json)
    return failure.exit_code


def unforeseen(exception: BaseException) -> InternalFault:
    """A fault of ours, from nothing of the exception but the name of its class."""
    return InternalFault(f"INTERNAL-{type(exception).__name__}", "")


def report(failure: Fault, *, as_json: bool) -> None:
    """One line on stderr; with `--json` also an object on stdout."""
    with suppress(OSError):
        sys.stderr.write(f"error: {error_text(failure)}\n")
        sys.stderr.flush()
    if as_json:
        with suppress(ReaderGone):
            say_json(failure.as_dict())


def error_text(failure: Fault) -> str:
    """The line of a failure, without control characters."""
    line = failure.line()
    if isinstance(failure, InternalFault):
        line = f"a fault of ours ({failure.code})" + (f": {line}" if line else "")
    others = len(getattr(failure, "others", ()))
    if others:
        line += f" (and {others} more: run hearsafe check)"
    clean = "".join(character if character.isprintable() else "?" for character in line)
    return clean if len(clean) <= LONGEST_LINE else clean[:LONGEST_LINE] + "…"


def _forget_stdout() -> None:
    """Python flushes stdout at exit, and would complain about the closed pipe there."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

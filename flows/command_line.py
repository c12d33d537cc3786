"""The `hearsafe` command: its verbs, by who uses them. Tables of contents; start-up imports nothing heavy."""

import os
import sys
import warnings
from typing import Annotated

import typer

from flows import analyst, audit_verb, console, data_team, officer, registering, separation, wave_ending
from flows.options import Common, LedgerOption, StoreOption, WorkspaceOption
from schemas.errors import UsageFault

app = typer.Typer(
    name="hearsafe",
    help="Hear every resident, expose none: a differential-privacy pipeline for resident surveys.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with README.md; docs/tutorial.md goes the whole way with three surveys. Exit codes: docs/errors.md.",
)
for room in (data_team, wave_ending, officer, audit_verb, separation, registering, analyst):
    room.register(app)


# Matrices here have hundreds of rows: a second thread of NumPy's costs more than it gives.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _version(wanted: bool) -> None:
    if wanted:
        console.say(analyst.version_line())
        raise typer.Exit


@app.callback()
def everywhere(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    ledger: LedgerOption = None,
    store: StoreOption = None,
    version: Annotated[  # noqa: ARG001  (its callback answers)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Hear every resident, expose none: a differential-privacy pipeline for resident surveys."""
    context.obj = Common(workspace, ledger, store)


def run(arguments: list[str]) -> int:
    """Run one command. Returns: its exit code. A wrong call is one line, like every other error."""
    try:
        code = app(arguments, prog_name="hearsafe", standalone_mode=False)
    except typer.TyperException as misuse:
        command = getattr(getattr(misuse, "ctx", None), "command_path", "hearsafe")
        what, _, meant = misuse.format_message().partition(" Did you mean ")
        if not what:  # no verb at all: the help that was printed is the answer
            return UsageFault.exit_code
        advice = f"Did you mean {meant} " if meant else ""
        failure = UsageFault("usage", what.rstrip("."), do=f"{advice}See {command} --help")
    except typer.Abort:
        return console.INTERRUPTED
    else:
        return code if isinstance(code, int) else 0
    console.report(failure, as_json="--json" in arguments)
    return failure.exit_code


def main() -> None:
    """Entry point of the installed command. A library's warning is not for its users (python -W shows them)."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    sys.exit(console.exit_code_of(lambda: _exit(run(sys.argv[1:])), as_json=False))


def _exit(code: int) -> None:
    if code:
        raise typer.Exit(code)


if __name__ == "__main__":
    main()

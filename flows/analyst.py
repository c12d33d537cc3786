"""Verbs of the analyst, and of anybody: the report and the proof of a release."""

from pathlib import Path
from typing import Annotated

import typer

from flows.console import say, say_json, verb
from flows.options import JsonOption, ReleaseArgument, WorkspaceOption, release_folder, workspace_root

PANEL = "Analyst"


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    for name, function in (("report", report), ("verify", verify), ("version", version)):
        app.command(name, rich_help_panel=PANEL)(function)


@verb
def report(
    context: typer.Context,
    release: ReleaseArgument,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Copy the report to this file.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """The report of a release, from its released files only: one offline HTML file."""
    from flows.words import written_report

    say(str(written_report(release_folder(workspace_root(context, workspace), release), out)))


@verb
def verify(
    context: typer.Context,
    release: ReleaseArgument,
    key: Annotated[
        str | None, typer.Option("--key", metavar="FINGERPRINT", help="The fingerprint its owner publishes.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that files, card, signature and ledger head of a release agree, without the zone."""
    from flows.words import verification_as_dict, verification_line
    from pipelines.outlet import verify as proof

    found = proof.verify(release_folder(workspace_root(context, workspace), release), key)
    say_json(verification_as_dict(found)) if as_json else say(verification_line(found))


def version_line() -> str:
    """Name and version of what is installed."""
    from importlib.metadata import version as installed

    return f"hearsafe {installed('hearsafe')}"


@verb
def version() -> None:
    """Show the version."""
    say(version_line())

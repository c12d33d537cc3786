"""The verb that puts other publications on record: what was published beside the releases, without noise."""

from pathlib import Path
from typing import Annotated

import typer

from flows.console import say, say_json, verb
from flows.options import (
    Directory,
    JsonOption,
    PolicyOption,
    WitnessOption,
    WorkspaceOption,
    declared,
    published_file,
    workspace_of,
)

PANEL = "Privacy officer"


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command("register", rich_help_panel=PANEL)(register_publication)


@verb
def register_publication(
    context: typer.Context,
    directory: Directory,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="The file that was or will be published, where it is at hand."),
    ] = None,
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="What it is and why it is published, for every later card.")
    ] = "",
    called: Annotated[
        str | None, typer.Option("--called", metavar="NAME", help="What it is called (else the file's name).")
    ] = None,
    policy: PolicyOption = None,
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put on record that something else was published from this wave's answers, without noise. For good."""
    from pipelines import registering
    from pipelines.ledger.store import Ledger

    declarations = declared(directory, policy)
    ledger = Ledger.open(workspace_of(context, workspace), witness=witness)
    event = registering.register(ledger, declarations, why=why, name=called, file=published_file(file))
    if as_json:
        say_json({"seq": event.seq, "time": event.time, **event.body})
        return
    say(f"registered as event {event.seq}: {event.body['name']} is published and not protected")
    say(f"Every later release of {declarations.survey.population} says so on its card")

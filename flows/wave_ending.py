"""Verbs that end a wave: close and expire, by hand or when due."""

from typing import Annotated

import typer

from flows.console import progress, say, say_json, verb
from flows.key_sources import key_of
from flows.options import (
    Directory,
    JsonOption,
    KeyOption,
    OfficerKeyOption,
    PolicyOption,
    WitnessOption,
    WorkspaceOption,
    declared,
    workspace_of,
)

PANEL = "Data team"
IfDueOption = Annotated[
    bool, typer.Option("--if-due", help="Do nothing before the policy's date: for a schedule. Exit 0 either way.")
]


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    for name, function in (("close", close), ("expire", expire)):
        app.command(name, rich_help_panel=PANEL)(function)


def _say_not_due(due: str | None, as_json: bool) -> None:
    say_json({"done": False, "due": due}) if as_json else say(f"not due before {due}: nothing was done")


@verb
def close(
    context: typer.Context,
    directory: Directory,
    if_due: IfDueOption = False,
    policy: PolicyOption = None,
    key_source: KeyOption = "file",
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Destroy a wave's pseudonyms and their key: it takes no more answers, and none can be joined to anybody."""
    from pipelines import wave_end

    declarations, key, place = (
        declared(directory, policy),
        key_of(key_source),
        workspace_of(context, workspace),
    )
    waiting = wave_end.waiting_for(place, declarations, witness=witness)[0] if if_due else None
    if waiting is not None:
        _say_not_due(waiting, as_json)
        return
    try:
        with progress("opening the zone") as tell:
            event = wave_end.close_wave(place, declarations, key=key, if_due=if_due, witness=witness, tell=tell)
    except wave_end.NotDueError as kept:  # something was ingested since we looked
        _say_not_due(kept.due, as_json)
        return
    said = {"done": True, "seq": event.seq, "time": event.time}
    say_json(said) if as_json else say(f"closed at {event.time}: the pseudonyms and their key are destroyed")


@verb
def expire(  # noqa: PLR0913, PLR0917  (the options of a command)
    context: typer.Context,
    directory: Directory,
    now: Annotated[
        bool, typer.Option("--now", help="Before the policy's date; where there are officers, one of them signs.")
    ] = False,
    officer_key: OfficerKeyOption = None,
    cluster_gone: Annotated[
        bool,
        typer.Option("--cluster-gone", help="Do not ask the Spark cluster: its rows are removed, or it is gone."),
    ] = False,
    if_due: IfDueOption = False,
    policy: PolicyOption = None,
    key_source: KeyOption = "file",
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Destroy a wave's zone and its key, on or after the policy's date: no answer can be read again, by anybody."""
    from pipelines import wave_end

    declarations, key, place = (
        declared(directory, policy),
        key_of(key_source),
        workspace_of(context, workspace),
    )
    waiting = wave_end.waiting_for(place, declarations, witness=witness)[1] if if_due and not now else None
    if waiting is not None:
        _say_not_due(waiting, as_json)
        return
    try:
        event, gone = wave_end.expire_wave(
            place,
            declarations,
            key=key,
            now=now,
            officer_key=officer_key,
            witness=witness,
            cluster_gone=cluster_gone,
        )
    except wave_end.NotDueError as kept:
        if not if_due or kept.due is None:
            raise
        _say_not_due(kept.due, as_json)
        return
    if as_json:
        say_json({"done": True, "seq": event.seq, "time": event.time, "zone_key_destroyed": gone})
        return
    say(f"expired at {event.time}: the zone and the wave's keys are destroyed")
    if not gone:
        say(f"the zone key itself is at {key.kind}:{key.place}: destroy it there, and in every backup")

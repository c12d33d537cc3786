"""Verbs that stop or narrow what may be spent: at once and by anybody, while the way back needs an officer."""

from typing import Annotated

import typer

from flows.console import say, say_json, verb
from flows.options import (
    Directory,
    JsonOption,
    OfficerKeyOption,
    PolicyOption,
    WitnessOption,
    WorkspaceOption,
    declared,
    workspace_of,
)

PANEL = "Privacy officer"
LONGEST_REASON = 200


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    for name, function in (("freeze", freeze), ("thaw", thaw), ("lower", lower)):
        app.command(name, rich_help_panel=PANEL)(function)


@verb
def freeze(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the ledger: it is public.")] = "",
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop every charge at once. Anybody with the workspace may; lifting it needs an officer (thaw)."""
    from pipelines.ledger.store import Ledger
    from schemas.ledger import EventKind

    ledger = Ledger.open(workspace_of(context, workspace), witness=witness)
    event = ledger.record(EventKind.FROZEN, {"reason": reason[:LONGEST_REASON]})
    said = {"seq": event.seq, "time": event.time}
    say_json(said) if as_json else say(
        f"frozen: no charge is given from event {event.seq} on. Lift it with hearsafe thaw"
    )


@verb
def thaw(
    context: typer.Context,
    officer_key: OfficerKeyOption = None,
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lift a freeze, with an officer's signature wherever a policy in force has officers."""
    from pipelines.ledger import approvals
    from pipelines.ledger.store import Ledger

    event = approvals.thaw(Ledger.open(workspace_of(context, workspace), witness=witness), officer_key)
    said = {"seq": event.seq, "time": event.time, "officer": event.body.get("officer")}
    say_json(said) if as_json else say(f"thawed: charges are given again from event {event.seq} on")


@verb
def lower(
    context: typer.Context,
    directory: Directory,
    policy: PolicyOption = None,
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put lower caps of policy.yaml in force at once. Raising one needs approvals."""
    from flows.budget_tables import change_line
    from pipelines.ledger import approvals
    from pipelines.ledger.store import Ledger
    from pipelines.planning import cap_changes

    wanted = declared(directory, policy).policy
    ledger = Ledger.open(workspace_of(context, workspace), witness=witness)
    changes = cap_changes(ledger.state(), wanted)
    event = approvals.lower(ledger, wanted)
    if as_json:
        say_json({"seq": event.seq, "time": event.time, "changed_caps": changes})
        return
    say(f"in force from event {event.seq} on: policy {event.body['policy_digest'][:12]}")
    for change in changes:
        say(change_line(change, wanted.delta))

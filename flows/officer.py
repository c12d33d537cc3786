"""Verbs of the privacy officer: keys, plans, approvals, and what has been spent."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.console import progress, say, say_json, say_next, show, verb
from flows.options import (
    Directory,
    JsonOption,
    MemoryOption,
    NoBrowserOption,
    PolicyOption,
    PortOption,
    TargetOption,
    WitnessOption,
    WorkspaceOption,
    declared,
    workspace_of,
    workspace_root,
)

if TYPE_CHECKING:
    from pipelines.ledger.store import Ledger

PANEL = "Privacy officer"


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    for name, function in (
        ("officer-key", officer_key),
        ("plan", plan),
        ("tune", tune),
        ("approve", approve),
        ("budget", budget),
    ):
        app.command(name, rich_help_panel=PANEL)(function)


@verb
def officer_key(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the new private key is written, for its owner only.")
    ],
) -> None:
    """Make an officer's Ed25519 key, and print the line that names it in policy.yaml."""
    from pipelines.ledger.approvals import new_officer_key

    say(new_officer_key(file))


@verb
def plan(
    context: typer.Context,
    directory: Directory,
    explain: Annotated[
        bool, typer.Option("--explain", help="List every table, and what naming a crosstab as priority would buy.")
    ] = False,
    target: TargetOption = None,
    policy: PolicyOption = None,
    witness: WitnessOption = None,
    memory: MemoryOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a release would cost and how precise every table is expected to be. Spends nothing."""
    from flows.bought import bought_as_dict, bought_lines, priorities_tried
    from flows.frame_lines import frame_lines, frames_as_dict
    from flows.plan_tables import counting_lines, header_lines, kind_tables, plan_as_dict
    from flows.plan_targets import needed_by, needed_line, wished
    from pipelines.ledger.approvals import approvals_given
    from pipelines.memory import DEFAULT_RELEASE
    from pipelines.planning import planned, scopes_left
    from pipelines.prior_release import with_earlier_belief
    from pipelines.zone.packing import release_packing
    from schemas.canonical import digest

    ledger = _ledger_if_any(context, workspace, witness)
    root, key = workspace_root(context, workspace), ledger.public_key_hex if ledger else None
    declarations = with_earlier_belief(declared(directory, policy), root, key)
    with progress("planning"):
        made = planned(declarations)
        needed = needed_by(declarations, wished(target, made)) if target else None
        priorities = priorities_tried(declarations, made) if explain else None
    state = ledger.state() if ledger else None
    left = scopes_left(state, made, declarations.policy) if state else None
    approvals = (approvals_given(state, made) if state else 0, declarations.policy.approvals.needed)
    if as_json:
        frames = {"frames": frames_as_dict(declarations)}
        say_json(plan_as_dict(made, digest(made), left, approvals) | bought_as_dict(priorities, needed) | frames)
        return
    header = [*header_lines(made, digest(made), left, approvals), *frame_lines(declarations)]
    for line in [*header, *bought_lines(made, priorities)]:
        say(line)
    if needed:
        say(needed_line(needed))
    if explain:
        for line in counting_lines(release_packing(declarations.survey, made, memory or DEFAULT_RELEASE)):
            say(line)
    for table in kind_tables(made, explain=explain):
        show(table)


@verb
def tune(
    context: typer.Context,
    directory: Directory,
    port: PortOption = None,
    no_browser: NoBrowserOption = False,
    policy: PolicyOption = None,
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Open the officer's app: turn the policy's numbers and see cost and margins at once. Spends nothing."""
    from flows.apps import open_app

    declared(directory, policy)
    places = {"dir": directory, "policy": policy, "witness": witness, "workspace": workspace_root(context, workspace)}
    given = {name: None if place is None else str(place.absolute()) for name, place in places.items()}
    open_app("tune_budget.py", given, port=port, browser=not no_browser)


def _ledger_if_any(context: typer.Context, workspace: Path | None, witness: Path | None) -> "Ledger | None":
    """The workspace's ledger, where one was begun: looking at a plan makes no workspace."""
    from pipelines.workspace import has_traces_of_ledger

    if not has_traces_of_ledger(workspace_root(context, workspace)):
        return None
    from pipelines.ledger.store import Ledger

    return Ledger.open(workspace_of(context, workspace), witness=witness)


@verb
def approve(
    context: typer.Context,
    directory: Directory,
    officer_key: Annotated[
        Path, typer.Option("--officer-key", metavar="FILE", help="Private key of the approving officer.")
    ],
    policy: PolicyOption = None,
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the plan, so that it may be charged."""
    from flows.budget_tables import approval_as_dict, approval_line, change_line, earlier_lines
    from pipelines.ledger import approvals
    from pipelines.ledger.store import Ledger
    from pipelines.planning import cap_changes, planned
    from pipelines.prior_release import with_earlier_belief

    declarations = declared(directory, policy)
    place = workspace_of(context, workspace)
    ledger = Ledger.open(place, witness=witness)
    with progress("planning"):
        declarations = with_earlier_belief(declarations, place.root, ledger.public_key_hex)
        made = planned(declarations)
    before = ledger.state()
    changes = cap_changes(before, declarations.policy)
    event = approvals.approve(ledger, made, declarations.policy, officer_key)
    if as_json:
        say_json(approval_as_dict(event) | {"changed_caps": changes})
        return
    say(approval_line(event))
    for line in earlier_lines(before, event):
        say(line)
    for change in changes:
        say(change_line(change, declarations.policy.delta))
    say_next(f"hearsafe release {directory}")


@verb
def budget(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Show only the population of these declarations.")
    ] = None,
    policy: PolicyOption = None,
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was spent, when and who approved it, what is left, refusals, approvals and the witness."""
    from flows.budget_tables import budget_as_dict, budget_lines, scope_table, witness_lines, witnesses_as_dicts
    from flows.charge_tables import charge_table, charges_as_dicts

    population = declared(directory, policy).survey.population if directory else None
    ledger = _ledger_if_any(context, workspace, witness)
    if ledger is None:
        say_json({"scopes": []}) if as_json else say("Nothing has been spent in this workspace: it has no ledger yet")
        return
    if as_json:
        outside = witnesses_as_dicts(ledger, workspace_of(context, workspace), witness)
        charges = {"charges": charges_as_dicts(ledger, population)}
        say_json(budget_as_dict(ledger, population) | charges | {"witnesses": outside})
        return
    show(scope_table(ledger.state(), population))
    charged = charge_table(ledger, population)
    if charged is not None:
        show(charged)
    outside = witness_lines(ledger, workspace_of(context, workspace), witness)
    for line in [*budget_lines(ledger, population), *outside]:
        say(line)

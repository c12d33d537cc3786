"""Verbs of the data team: declare, ingest, release, and the whole way in one command."""

from pathlib import Path
from typing import Annotated

import typer

from flows import starting
from flows.console import progress, say, say_json, say_next, verb
from flows.key_sources import key_of
from flows.options import (
    ContactsOption,
    Directory,
    JsonOption,
    KeyOption,
    MemoryOption,
    OfficerKeyOption,
    PolicyOption,
    PortOption,
    SourceOption,
    WitnessOption,
    WorkspaceOption,
    contact_file,
    declared,
    source_files,
    workspace_of,
    workspace_root,
)
from schemas.errors import InternalFault, UsageFault

PANEL = "Data team"


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    starting.register(app, PANEL)
    for name, function in (
        ("demo", demo),
        ("check", check),
        ("invite", invite),
        ("ingest", ingest),
        ("release", release),
        ("run", run),
        ("serve", serve),
    ):
        app.command(name, rich_help_panel=PANEL)(function)


@verb
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Folder of the demo; made again each time.")] = Path(
        "hearsafe-demo"
    ),
    as_json: JsonOption = False,
) -> None:
    """Build the synthetic city of Riverbend and run everything, from raw exports to a verified release."""
    from flows.demo import run_demo

    with progress("building Riverbend"):
        ended = run_demo(folder)
    if as_json:
        say_json(ended.as_dict())
        return
    for line in ended.lines():
        say(line)


@verb
def check(directory: Directory, policy: PolicyOption = None, as_json: JsonOption = False) -> None:
    """Validate survey.yaml and policy.yaml, showing every problem at once. Spends nothing."""
    from flows.checking import checked, summary_of
    from flows.frame_lines import frame_lines

    declarations = checked(directory, policy, as_json=as_json)
    summary = summary_of(declarations)
    if as_json:
        say_json(summary)
    else:
        size = f"{summary['attributes']} attributes, {summary['sources']} sources"
        say(f"{summary['survey']}, wave {summary['wave']}: the declarations are valid ({size})")
        for line in frame_lines(declarations):
            say(line)
        say_next(f"hearsafe plan {directory} shows what they cost and buy")


@verb
def invite(
    context: typer.Context,
    directory: Directory,
    contacts: Annotated[Path, typer.Option("--contacts", metavar="FILE", help="Contact list of verified residents.")],
    mailing: Annotated[
        Path | None,
        typer.Option(
            "--mailing",
            metavar="FILE",
            help="New file, outside the workspace: contacts and codes (else ./mailing-SURVEY-WAVE.csv).",
        ),
    ] = None,
    policy: PolicyOption = None,
    key_source: KeyOption = "file",
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue a one-time code to every contact that has none. Only hashes are kept; the mailing file is yours."""
    from pipelines import invite as inviting

    declarations, key, listed = declared(directory, policy), key_of(key_source), contact_file(contacts)
    place, survey = workspace_of(context, workspace), declarations.survey
    mailing = mailing or Path(f"mailing-{survey.survey}-{survey.wave.id}.csv")
    with progress("issuing codes"):
        written, left_out = inviting.invite(place, declarations, listed or contacts, mailing, key=key, witness=witness)
    if as_json:
        say_json({"mailing": str(mailing), "written": written, "left_out": left_out})
        return
    say(f"{mailing}: {written} contacts with a code; {left_out} records left out (no key, or a code already)")
    say("It alone joins names to codes: mail from it, then destroy it")


@verb
def ingest(  # noqa: PLR0913, PLR0917  (the options of a command)
    context: typer.Context,
    directory: Directory,
    source: SourceOption = None,
    contacts: ContactsOption = None,
    show: Annotated[
        bool,
        typer.Option(
            "--show", help="Let the zone print what became of each file: exact numbers, inside the trust boundary."
        ),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace what this wave holds by these files.")] = False,
    policy: PolicyOption = None,
    key_source: KeyOption = "file",
    witness: WitnessOption = None,
    memory: MemoryOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take raw exports into the encrypted zone. Outside it, only the new snapshot's id is said."""
    from pipelines import ingest as intake
    from pipelines.memory import DEFAULT_INGEST

    if show and as_json:
        raise UsageFault(
            "show_json",
            "--show prints exact numbers for a person, not for a script",
            where="--json",
            do="Use one of them",
        )
    declarations, key = declared(directory, policy), key_of(key_source)
    if source or not show:
        files, listed = source_files(declarations.survey, source), contact_file(contacts)
        with progress("ingesting") as tell:
            snapshot = intake.ingest(
                workspace_of(context, workspace),
                declarations,
                files,
                contacts=listed,
                key=key,
                witness=witness,
                replace=replace,
                memory=memory or DEFAULT_INGEST,
                tell=tell,
            )
        say_json({"snapshot_id": snapshot}) if as_json else say(f"snapshot {snapshot}")
        if not show:
            say_next(f"hearsafe ingest {directory} --show prints what became of the rows; then hearsafe release")
    ended = intake.show_ingest(workspace_of(context, workspace), declarations, key=key) if show else 0
    if ended > 1:  # the worker has said why, in its own line
        raise typer.Exit(ended)
    if ended:
        raise InternalFault("show_failed", "the zone could not show its ingests", do="Run the command again")


@verb
def release(
    context: typer.Context,
    directory: Directory,
    policy: PolicyOption = None,
    key_source: KeyOption = "file",
    witness: WitnessOption = None,
    memory: MemoryOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Charge the plan, measure once, and publish. The same plan on the same snapshot is returned free."""
    from flows.words import release_as_dict, release_line
    from pipelines import release as releasing
    from pipelines.memory import DEFAULT_RELEASE

    declarations, key = declared(directory, policy), key_of(key_source)
    with progress("planning") as tell:
        result = releasing.release(
            workspace_of(context, workspace),
            declarations,
            key=key,
            witness=witness,
            memory=memory or DEFAULT_RELEASE,
            tell=tell,
        )
    if as_json:
        say_json(release_as_dict(result, declarations.policy.delta))
    else:
        say(release_line(result, declarations.policy.delta))
        say(str(result.folder))
        say_next(f"open {result.folder / 'report.html'}, or hearsafe explore {result.release_id}")


@verb
def run(  # noqa: PLR0913, PLR0917  (the options of a command)
    context: typer.Context,
    directory: Directory,
    source: SourceOption = None,
    contacts: ContactsOption = None,
    officer_key: OfficerKeyOption = None,
    policy: PolicyOption = None,
    key_source: KeyOption = "file",
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ingest, approve, release and report in one Prefect flow."""
    from flows.through_prefect import Errand, ingest_to_report

    declarations = declared(directory, policy)
    files, listed = source_files(declarations.survey, source), contact_file(contacts)
    key_of(key_source)
    workspace_of(context, workspace)
    errand = Errand.of(
        workspace_root(context, workspace),
        directory,
        files,
        contacts=listed,
        officer_key=officer_key,
        policy=policy,
        key_source=key_source,
        witness=witness,
    )
    with progress("starting Prefect"):
        folder = ingest_to_report(errand)
    report = folder / "report.html"
    say_json({"folder": str(folder), "report": str(report)}) if as_json else say(
        f"release  {folder}\nreport   {report}"
    )


@verb
def serve(  # noqa: PLR0913, PLR0917  (the options of a command)
    context: typer.Context,
    directory: Directory,
    cron: Annotated[str, typer.Option("--cron", metavar="CRON", help='When to run, such as "0 6 * * 1".')],
    timezone: Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Time zone of --cron.")] = "UTC",
    source: SourceOption = None,
    contacts: ContactsOption = None,
    officer_key: OfficerKeyOption = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the deployment (else the survey's).")] = None,
    port: PortOption = None,
    policy: PolicyOption = None,
    key_source: KeyOption = "file",
    witness: WitnessOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Run `run` on a schedule, with a Prefect server on this machine unless PREFECT_API_URL names one."""
    from flows.serving import serve as serve_forever
    from flows.through_prefect import Errand

    declarations = declared(directory, policy)
    files, listed = source_files(declarations.survey, source), contact_file(contacts)
    key_of(key_source)
    workspace_of(context, workspace)
    errand = Errand.of(
        workspace_root(context, workspace),
        directory,
        files,
        contacts=listed,
        officer_key=officer_key,
        policy=policy,
        key_source=key_source,
        witness=witness,
    )
    serve_forever(errand, name=name or declarations.survey.survey, cron=cron, timezone=timezone, port=port)

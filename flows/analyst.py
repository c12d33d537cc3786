"""Verbs of the analyst, and of anybody: the report and the proof of a release."""

from pathlib import Path
from typing import Annotated

import typer

from flows.console import say, say_json, verb
from flows.options import (
    JsonOption,
    NoBrowserOption,
    PortOption,
    ReleaseArgument,
    WorkspaceOption,
    release_folder,
    workspace_root,
)

PANEL = "Analyst"


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    for name, function in (
        ("report", report),
        ("explore", explore),
        ("card", card),
        ("export", export),
        ("catalog", catalog),
        ("verify", verify),
        ("version", version),
    ):
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
def explore(
    context: typer.Context,
    release: Annotated[
        str | None,
        typer.Argument(metavar="[RELEASE]", help="A release folder or id (else every release of the workspace)."),
    ] = None,
    lesson: Annotated[
        bool, typer.Option("--lesson", help="Open how the noise works instead, on an invented question.")
    ] = False,
    port: PortOption = None,
    no_browser: NoBrowserOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Open the analyst's app: questions, groups and waves with their margins, and what may be concluded."""
    from flows.apps import open_app

    root = workspace_root(context, workspace)
    place = root if release is None else release_folder(root, release)
    given = {} if lesson else {"releases": str(place.absolute())}
    name = "how_the_noise_works.py" if lesson else "explore_release.py"
    open_app(name, given, port=port, browser=not no_browser)


@verb
def export(
    context: typer.Context,
    release: ReleaseArgument,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="FILE.xlsx, FILE.csv, or a folder for CSV tables.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a release as a workbook of one sheet a question, or as CSV."""
    from pipelines.outlet.export import export as written

    path = written(release_folder(workspace_root(context, workspace), release), to)
    say_json({"path": str(path)}) if as_json else say(str(path))


@verb
def catalog(
    context: typer.Context,
    releases: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RELEASE]...", help="Release folders or ids (else every release of the workspace)."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="A DuckDB database, or SQL where it ends in .sql.")
    ] = Path("hearsafe-catalog.duckdb"),
    key: Annotated[
        str | None, typer.Option("--key", metavar="FINGERPRINT", help="The fingerprint that every release must have.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write views over all releases and waves, each verified before: a DuckDB database for analysts."""
    from pipelines.outlet.catalog import write_catalog
    from pipelines.outlet.folders import release_folders

    root = workspace_root(context, workspace)
    folders = [release_folder(root, name) for name in releases or ()] or release_folders(root / "releases")
    count = write_catalog(folders, out, key)
    words = f"{count} release{'s' if count != 1 else ''}, each verified"
    say_json({"path": str(out), "releases": count}) if as_json else say(f"{out}: {words}")


@verb
def card(
    context: typer.Context,
    release: ReleaseArgument,
    registry: Annotated[
        Path | None,
        typer.Option("--registry", metavar="FILE", help="Write an entry of the public registry of deployments (YAML)."),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write both faces as a page.")] = None,
    curator: Annotated[
        str | None, typer.Option("--curator", help="Who answers for the data, for the registry (else the population).")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="Where, for the registry (as above).")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """The release card: the residents' face in plain words, or exports of both faces."""
    from flows.words import card_lines, written_file
    from pipelines.outlet import verify as proof
    from pipelines.outlet.card_page import render_card
    from pipelines.outlet.registry import registry_yaml

    folder = release_folder(workspace_root(context, workspace), release)
    found = proof.verify(folder, None).card
    written = [
        written_file(folder, out, content(), option)
        for out, content, option in (
            (registry, lambda: registry_yaml(found, curator=curator, region=region), "--registry"),
            (html, lambda: render_card(found), "--html"),
        )
        if out is not None
    ]
    if as_json:
        say_json(found.model_dump(mode="json"))
        return
    for line in [str(path) for path in written] or card_lines(found):
        say(line)


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
    """Prove that files, card, signature and ledger head of a release agree, without the zone.

    RELEASE may be in an object store: s3://BUCKET/PREFIX/SURVEY/WAVE/ID.
    """
    from flows.words import verification_as_dict, verification_line
    from pipelines.outlet import verify as proof

    if "://" in release:
        from pipelines.outlet.object_store import read_stored

        found = proof.verify_files(read_stored(release), key)
    else:
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

"""Arguments and options that several verbs share, and what they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.console import note
from schemas.errors import InputRefused, UsageFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.declarations import Declarations
    from pipelines.intake.batch import SourceFile
    from pipelines.workspace import Workspace
    from schemas.survey import Survey

DEFAULT_WORKSPACE = Path("hearsafe-workspace")

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="Directory that holds survey.yaml and policy.yaml.")]
ReleaseArgument = Annotated[
    str, typer.Argument(metavar="RELEASE", help="A release folder, or the id of a release in the workspace.")
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="FOLDER",
        help="Keys, zones, ledger and releases (else HEARSAFE_WORKSPACE, else ./hearsafe-workspace).",
    ),
]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="Use this file instead of DIR/policy.yaml.")
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="TABLE=POINTS",
        help="A margin wished for, in points, for a table or a kind of table: says which ε it needs; repeatable.",
    ),
]
SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="[ID=]PATH",
        help="A source file, with the id of its source where several are declared; repeatable.",
    ),
]
ContactsOption = Annotated[
    Path | None, typer.Option("--contacts", metavar="FILE", help="Contact list of verified residents.")
]
KeyOption = Annotated[
    str,
    typer.Option(
        "--key-source",
        metavar="PLACE",
        help="Where the zone key is: file, file:PATH, env:NAME, keyring:SERVICE/USER or prefect:BLOCK.",
    ),
]
WitnessOption = Annotated[
    Path | None,
    typer.Option(
        "--witness", metavar="FILE", help="Witness file, best under another owner (else ledger/witness.jsonl)."
    ),
]
OfficerKeyOption = Annotated[
    Path | None, typer.Option("--officer-key", metavar="FILE", help="Private key of the approving officer.")
]
PortOption = Annotated[
    int | None, typer.Option("--port", metavar="N", help="Port on this machine (else any free one).")
]
NoBrowserOption = Annotated[bool, typer.Option("--no-browser", help="Only print the address.")]
MemoryOption = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help="Bound on the zone worker's memory, such as 2GB.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write the result as JSON.")]


LedgerOption = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        metavar="URL",
        help="Keep the ledger in this database, postgresql://USER@HOST/NAME (else HEARSAFE_LEDGER, else a file). "
        "Needed once: the workspace remembers it.",
    ),
]


StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="Publish releases to this object store as well, s3://BUCKET/PREFIX (else HEARSAFE_STORE, else none). "
        "Needed once: the workspace remembers it.",
    ),
]


@dataclass(frozen=True)
class Common:
    """What was given before the verb."""

    workspace: Path | None
    ledger: str | None = None
    store: str | None = None


def workspace_root(context: typer.Context, after_verb: Path | None) -> Path:
    """The workspace's folder: given after the verb, before it, by HEARSAFE_WORKSPACE, or the default one."""
    import os

    before_verb = context.obj.workspace if isinstance(context.obj, Common) else None
    named = after_verb or before_verb or os.environ.get("HEARSAFE_WORKSPACE")
    return Path(named) if named else DEFAULT_WORKSPACE


def workspace_of(context: typer.Context, after_verb: Path | None) -> Workspace:
    """The workspace, its folders made where they are missing, its ledger where it was named. Raises: UsageFault."""
    import os

    from pipelines.workspace import open_workspace

    workspace = open_workspace(workspace_root(context, after_verb))
    before_verb = context.obj.ledger if isinstance(context.obj, Common) else None
    named = before_verb or os.environ.get("HEARSAFE_LEDGER")
    if named:
        workspace.keep_ledger_at(named)
    store = (context.obj.store if isinstance(context.obj, Common) else None) or os.environ.get("HEARSAFE_STORE")
    if store:
        from pipelines.outlet.object_store import require_store_url

        workspace.keep_store_at(require_store_url(store))
    return workspace


def declared(directory: Path, policy: Path | None) -> Declarations:
    """The checked declarations. Raises: DeclarationFault."""
    from pipelines.declarations import load_declarations

    return load_declarations(directory, policy)


def source_files(survey: Survey, given: Sequence[str] | None) -> list[SourceFile]:
    """The files of `--source [ID=]PATH`. The id may be left out where one source is declared.

    A declared source without a file is said on stderr: another export of it may come later.

    Raises: UsageFault: no file, an unknown id, or an id that is needed. InputRefused: no such file.
    """
    from pipelines.intake.batch import SourceFile

    if not given:
        raise UsageFault("source_needed", "no source file is given", where="--source", do="Give --source [ID=]PATH")
    ids = [source.id for source in survey.sources]
    files = [SourceFile(*_id_and_path(text, ids)) for text in given]
    for file in files:
        _existing(file.path, "source file")
    without = [name for name in ids if name not in {file.source_id for file in files}]
    if without:
        note(f"no file is given for {', '.join(without)}; a release of what is there spends as much as one of all")
    return files


def contact_file(path: Path | None) -> Path | None:
    """The contact list. Raises: InputRefused: no such file."""
    if path is not None:
        _existing(path, "contact list")
    return path


def published_file(path: Path | None) -> Path | None:
    """A file that was published. Raises: InputRefused: no such file."""
    if path is not None:
        _existing(path, "published file")
    return path


def format_name(name: str | None) -> str | None:
    """The name of an export format. Raises: UsageFault: there is none of this name."""
    from typing import get_args

    from schemas.survey import SourceFormat

    known = get_args(SourceFormat)
    if name is not None and name not in known:
        raise UsageFault("format_unknown", "there is no such format", where="--format", do=f"Use {', '.join(known)}")
    return name


def _existing(path: Path, what: str) -> None:
    if not path.is_file():
        raise InputRefused(
            "source_missing", f"the {what} does not exist or is not a file", where=str(path), do="Check the path"
        )


def _id_and_path(text: str, ids: list[str]) -> tuple[str, Path]:
    named, equals, path = text.partition("=")
    if equals and named in ids and path:
        return named, Path(path)
    known = ", ".join(ids)
    if len(ids) == 1 and (not equals or Path(text).exists() or "/" in named):
        return ids[0], Path(text)
    if equals:
        raise UsageFault(
            "source_unknown",
            f"{named[:60]!r} is not a source of survey.yaml",
            where="--source",
            do=f"Declared: {known}",
        )
    raise UsageFault(
        "source_ambiguous", "several sources are declared", where="--source", do=f"Give ID=PATH with one of: {known}"
    )


def release_folder(root: Path, named: str) -> Path:
    """The folder of a release that is named by its path or, within the workspace, by its id."""
    folder = Path(named)
    if folder.exists() or "/" in named:
        return folder
    found = sorted((root / "releases").glob(f"*/*/{named}")) if named.isalnum() else []
    return found[0] if found else folder

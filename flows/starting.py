"""`init`: writes the drafts and says at once what is still open."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.checking import in_brief
from flows.console import error_text, progress, say, say_json, verb
from flows.options import ContactsOption, JsonOption, contact_file, format_name
from schemas.errors import DeclarationFault

if TYPE_CHECKING:
    from pipelines.drafting.write import Written


DraftDirectory = Annotated[
    Path, typer.Argument(metavar="DIR", help="Directory to write survey.yaml and policy.yaml into.")
]
ExportOption = Annotated[
    list[str] | None, typer.Option("--from", metavar="[ID=]EXPORT", help="An export to draft from; repeatable.")
]
CodebookOption = Annotated[
    list[Path] | None,
    typer.Option("--codebook", metavar="FILE", help="A codebook, data dictionary or XLSForm; repeatable."),
]
FormatOption = Annotated[
    str | None, typer.Option("--format", metavar="NAME", help="The format of the exports, where it is not recognised.")
]
PopulationOption = Annotated[
    str | None, typer.Option("--population", metavar="NAME", help="The account that surveys of these residents charge.")
]
FrameOption = Annotated[
    int | None, typer.Option("--frame", min=1, metavar="N", help="People in the population, for the starting delta.")
]
ResponsesOption = Annotated[
    int | None, typer.Option("--responses", min=1, metavar="N", help="Expected responses: a public number.")
]
YearOption = Annotated[
    int | None, typer.Option("--year", min=1900, max=2999, metavar="N", help="Year of the wave (else this year).")
]


def register(app: typer.Typer, panel: str) -> None:
    """Add the verb."""
    app.command("init", rich_help_panel=panel)(init)


@verb
def init(  # noqa: PLR0913, PLR0917  (the options of a command)
    directory: DraftDirectory,
    exports: ExportOption = None,
    codebooks: CodebookOption = None,
    contacts: ContactsOption = None,
    export_format: FormatOption = None,
    population: PopulationOption = None,
    frame: FrameOption = None,
    responses: ResponsesOption = None,
    year: YearOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draft survey.yaml and a commented policy.yaml from column names, labels and codebooks, not from answers."""
    from pipelines.drafting.write import Request, source_ids, write_drafts

    request = Request(
        directory=directory,
        exports=source_ids(exports or []),
        codebooks=tuple(codebooks or []),
        contacts=contact_file(contacts),
        format=format_name(export_format),
        population=population,
        frame=frame,
        responses=responses,
        year=year,
    )
    with progress("drafting"):
        written = write_drafts(request)
    problems = still_open(directory)
    if as_json:
        say_json(written_as_dict(written, problems))
        return
    for line in written_lines(written, problems):
        say(line)


def still_open(directory: Path) -> tuple[DeclarationFault, ...]:
    """What `check` would say of a folder's declarations."""
    from pipelines.declarations import DeclarationFaults, load_declarations

    try:
        load_declarations(directory)
    except DeclarationFaults as faults:
        return faults.all
    except DeclarationFault as fault:
        return (fault,)
    return ()


def written_lines(written: "Written", problems: tuple[DeclarationFault, ...]) -> list[str]:
    """What was written and what must be filled in, for a person."""
    counted = (written.questions, "question"), (written.groups, "demographic"), (written.dropped, "column")
    what = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counted) + " to drop"
    folder = written.survey.parent
    lines = [f"wrote {written.survey} ({what})", f"wrote {written.policy}"]
    if written.confidential is not None:
        lines.append(f"wrote {written.confidential}: CONFIDENTIAL, it holds values of responses; for your eyes only")
    if not problems:
        lines.append("the declarations are valid: compare every option with the questionnaire, then settle each TODO")
        return [*lines, f"next: hearsafe plan {folder} --explain"]
    lines.append(f"to fill in, {len(problems)} places (hearsafe check {folder} lists them again):")
    lines += [f"  {error_text(problem)}" for problem in in_brief(problems)]
    return [*lines, f"next: the questionnaire beside {written.survey.name}, then hearsafe check {folder}"]


def written_as_dict(written: "Written", problems: tuple[DeclarationFault, ...]) -> dict[str, object]:
    """The same for a script."""
    return {
        "survey": str(written.survey),
        "policy": str(written.policy),
        "confidential": None if written.confidential is None else str(written.confidential),
        "questions": written.questions,
        "demographics": written.groups,
        "dropped": written.dropped,
        "valid": not problems,
        "to_fill_in": [problem.as_dict() for problem in problems],
    }

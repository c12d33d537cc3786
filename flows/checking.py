"""`check`: every problem of the declarations at once, one line each."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from flows.console import report, say_json
from flows.frame_lines import frames_as_dict
from schemas.errors import DeclarationFault

if TYPE_CHECKING:
    from pipelines.declarations import Declarations


def checked(directory: Path, policy: Path | None, *, as_json: bool) -> "Declarations":
    """The declarations, or exit code 3 after a line for every problem."""
    from pipelines.declarations import DeclarationFaults, load_declarations

    problems: tuple[DeclarationFault, ...]
    try:
        return load_declarations(directory, policy)
    except DeclarationFaults as faults:
        problems = faults.all
    except DeclarationFault as fault:
        problems = (fault,)
    for problem in problems:
        report(problem, as_json=False)
    if as_json:
        say_json({"valid": False, **problems[0].as_dict(), "problems": [problem.as_dict() for problem in problems]})
    raise typer.Exit(DeclarationFault.exit_code)


def summary_of(declarations: "Declarations") -> dict[str, object]:
    """What a valid pair of declarations says of itself."""
    survey = declarations.survey
    return {
        "valid": True,
        "survey": survey.survey,
        "wave": survey.wave.id,
        "population": survey.population,
        "sources": len(survey.sources),
        "attributes": len(declarations.attributes),
        "survey_digest": declarations.survey_digest,
        "policy_digest": declarations.policy_digest,
        "frames": frames_as_dict(declarations),
    }

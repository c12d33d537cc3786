"""`check`: every problem of the declarations at once, one line each."""

import re
from collections.abc import Sequence
from itertools import groupby
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
    for problem in in_brief(problems):
        report(problem, as_json=False)
    if as_json:
        say_json({"valid": False, **problems[0].as_dict(), "problems": [problem.as_dict() for problem in problems]})
    raise typer.Exit(DeclarationFault.exit_code)


_FEW = 3
_PLACE = re.compile(r"(?P<file>[^:]+):(?P<line>\d+): (?P<field>.+)")


def in_brief(problems: Sequence[DeclarationFault]) -> list[DeclarationFault]:
    """The problems in their order, a run of more than three of one kind as one, which names its first and last line."""
    shown: list[DeclarationFault] = []
    for (file, field, what, do), run in groupby(problems, key=_kind):
        alike = list(run)
        first, last = (_PLACE.fullmatch(problem.where) for problem in (alike[0], alike[-1]))
        if len(alike) <= _FEW or first is None or last is None:
            shown += alike
            continue
        place = f"{file}:{first['line']} to {last['line']}: {field}"
        shown.append(DeclarationFault(alike[0].code, f"{what}, in {len(alike)} places", where=place, do=do))
    return shown


def _kind(problem: DeclarationFault) -> tuple[str, str, str, str]:
    found = _PLACE.fullmatch(problem.where)
    if found is None:
        return ("", problem.where, problem.what, problem.do)
    return (found["file"], re.sub(r"\.\d+\.", ".*.", found["field"]), problem.what, problem.do)


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

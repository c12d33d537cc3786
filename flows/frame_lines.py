"""Groups that are small in public, for people and scripts: what `check` and `plan` say of them."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.declarations import Declarations


def frame_lines(declarations: "Declarations") -> list[str]:
    """One line a table of demographics with small groups, one of what could not be checked, or that all is well."""
    from privacy.public_frames import check_frames

    return [f"Groups: {line}" for line in check_frames(declarations.survey, declarations.policy).lines()]


def frames_as_dict(declarations: "Declarations") -> dict[str, Any]:
    """The same for a script."""
    from privacy.public_frames import check_frames

    found = check_frames(declarations.survey, declarations.policy)
    small = [asdict(group) for group in found.small]
    terms = found.terms.model_dump(mode="json")
    return {**terms, "frame": found.frame, "small": small, "unknown": list(found.unknown), "checked": found.checked}

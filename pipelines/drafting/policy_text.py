"""The starting policy: a template that explains each of its numbers. No number of policy is in code."""

import json
from importlib.resources import files

from pipelines.drafting.survey_text import OPEN, Known

_LARGEST_DELTA = "1.0e-6"


def policy_text(known: Known, *, has_key: bool) -> str:
    """policy.yaml. δ starts at min(1e-6, 1/(10·frame)): the chance stays well below one resident in the frame."""
    template = files("pipelines.drafting").joinpath("policy.starting.yaml").read_text(encoding="utf-8")
    frame = known.frame
    small = frame is None or 1 / (10 * frame) >= 1e-6
    reason = f"Here: {frame:,} people." if frame else f"{OPEN} with more than 100,000 people, write 1/(10 · people)."
    return template.format(
        population=json.dumps(known.population) if known.population else f" # {OPEN}",
        protects="resident" if has_key else "response",
        delta=_LARGEST_DELTA if small else f"{1 / (10 * (frame or 1)):.1e}",
        delta_reason=reason,
    )

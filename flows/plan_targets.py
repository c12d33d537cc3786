"""Margins wished for on the command line, and the ε that they need."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from schemas.errors import DeclarationFault, UsageFault

if TYPE_CHECKING:
    from pipelines.declarations import Declarations
    from schemas.plan import Plan


_KINDS = {"toplines": "topline", "indices": "index", "crosstabs": "crosstab", "demographics": "demographic"}
"""Kinds of tables as policy.yaml and the headings of the plan name them."""


@dataclass(frozen=True)
class Needed:
    """Smallest ε at which all targets are expected to hold, if there is one; `refused`: why this policy cannot spend
    it, or cannot hold them with it.
    """

    targets: dict[str, float]
    epsilon: float | None
    refused: str | None

    def as_dict(self) -> dict[str, Any]:
        """For a script."""
        return {"targets": self.targets, "epsilon": self.epsilon, "refused": self.refused}


def _target(text: str, plan: "Plan") -> tuple[str, float]:
    from privacy.inverse import named

    table, _, points = text.rpartition("=")
    try:
        wanted = float(points)
    except ValueError:
        wanted = 0.0
    if not table or not isfinite(wanted) or not 0 < wanted <= 100:
        raise UsageFault(
            "target", "is not TABLE=POINTS with points above 0", where=f"--target {text}", do="Write quality_of_life=3"
        )
    if not named(plan, table):
        table = _KINDS.get(table, table)
    if not named(plan, table):
        raise UsageFault(
            "target",
            "names neither a table of this plan nor a kind of table",
            where=f"--target {text}",
            do="Name one as --explain lists it, or toplines, indices, crosstabs, index_crosstab, demographics",
        )
    return table, wanted


def wished(texts: Sequence[str], plan: "Plan") -> dict[str, float]:
    """Raises: UsageFault: a target is not TABLE=POINTS, or names no table of the plan."""
    return dict(_target(text, plan) for text in texts)


def needed_by(declarations: "Declarations", targets: dict[str, float]) -> Needed:
    """What the targets need, and whether the policy as it stands could spend it."""
    from privacy.inverse import epsilon_for, holds, looked_at, spending

    survey, policy = declarations.survey, declarations.for_planning()
    epsilon = epsilon_for(survey, policy, targets)
    if epsilon is None:
        return Needed(targets, None, None)
    try:
        allowed = holds(looked_at(survey, spending(policy, epsilon)), targets)
    except DeclarationFault as fault:
        return Needed(targets, epsilon, f"{fault.where}: {fault.what}")
    return Needed(targets, epsilon, None if allowed else "the caps in ρ leave Laplace noise less of it")


def needed_line(needed: Needed) -> str:
    """The answer in a line."""
    from privacy.inverse import MOST

    wish = " and ".join(f"{table} within ±{points:g}" for table, points in needed.targets.items())
    if needed.epsilon is None:
        return f"Targets: no ε up to {MOST:g} is expected to know {wish}: more answers would be needed, not more loss"
    allowed = "this policy allows that" if needed.refused is None else f"this policy does not: {needed.refused}"
    return f"Targets: {wish} (high end of the forecast) needs ε {needed.epsilon:g}; {allowed}"

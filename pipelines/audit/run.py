"""An audit of declarations from beginning to end: a temporary folder, its own keys, synthetic residents, the checks."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipelines.audit.checks import Audit, AuditFigure
from pipelines.declarations import Declarations
from pipelines.planning import planned


@dataclass(frozen=True)
class AuditReport:
    """What an audit found.

    `factor_seen`: how many times too large a sensitivity, or too small a scale, the two samples would have seen nine
    times in ten.
    """

    figures: tuple[AuditFigure, ...]
    runs: int
    factor_seen: float

    @property
    def holds(self) -> bool:
        return bool(self.figures) and all(figure.holds for figure in self.figures)


def audit(declarations: Declarations, runs: int, *, tell: Callable[[str], None] = lambda _: None) -> AuditReport:
    """Audit what the declarations plan, with `runs` measurements a side. Touches no workspace.

    Raises: DeclarationFault: there is no plan to audit.
    """
    plan = planned(declarations)
    with tempfile.TemporaryDirectory(prefix="hearsafe-audit-") as folder:
        audited = Audit(Path(folder), declarations.survey, plan, runs)
        figures: list[AuditFigure] = []
        for stage, check in (
            ("moving residents", audited.sensitivity),
            ("drawing noise", audited.noise),
            ("telling releases apart", audited.two_samples),
            ("guessing canaries", audited.one_run),
        ):
            tell(stage)
            figures.extend(check())
        return AuditReport(tuple(figures), runs, audited.power())

"""A release. The zone worker is started first: it gets ready while this process imports what a crossing needs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.declarations import Declarations
from pipelines.memory import DEFAULT_RELEASE, megabytes
from pipelines.workspace import Workspace
from pipelines.zone.keys import KeySource
from pipelines.zone.launcher import WaveZone, starting

if TYPE_CHECKING:
    from pipelines.crossing import ReleaseResult


def release(
    workspace: Workspace,
    declarations: Declarations,
    *,
    key: KeySource,
    officer_key: Path | None = None,
    witness: Path | None = None,
    memory: str = DEFAULT_RELEASE,
    tell: Callable[[str], None] = lambda _: None,
) -> "ReleaseResult":
    """Release what the declarations plan, or return what was released before for the same plan and snapshot.

    Args:
        officer_key: an officer's key that is at hand; it approves the plan where a charge would lack an approval.

    Raises: DeclarationFault, ZoneFault, BudgetRefused, IntegrityFault; UsageFault: `memory`.
    """
    memory = megabytes(memory)
    zone = WaveZone.of(workspace, declarations.survey, key)
    with starting("measure", networked=declarations.policy.engine is not None) as worker:
        from pipelines.crossing import cross

        return cross(
            workspace, declarations, zone, worker, officer_key=officer_key, witness=witness, memory=memory, tell=tell
        )

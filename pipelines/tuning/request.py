"""A request for approval: one small file that an officer can read anywhere, and what to type to sign."""

import json
from collections.abc import Sequence
from pathlib import Path

from pipelines.declarations import Declarations
from pipelines.planning import planned
from pipelines.tuning.account import ScopeCost
from schemas.canonical import digest
from schemas.errors import UsageFault
from schemas.plan import NANO

REQUEST_FILE = "approval-request.json"


def write_request(declarations: Declarations, scopes: Sequence[ScopeCost], root: Path) -> Path:
    """Write what is asked to be approved beside policy.yaml: digests, cost, and where it leaves the caps.

    Returns: the file. Raises: DeclarationFault; UsageFault: it cannot be written.
    """
    plan = planned(declarations)
    asked = {
        "format": "hearsafe-approval-request/1",
        "survey": plan.survey,
        "wave": plan.wave,
        "population": plan.population,
        "plan_digest": digest(plan),
        "survey_digest": plan.survey_digest,
        "policy_digest": plan.policy_digest,
        "cost": {"rho": plan.charge_nano_rho / NANO, "epsilon": plan.epsilon, "delta": plan.delta, "noise": plan.noise},
        "after_it": [
            {"scope": s.scope, "spent_epsilon": s.after, "cap_epsilon": s.cap, "fits": s.fits} for s in scopes
        ],
        "approvals_needed": declarations.policy.approvals.needed,
        "to_sign": f"hearsafe approve {declarations.directory} --officer-key FILE --workspace {root}",
    }
    path = declarations.directory / REQUEST_FILE
    try:
        path.write_text(json.dumps(asked, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError:
        raise UsageFault("request_unwritable", "the request cannot be written", where=str(path)) from None
    return path

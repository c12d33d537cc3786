"""The earlier release that a policy's belief rests on: found in the workspace, verified, and read for what it learned.

What it learned is in its card, made from released values: reading it spends nothing.
"""

from dataclasses import replace
from pathlib import Path

from pipelines.declarations import Declarations
from pipelines.outlet.verify import Verification, verify
from pipelines.workspace import Workspace
from schemas.errors import DeclarationFault
from schemas.manifest import fingerprint

_WHERE = "policy.yaml: prior.from_release"


def with_earlier_belief(declarations: Declarations, workspace: Path, ledger_key: str | None) -> Declarations:
    """The declarations with what the named release learned; unchanged where none is named.

    Args:
        workspace: its folder.
        ledger_key: public key of this workspace's ledger, hexadecimal; None where it has none yet.

    Raises:
        DeclarationFault: there is no such release, it is of another population, or it learned nothing about groups.
        IntegrityFault: it was changed, or is not of this ledger.
    """
    wanted = declarations.policy.prior.from_release
    if wanted is None:
        return declarations
    proof = verify(_folder(workspace, wanted), None if ledger_key is None else fingerprint(ledger_key))
    return replace(declarations, learned_interaction=_learned(proof, declarations.survey.population))


def _folder(workspace: Path, release_id: str) -> Path:
    everything = Workspace(workspace).releases.glob("*/*/*")
    found = [path for path in everything if path.name == release_id and path.is_dir()]
    if len(found) != 1:
        raise DeclarationFault(
            "prior_release_missing",
            "this workspace has no release of that id",
            where=_WHERE,
            do="Name one that hearsafe budget lists, or give interaction: 3",
        )
    return found[0]


def _learned(proof: Verification, population: str) -> float:
    if proof.card.population != population:
        raise DeclarationFault(
            "prior_release_foreign",
            "that release is of another population",
            where=_WHERE,
            do="Name a release of this one, or give interaction: 3",
        )
    belief = proof.card.expert.belief
    if belief is None or belief.interaction_learned is None:
        raise DeclarationFault(
            "prior_release_silent",
            "that release measured no groups, so it learned nothing about how they differ",
            where=_WHERE,
            do="Name another release, or give interaction: 3",
        )
    return belief.interaction_learned

"""Invitation: a contact list goes through a zone worker, and a mailing file with one-time codes comes out."""

from pathlib import Path

from pipelines.declarations import Declarations
from pipelines.ingest import readable
from pipelines.ledger.store import Ledger
from pipelines.wave_end import require_accepting
from pipelines.workspace import Workspace
from pipelines.zone import launcher
from pipelines.zone.issued import mailing_exists
from pipelines.zone.keys import KeySource
from pipelines.zone.launcher import WaveZone
from schemas.errors import DeclarationFault, UsageFault


def invite(
    workspace: Workspace,
    declarations: Declarations,
    contacts: Path,
    mailing: Path,
    *,
    key: KeySource,
    witness: Path | None = None,
) -> tuple[int, int]:
    """Issue a one-time code to every contact that has none, into the new file `mailing`.

    Returns: contacts that got a code, and records of the list left out.

    Raises: DeclarationFault `codes_not_declared`. UsageFault `mailing_inside`: it would stay in the workspace.
        InputRefused, ZoneFault.
    """
    survey = declarations.survey
    if not survey.residents.issued:
        what = "the survey does not say that its resident key is an issued code"
        raise DeclarationFault(
            "codes_not_declared", what, where="survey.yaml: residents.verified_by", do="Write codes: true there"
        )
    if mailing.absolute().resolve().is_relative_to(workspace.root.resolve()):
        what = "the mailing file joins names to codes, and the workspace keeps no such thing"
        raise UsageFault("mailing_inside", what, where=str(mailing), do="Name a file elsewhere")
    if mailing.exists():
        raise mailing_exists(mailing)
    ledger = Ledger.open(workspace, witness=witness)
    request = {
        "survey": survey.model_dump(mode="json", by_alias=True),
        "contacts": str(readable(contacts, "contact list")),
        "mailing": str(mailing.absolute()),
    }
    zone = WaveZone.of(workspace, survey, key)
    with ledger.lock() as held:
        require_accepting(ledger.state(), survey)
        with launcher.working(zone, "invite", request, inherited=held) as worker:
            done = worker.answer().body
    return int(done["written"]), int(done["left_out"])

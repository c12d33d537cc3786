"""Builds Riverbend: declarations, raw exports, contact list and the demo's own officer key."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pipelines.intake.batch import SourceFile
from pipelines.ledger.approvals import new_officer_key
from pipelines.riverbend.exports import write_contacts, write_mail, write_web
from pipelines.riverbend.responses import invited, responses

_NO_OFFICER = "ed25519:" + 64 * "0"


@dataclass(frozen=True)
class DemoFiles:
    """What `hearsafe run` needs: the folder of survey.yaml and policy.yaml, exports, contact list, officer's key."""

    directory: Path
    sources: tuple[SourceFile, ...]
    contacts: Path
    officer_key: Path


def build(directory: Path) -> DemoFiles:
    """Write Riverbend into a folder. The same bytes each time: an officer key that is already there is kept."""
    exports = directory / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    web, mail, contacts = exports / "web.csv", exports / "mail.csv", exports / "contacts.csv"
    everything = responses()
    write_web(web, (response for response in everything if response.channel == "web"))
    write_mail(mail, (response for response in everything if response.channel == "mail"))
    write_contacts(contacts, invited())
    officer_key = directory / "officer.key"
    _write_declarations(directory, _officer(officer_key))
    return DemoFiles(directory, (SourceFile("web", web), SourceFile("mail", mail)), contacts, officer_key)


def _write_declarations(directory: Path, officer: str) -> None:
    packaged = files("pipelines.riverbend")
    (directory / "survey.yaml").write_bytes(packaged.joinpath("survey.yaml").read_bytes())
    policy = packaged.joinpath("policy.yaml").read_text(encoding="utf-8")
    (directory / "policy.yaml").write_text(policy.replace(_NO_OFFICER, officer), encoding="utf-8")


def _officer(path: Path) -> str:
    """The officer as policy.yaml names them: `ed25519:` and the public key in hexadecimal."""
    if not path.exists():
        return new_officer_key(path)
    key = load_pem_private_key(path.read_bytes(), password=None)
    return "ed25519:" + key.public_key().public_bytes_raw().hex()  # pyright: ignore[reportAttributeAccessIssue]

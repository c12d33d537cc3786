"""Which CRM a contact list is from, and its column that holds the resident key: told by its header alone."""

from pathlib import Path

from pipelines.drafting.roles import key_normalisation
from pipelines.intake.header import plain
from pipelines.intake.sources import open_any


def contact_list(path: Path, normalise: str) -> tuple[str, str | None]:
    """`format` and `match` of residents.verified_by; no match where no column looks like a key of this kind.

    Raises: InputRefused, as `open_any`.
    """
    names = [plain(name) for name in open_any(path, ("Email",)).header.names]
    kind = _system(names)
    match = next((name for name in names if key_normalisation(name) == normalise), None)
    if match is not None and kind == "civicrm" and "-" in match:
        match = match.rpartition("-")[2]
    return kind, match


def _system(names: list[str]) -> str:
    folded = {name.casefold() for name in names}
    if any(name.startswith("(do not modify)") for name in folded):
        return "dynamics"
    if {"internal contact id", "contact id"} & folded:
        return "civicrm"
    if {"record id", "lifecycle stage"} <= folded or {"record id", "create date"} <= folded:
        return "hubspot"
    salesforce = any(name.endswith("__c") or name.startswith(("mailing", "account id")) for name in folded)
    return "salesforce" if salesforce or {"id", "lastname", "firstname"} <= folded else "generic"

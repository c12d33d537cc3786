"""The codes that were issued for a wave, as keyed hashes under a key derived from the wave's HMAC key.

Two sorted lists: hashes of codes, and hashes of the contacts that have one. Nothing joins the one to the other.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipelines.durable import sync_folder
from pipelines.zone.keys import derived_key
from schemas.errors import InputRefused, UsageFault, ZoneFault
from schemas.survey import Survey

ISSUED = "issued.codes"
_NONCE = 12
_PURPOSE = "issued-codes"


@dataclass(frozen=True)
class Issued:
    """Pseudonyms of codes and of contacts, 16 bytes each."""

    codes: frozenset[bytes] = frozenset()
    contacts: frozenset[bytes] = frozenset()

    def with_more(self, codes: frozenset[bytes], contacts: frozenset[bytes]) -> "Issued":
        return Issued(self.codes | codes, self.contacts | contacts)


def read_issued(folder: Path, hmac_key: bytes) -> Issued:
    """What was issued so far; nothing where there is no file. Raises: ZoneFault: damaged, or of another key."""
    try:
        content = (folder / ISSUED).read_bytes()
    except FileNotFoundError:
        return Issued()
    opened: dict[str, list[str]] | None = None
    try:
        plain = AESGCM(derived_key(hmac_key, _PURPOSE)).decrypt(content[:_NONCE], content[_NONCE:], _PURPOSE.encode())
        opened = json.loads(plain)
    except (InvalidTag, ValueError):
        opened = None
    if opened is None:
        what = "the list of issued codes is damaged, or of another wave"
        raise ZoneFault("codes_damaged", what, where=ISSUED, do="Restore the zone from your backup")
    return Issued(*(frozenset(map(bytes.fromhex, opened[name])) for name in ("codes", "contacts")))


def keep_issued(folder: Path, hmac_key: bytes, issued: Issued) -> None:
    """Write the lists durably in place of the earlier ones. Sorted by keyed hash, which is no order of issue."""
    lists = {"codes": sorted(x.hex() for x in issued.codes), "contacts": sorted(x.hex() for x in issued.contacts)}
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(derived_key(hmac_key, _PURPOSE)).encrypt(nonce, json.dumps(lists).encode(), _PURPOSE.encode())
    aside = folder / f".{ISSUED}.part"
    with aside.open("wb") as stream:
        stream.write(nonce + sealed)
        stream.flush()
        os.fsync(stream.fileno())
    aside.rename(folder / ISSUED)
    sync_folder(folder)


def issued_codes(folder: Path, survey: Survey, hmac_key: bytes) -> frozenset[bytes] | None:
    """The pseudonyms that count; None where the survey issues no codes.

    Raises: InputRefused `codes_missing`: it does, and none were issued. ZoneFault.
    """
    if not survey.residents.issued:
        return None
    codes = read_issued(folder, hmac_key).codes
    if not codes:
        what = "only issued codes count, and none were issued for this wave"
        where = "survey.yaml: residents.verified_by.codes"
        raise InputRefused("codes_missing", what, where=where, do="Run hearsafe invite first")
    return codes


def mailing_exists(mailing: Path) -> UsageFault:
    """The refusal to write over a file."""
    return UsageFault(
        "mailing_exists", "there is a file of this name already", where=str(mailing), do="Name a new file"
    )

"""MANIFEST.json: digests of a release's files and their point of the ledger, signed by the ledger key."""

import hashlib
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Declared, Digest
from schemas.canonical import canonical_bytes
from schemas.ledger import Head, PublicKeyHex, SignatureHex

MANIFEST_FILE = "MANIFEST.json"
CARD_FILE = "card.json"
DATAPACKAGE_FILE = "datapackage.json"
REPORT_FILE = "report.html"
MEASUREMENTS_FILE = "measurements.parquet"
ESTIMATES_FILE = "estimates.parquet"
SUMMARY_FILE = "summary.parquet"

RELEASED_FILES = (
    MEASUREMENTS_FILE,
    ESTIMATES_FILE,
    SUMMARY_FILE,
    CARD_FILE,
    DATAPACKAGE_FILE,
    REPORT_FILE,
)
"""Every file of a release but the manifest itself; a release folder holds these and nothing else."""


class ManifestLedger(Declared):
    """The ledger that vouches for a release. `head` is its SEALED event."""

    id: str
    public_key: PublicKeyHex
    charged_seq: Annotated[int, Field(ge=1)]
    head: Head


class Manifest(Declared):
    """The whole of MANIFEST.json. `signature` is over the canonical bytes of all other fields."""

    format: Literal["hearsafe-manifest/1"] = "hearsafe-manifest/1"
    release_id: str
    survey: str
    wave: str
    plan_digest: Digest
    charge_nano_rho: Annotated[int, Field(gt=0)]
    charge_nano_pure_epsilon: Annotated[int, Field(ge=0)] | None
    files: dict[str, Digest]
    ledger: ManifestLedger
    signature: SignatureHex

    def signed_bytes(self) -> bytes:
        """What the ledger key signs."""
        return canonical_bytes(self.model_dump(mode="json", exclude={"signature"}))


def fingerprint(public_key: str) -> str:
    """SHA-256 of the 32 bytes of a public key given in hexadecimal: what officers publish and readers compare.

    >>> fingerprint("00" * 32)[:16]
    '66687aadf862bd77'
    """
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()

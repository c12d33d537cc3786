"""MANIFEST.json as bytes: made and signed at publication, read strictly at verification."""

import hashlib
import json
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas.canonical import canonical_bytes
from schemas.card import Card
from schemas.errors import IntegrityFault
from schemas.manifest import MANIFEST_FILE, Manifest, ManifestLedger

_UNSIGNED = "0" * 128


def sha256(content: bytes) -> str:
    """Digest of a file as the manifest lists it."""
    return hashlib.sha256(content).hexdigest()


def manifest_bytes(card: Card, files: Mapping[str, bytes], sign: Callable[[bytes], str]) -> bytes:
    """The signed manifest of a release, in its one byte form."""
    draft = Manifest(
        release_id=card.release_id,
        survey=card.survey,
        wave=card.wave,
        plan_digest=card.expert.governance.plan_digest,
        charge_nano_rho=card.expert.privacy_loss.charge_nano_rho,
        charge_nano_pure_epsilon=card.expert.privacy_loss.charge_nano_pure_epsilon,
        files={name: sha256(content) for name, content in files.items()},
        ledger=ManifestLedger(
            id=card.ledger.id,
            public_key=card.ledger.public_key,
            charged_seq=card.ledger.charged_seq,
            head=card.ledger.head,
        ),
        signature=_UNSIGNED,
    )
    return canonical_bytes(draft.model_copy(update={"signature": sign(draft.signed_bytes())}))


def read_manifest(content: bytes) -> Manifest:
    """A manifest in canonical form whose signature holds under the public key it names.

    Raises: IntegrityFault: not a manifest, another byte form of one, or not signed by that key.
    """
    manifest: Manifest | None
    try:
        manifest = Manifest.model_validate(json.loads(content.decode("utf-8", errors="strict")))
        canonical = canonical_bytes(manifest)
    except (ValueError, RecursionError):  # pydantic's ValidationError is a ValueError
        manifest, canonical = None, b""
    if manifest is None:
        raise IntegrityFault("manifest_damaged", "the manifest is not readable", where=MANIFEST_FILE)
    if canonical != content:
        raise IntegrityFault("manifest_form", "the manifest is not in its canonical form", where=MANIFEST_FILE)
    if not _signed(manifest):
        raise IntegrityFault("manifest_signature", "the manifest's signature does not hold", where=MANIFEST_FILE)
    return manifest


def _signed(manifest: Manifest) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(manifest.ledger.public_key))
        key.verify(bytes.fromhex(manifest.signature), manifest.signed_bytes())
    except (InvalidSignature, ValueError):
        return False
    return True

"""Ed25519 keys and signatures: the workspace's ledger key and the officers' keys, both PKCS8 PEM files.

Keys and signatures are written in lower-case hexadecimal only: a signature has several base64 spellings, one hex one.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from pipelines.durable import sync_folder, write_private
from schemas.errors import ZoneFault

LEDGER_KEY = "ledger.key"
_STAGED_KEY = "ledger.key.new"


@dataclass(frozen=True)
class SigningKey:
    """A private key that can only sign. Its repr shows nothing."""

    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def new(cls) -> "SigningKey":
        return cls(Ed25519PrivateKey.generate())

    @property
    def public_key_hex(self) -> str:
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, content: bytes) -> str:
        """Ed25519 signature, 128 hexadecimal digits."""
        return self._private.sign(content).hex()

    def write(self, path: Path) -> None:
        """PKCS8 PEM, 0600, never over another file. Raises: OSError."""
        write_private(path, self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def signed_by(public_key_hex: str, content: bytes, signature_hex: object) -> bool:
    """Whether the signature is this key's over the content, written in its one accepted form."""
    if not isinstance(signature_hex, str) or not re.fullmatch(r"[0-9a-f]{128}", signature_hex):
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key_hex))
        key.verify(bytes.fromhex(signature_hex), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def read_key(path: Path, owner: str) -> SigningKey:
    """The key of `owner` ("officer" or "ledger") in a PEM file.

    Raises: ZoneFault: `<owner>_key_missing` or `<owner>_key_unreadable`.
    """
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        what = f"the {owner} key is missing"
        raise ZoneFault(f"{owner}_key_missing", what, where=str(path), do="Restore it from your key backup") from None
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        what = f"the {owner} key cannot be read as an unencrypted Ed25519 PEM file"
        raise ZoneFault(f"{owner}_key_unreadable", what, where=str(path), do="Check the file and its permissions")
    return SigningKey(private)


def stage_ledger_key(keys: Path) -> SigningKey:
    """A new ledger key under a preliminary name, until the event that names its public key is committed."""
    staged = keys / _STAGED_KEY
    staged.unlink(missing_ok=True)
    key = SigningKey.new()
    key.write(staged)
    return key


def ledger_key(keys: Path, public_key_hex: str) -> SigningKey:
    """The ledger key. Finishes the naming of a staged key where a crash came between the two.

    Every process that reads the first event may be at it at the same moment.

    Raises: ZoneFault: missing, unreadable, or it cannot be named. Whether it is the right one is for the caller to see.
    """
    path, staged = keys / LEDGER_KEY, keys / _STAGED_KEY
    if not path.exists() and _holds(staged, public_key_hex):
        try:
            with suppress(FileNotFoundError):  # another process was quicker
                staged.rename(path)
            sync_folder(keys)
        except OSError:
            what = "the ledger key cannot be named"
            advice = "Check that its disk is there and can be written, then run again"
            raise ZoneFault("ledger_key_unwritable", what, where=str(path), do=advice) from None
    return read_key(path, "ledger")


def _holds(staged: Path, public_key_hex: str) -> bool:
    try:
        return read_key(staged, "ledger").public_key_hex == public_key_hex
    except ZoneFault as fault:
        if fault.code != "ledger_key_missing":
            raise
        return False

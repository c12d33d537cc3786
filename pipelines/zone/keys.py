"""Keys of a wave: the zone key, from wherever its owner keeps it, and the HMAC key, wrapped by it in a file of its own.

A file key is opened by the worker alone. A key from the environment or a keyring is resolved by the launcher into a
buffer that is only written to the worker's pipe and then cleared.
"""

import base64
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from pipelines.durable import destroy, write_private
from schemas.errors import UsageFault, ZoneFault

KEY_BYTES = 32

RESOLVERS: dict[str, Callable[[str], str | None]] = {}
"""How the text of a key is had from a place that only a higher floor knows: `prefect` is registered by flows."""

_BLOCK = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class KeySource:
    """Where the zone key comes from: `file` (path or the workspace's own), `env`, `keyring` or `prefect`."""

    kind: Literal["file", "env", "keyring", "prefect"]
    place: str = ""

    @classmethod
    def parse(cls, text: str) -> "KeySource":
        """`file`, `file:PATH`, `env:NAME`, `keyring:SERVICE/USER` or `prefect:BLOCK`. Raises: UsageFault."""
        kind, _, place = text.partition(":")
        if kind == "file":
            return cls("file", place)
        if kind == "env" and place:
            return cls("env", place)
        if kind == "keyring" and "/" in place:
            return cls("keyring", place)
        if kind == "prefect" and _BLOCK.fullmatch(place):
            return cls("prefect", place)
        raise UsageFault(
            "key_source",
            "the key source is not understood",
            where="--key-source",
            do="Give file, file:PATH, env:NAME, keyring:SERVICE/USER or prefect:BLOCK",
        )

    def resolve(self) -> bytearray | None:
        """The key itself; None for `file`, which the worker opens itself. Raises: ZoneFault."""
        if self.kind == "file":
            return None
        if self.kind == "env":
            text = os.environ.get(self.place)
        elif self.kind == "prefect":
            text = RESOLVERS["prefect"](self.place) if "prefect" in RESOLVERS else None
        else:
            import keyring

            service, _, user = self.place.partition("/")
            text = keyring.get_password(service, user)
        if not text:
            raise ZoneFault(
                "key_missing",
                "there is no zone key at this place",
                where=f"{self.kind}:{self.place}",
                do="Put the key there, or name another --key-source",
            )
        return bytearray(decode_key(text, where=f"{self.kind}:{self.place}"))

    def destroy(self, own: Path) -> bool:
        """Destroy the key where it is kept: its file (`own` where none is named) or its place in the keyring.

        Returns: False where it is in an environment variable, whose owner alone can destroy it. Raises: ZoneFault.
        """
        if self.kind == "env":
            return False
        if self.kind == "keyring":
            import keyring
            from keyring.errors import PasswordDeleteError

            service, _, user = self.place.partition("/")
            with suppress(PasswordDeleteError):
                keyring.delete_password(service, user)
            if not keyring.get_password(service, user):
                return True
        else:
            with suppress(OSError):
                destroy(Path(self.place) if self.place else own)
                return True
        what = "the zone key cannot be destroyed at this place"
        raise ZoneFault(
            "key_not_destroyed", what, where=self.place or str(own), do="Check permissions, and run it again"
        )


def decode_key(text: str, *, where: str) -> bytes:
    """32 bytes from 64 hexadecimal digits or base64. Raises: ZoneFault."""
    stripped = text.strip()
    try:
        key = bytes.fromhex(stripped) if len(stripped) == 2 * KEY_BYTES else base64.b64decode(stripped, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        what = "the zone key is not 32 bytes in hexadecimal or base64"
        raise ZoneFault("key_malformed", what, where=where, do="Check --key-source and the key backup")
    return key


def read_key_file(path: Path) -> bytes:
    """Raises: ZoneFault: missing, unreadable or malformed."""
    try:
        text = path.read_text("ascii")
    except FileNotFoundError:
        text = None
    except (OSError, UnicodeDecodeError):
        what = "the zone key cannot be read"
        raise ZoneFault("key_unreadable", what, where=str(path), do="Check the file and its permissions") from None
    if text is None:
        raise ZoneFault(
            "key_missing",
            "the zone key is missing",
            where=str(path),
            do="Restore it from your key backup; without it the zone cannot be opened",
        )
    return decode_key(text, where=str(path))


def create_key_file(path: Path) -> bytes:
    """A new random zone key, written 0600."""
    key = secrets.token_bytes(KEY_BYTES)
    write_private(path, key.hex().encode() + b"\n")
    return key


def derived_key(zone_key: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"hearsafe/{purpose}".encode()).derive(zone_key)


def create_hmac_key(path: Path, zone_key: bytes) -> bytes:
    """A new HMAC key, kept wrapped by the zone key (AES key wrap, RFC 3394)."""
    key = secrets.token_bytes(KEY_BYTES)
    write_private(path, aes_key_wrap(derived_key(zone_key, "hmac-wrap"), key))
    return key


def read_hmac_key(path: Path, zone_key: bytes) -> bytes:
    """Raises: ZoneFault: missing, damaged, or wrapped by another zone key."""
    try:
        return aes_key_unwrap(derived_key(zone_key, "hmac-wrap"), path.read_bytes())
    except FileNotFoundError:
        raise ZoneFault(
            "hmac_key_missing",
            "this wave's pseudonym key is missing",
            where=str(path),
            do="Restore it from your key backup, or ingest every file again with --replace",
        ) from None
    except (InvalidUnwrap, ValueError, OSError):
        raise ZoneFault(
            "key_wrong",
            "the zone key does not open this wave's keys",
            where=str(path),
            do="Check --key-source and the key backup",
        ) from None

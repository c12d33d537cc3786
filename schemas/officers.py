"""An officer's name in policy.yaml: `ed25519:` and the public key, in hexadecimal, base64 or base64url."""

import base64
import re

PREFIX = "ed25519:"
_KEY_BYTES = 32


def officer_hex(text: str) -> str:
    """The officer's public key as 64 lower-case hexadecimal digits: one form per officer.

    Base64 whose unused last bits are not zero is refused, because several such texts would name one key.

    Raises: ValueError: not a key in one of the three forms.

    >>> officer_hex("ed25519:" + "AB" * 32) == "ab" * 32
    True
    """
    key = text.removeprefix(PREFIX)
    if not text.startswith(PREFIX):
        raise ValueError("an officer is written ed25519: and the public key in hexadecimal or base64")
    if re.fullmatch(r"[0-9A-Fa-f]{64}", key):
        return key.lower()
    plain = key.rstrip("=").replace("-", "+").replace("_", "/")
    if re.fullmatch(r"[A-Za-z0-9+/]{43}", plain):
        raw = base64.b64decode(plain + "=", validate=True)
        if len(raw) == _KEY_BYTES and base64.b64encode(raw).decode() == plain + "=":
            return raw.hex()
    raise ValueError("the officer's public key is not 32 bytes in hexadecimal or base64")

"""Searching every byte outside the zone for planted strings, in the forms in which they could hide."""

import base64
import binascii
import re
from collections.abc import Iterable
from pathlib import Path

_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----")
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")


def forms(text: str) -> list[bytes]:
    """A string as UTF-8, UTF-16 (both orders), hexadecimal, and base64 at each of the three alignments."""
    raw = text.encode()
    found = [raw, text.encode("utf-16-le"), text.encode("utf-16-be"), raw.hex().encode(), raw.hex().upper().encode()]
    for pad in range(3):
        encoded = base64.b64encode(b"\0" * pad + raw)
        found.append(encoded[4 if pad else 0 : len(encoded) // 4 * 4 - 4])
    return found


def number(value: int) -> re.Pattern[bytes]:
    """A count as a number of its own, with or without a comma: hexadecimal digests hold its digits by chance."""
    plain = rf"(?<![0-9a-f.]){value:d}(?![0-9a-f]|\.[0-9])"
    return re.compile((plain if value < 1000 else rf"{plain}|(?<![0-9]){value:,}(?![0-9])").encode())


def without_keys(content: bytes) -> bytes:
    """The content without public keys in PEM and UUIDs: what is random holds any four digits by chance."""
    return _UUID.sub(b"", _PEM.sub(b"", content))


def _decoded(content: bytes) -> Iterable[bytes]:
    """The content, and everything in it that reads as base64, decoded (pickles inside are plain bytes then)."""
    yield content
    for match in _BASE64.finditer(content):
        blob = match.group().replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
        try:
            yield base64.b64decode(blob[: len(blob) // 4 * 4])
        except binascii.Error:
            continue


def hits(content: bytes, needles: Iterable[str]) -> list[str]:
    """The needles found in the content, in any form, also inside base64."""
    everything = b"\n".join(_decoded(content))
    return [needle for needle in needles if any(form in everything for form in forms(needle))]


def sweep(folders: Iterable[Path], needles: list[str]) -> list[str]:
    """`file: needle` for every needle found in any file below the folders."""
    found: list[str] = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                found += [f"{path.name}: {needle}" for needle in hits(path.read_bytes(), needles)]
    return found

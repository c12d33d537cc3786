"""Severs identity: resident keys are normalised, hashed under the wave's key, and forgotten."""

import hmac
import re
import struct
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.intake.lookup import text_of
from pipelines.intake.values import trim
from schemas.survey import KeyNormalisation, Residents

PSEUDONYM_BYTES = 16
_PSEUDONYM = b"hearsafe/pseudonym/v1\x00"
_TIE = b"hearsafe/tie/v1\x00"
_DASHES = re.compile(r"[\s\-\u2010-\u2015\u2212\ufe58\ufe63\uff0d]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00]")


@dataclass(frozen=True)
class Pseudonyms:
    """`digests`: n × 16 bytes. `present`: rows that have a key; the digest of the others means nothing."""

    digests: NDArray[np.uint8]
    present: NDArray[np.bool_]


class Severer:
    """Turns resident keys into pseudonyms: HMAC-SHA256 under the wave's key, cut to 16 bytes.

    A key of several columns is joined with the length of every part in front, so no two keys join to the same bytes. A
    part is blank when nothing is left of it after normalising, or when `missing` lists its value; a key whose parts are
    all blank is no key. Pseudonyms and ties are hashes of different domains: neither can be compared with the other.
    """

    def __init__(self, hmac_key: bytes, residents: Residents, missing: Sequence[str] = ()) -> None:
        if len(hmac_key) < PSEUDONYM_BYTES:
            raise ValueError("the HMAC key is too short")
        self._key = hmac_key
        self._normalise = normaliser(residents.normalise, plus_addresses=residents.plus_addresses)
        self._missing = frozenset(trim(value) for value in missing)

    def pseudonym(self, parts: Sequence[str]) -> bytes | None:
        """The pseudonym of one key as it stands in the source, or None where there is no key."""
        plain = [self._part(part) for part in parts]
        return self._digest(plain) if any(plain) else None

    def pseudonyms(self, columns: Sequence[pa.Array]) -> Pseudonyms:
        """The pseudonyms of the rows whose key parts stand in `columns`; each distinct part is normalised once."""
        encoded = [text_of(column).dictionary_encode() for column in columns]
        parts = [[self._part(value) for value in column.dictionary.to_pylist()] for column in encoded]
        indices = [column.indices.to_numpy(zero_copy_only=False) for column in encoded]
        if len(encoded) > 1:
            stacked = np.stack(indices, axis=1)
            distinct, rows = np.unique(stacked, axis=0, return_inverse=True)
            keys = [[part[i] for part, i in zip(parts, row, strict=True)] for row in distinct.tolist()]
        else:
            keys, rows = [[value] for value in parts[0]], indices[0]
        digests = b"".join(self._digest(key) for key in keys)
        table = np.frombuffer(digests, dtype=np.uint8).reshape(-1, PSEUDONYM_BYTES)
        present = np.array([any(key) for key in keys], dtype=bool)
        rows = rows.reshape(-1)
        return Pseudonyms(table[rows], present[rows])

    def ties(self, content: NDArray[np.uint8]) -> bytes:
        """One 16-byte tie a row of `content`: a keyed hash of that row alone, to choose among equal time stamps."""
        width = content.shape[1]
        whole = content.tobytes()
        key, digest = self._key, hmac.digest
        return b"".join(
            digest(key, _TIE + whole[start : start + width], "sha256")[:PSEUDONYM_BYTES]
            for start in range(0, len(content) * width, width)
        )

    def _part(self, value: str) -> str:
        return "" if trim(value) in self._missing else self._normalise(value)

    def _digest(self, parts: Sequence[str]) -> bytes:
        encoded = [part.encode() for part in parts]
        message = _PSEUDONYM + b"".join(struct.pack(">I", len(part)) + part for part in encoded)
        return hmac.digest(self._key, message, "sha256")[:PSEUDONYM_BYTES]


def normaliser(kind: KeyNormalisation, *, plus_addresses: bool = False) -> Callable[[str], str]:
    """The function that brings spellings of one key together; "" where nothing usable is left."""
    if kind is KeyNormalisation.EMAIL:
        return lambda value: _email(value, plus_addresses)
    return {
        KeyNormalisation.PHONE: _phone,
        KeyNormalisation.TEXT: _text,
        KeyNormalisation.CODE: _code,
        KeyNormalisation.EXACT: _exact,
    }[kind]


def _folded(value: str) -> str:
    if value.isascii() and "\x00" not in value:
        return value.casefold()
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFKC", value))
    return unicodedata.normalize("NFKC", visible.casefold())


def _email(value: str, plus_addresses: bool) -> str:
    """An address without white space, in one case.

    What has no `@` between two parts is no address and so no key: forms write `anonymous` there.
    """
    address = "".join(_folded(value).split())
    local, at, domain = address.rpartition("@")
    if plus_addresses:
        local = local.split("+", 1)[0]
    return f"{local}@{domain}" if local and at and domain else ""


def _phone(value: str) -> str:
    """Digits only; an international prefix, `+` or `00`, becomes `+`."""
    plain = trim(_folded(value))
    digits = "".join(str(unicodedata.decimal(c)) for c in plain if c.isdecimal())
    if plain.startswith(("+", "(+")):
        return f"+{digits}" if digits else ""
    return f"+{digits[2:]}" if digits.startswith("00") and digits[2:] else digits


def _text(value: str) -> str:
    return " ".join(trim(_folded(value)).split())


def _code(value: str) -> str:
    return _DASHES.sub("", trim(_folded(value))).upper()


def _exact(value: str) -> str:
    """The value in Unicode form NFC and no other change: inner and outer blanks count. Blanks alone are no key."""
    return unicodedata.normalize("NFC", value) if trim(value) else ""

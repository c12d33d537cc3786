"""Severs identity: resident keys are normalised, hashed under the wave's key, and forgotten."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from numpy.typing import NDArray

from pipelines.intake.lookup import text_of
from pipelines.intake.values import trim
from schemas.survey import KeyNormalisation, Residents

PSEUDONYM_BYTES = 16
_PSEUDONYM = b"hearsafe/pseudonym/v1\x00"
_HOUSEHOLD = b"hearsafe/household/v1\x00"
_TIE = b"hearsafe/tie/v1"
_NO_PART = bytes(4)
_MOST_PASSES = 5
_DASHES = re.compile(r"[\s\-\u2010-\u2015\u2212\ufe58\ufe63\uff0d]+")
_LOOK_ALIKE = str.maketrans("ILO", "110")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00]")


@dataclass(frozen=True)
class Pseudonyms:
    """`digests`: n × 16 bytes. `present`: rows that have a key; the digest of the others means nothing."""

    digests: NDArray[np.uint8]
    present: NDArray[np.bool_]


class KeyHash:
    """Turns keys of one kind into pseudonyms: HMAC-SHA256 under the wave's key in a domain of its own, cut to 16 bytes.

    A key of several columns is joined with the length of every part in front, so no two keys join to the same bytes. A
    part is blank when nothing is left of it after normalising, or when `missing` lists its value; a key whose parts are
    all blank is no key.
    """

    def __init__(
        self, keyed: HMAC, normalise: Callable[[str], str], missing: Sequence[str], *, addresses: bool = False
    ) -> None:
        """`addresses`: the keys are e-mail addresses in which nothing but case and white space is normalised."""
        self._pseudonym = keyed
        self._normalise = normalise
        self._addresses = addresses
        self._missing = frozenset(trim(value) for value in missing)

    def pseudonym(self, parts: Sequence[str]) -> bytes | None:
        """The pseudonym of one key as it stands in the source, or None where there is no key."""
        key = b"".join(self._framed(part) for part in parts)
        return None if key == _NO_PART * len(parts) else _hashes(self._pseudonym, [key])

    def pseudonyms(self, columns: Sequence[pa.Array]) -> Pseudonyms:
        """The pseudonyms of the rows whose key parts stand in `columns`; each distinct part is normalised once."""
        encoded = [text_of(column).dictionary_encode() for column in columns]
        parts = [self._framed_column(column.dictionary) for column in encoded]
        keys, rows = parts[0], encoded[0].indices.to_numpy(zero_copy_only=False)
        if len(encoded) > 1:
            indices = np.stack([column.indices.to_numpy(zero_copy_only=False) for column in encoded], axis=1)
            distinct, rows = np.unique(indices, axis=0, return_inverse=True)
            keys = [b"".join(part[i] for part, i in zip(parts, row, strict=True)) for row in distinct.tolist()]
        table = np.frombuffer(_hashes(self._pseudonym, keys), dtype=np.uint8).reshape(-1, PSEUDONYM_BYTES)
        blank = _NO_PART * len(encoded)
        present = np.array([key != blank for key in keys], dtype=bool)
        rows = rows.reshape(-1)
        return Pseudonyms(table[rows], present[rows])

    def _framed_column(self, values: pa.Array) -> list[bytes]:
        """As `_framed`, of every value: at once where they need no more than lower case, else one by one."""
        if not self._addresses:
            return [self._framed(value) for value in values.to_pylist()]
        plain = _plain_addresses(values)
        if self._missing:
            plain = pc.and_not(plain, pc.is_in(values, pa.array(sorted(self._missing), values.type)))
        lowered = pc.if_else(plain, pc.ascii_lower(values), None).cast(pa.binary()).to_pylist()
        framed = [_NO_PART if part is None else len(part).to_bytes(4, "big") + part for part in lowered]
        for position in np.flatnonzero(~plain.to_numpy(zero_copy_only=False)).tolist():
            framed[position] = self._framed(values[position].as_py())
        return framed

    def _framed(self, value: str) -> bytes:
        """The normalised part in UTF-8, with its length in front."""
        part = b"" if trim(value) in self._missing else self._normalise(value).encode()
        return len(part).to_bytes(4, "big") + part


class Severer(KeyHash):
    """Turns resident keys into pseudonyms and, by `households`, household keys into those of their own.

    Pseudonyms, households and ties are hashes of different domains: none can be compared with another.
    """

    def __init__(self, hmac_key: bytes, residents: Residents, missing: Sequence[str] = ()) -> None:
        if len(hmac_key) < PSEUDONYM_BYTES:
            raise ValueError("the HMAC key is too short")
        kind = residents.normalise
        normalise = normaliser(kind, plus_addresses=residents.plus_addresses, issued=residents.issued)
        addresses = kind is KeyNormalisation.EMAIL and not residents.plus_addresses
        super().__init__(_keyed(hmac_key, _PSEUDONYM), normalise, missing, addresses=addresses)
        household = residents.household
        self.households = (
            None
            if household is None
            else KeyHash(_keyed(hmac_key, _HOUSEHOLD), normaliser(household.normalise), missing)
        )
        self._tie = blake2b(key=hmac_key[: blake2b.MAX_KEY_SIZE], digest_size=PSEUDONYM_BYTES, person=_TIE)

    def ties(self, content: NDArray[np.uint8]) -> bytes:
        """One 16-byte tie a row of `content`: a keyed hash of that row alone, to choose among equal time stamps."""
        width = content.shape[1]
        whole = content.tobytes()
        found: list[bytes] = []
        for start in range(0, len(content) * width, width):
            tie = self._tie.copy()
            tie.update(whole[start : start + width])
            found.append(tie.digest())
        return b"".join(found)


def _keyed(key: bytes, domain: bytes) -> HMAC:
    keyed = HMAC(key, SHA256())
    keyed.update(domain)
    return keyed


def _hashes(keyed: HMAC, messages: Iterable[bytes]) -> bytes:
    """The cut hashes of the messages, one after the other."""
    found: list[bytes] = []
    for message in messages:
        mac = keyed.copy()
        mac.update(message)
        found.append(mac.finalize()[:PSEUDONYM_BYTES])
    return b"".join(found)


def normaliser(kind: KeyNormalisation, *, plus_addresses: bool = False, issued: bool = False) -> Callable[[str], str]:
    """The function that brings spellings of one key together; "" where nothing usable is left.

    `issued`: codes are of Crockford's alphabet, which has no letters I, L and O: read them as 1, 1 and 0.

    It is applied until it changes nothing more: removing a blank can bring a letter and its accent together.
    """
    once: Callable[[str], str] = {
        KeyNormalisation.EMAIL: partial(_email, plus_addresses=plus_addresses),
        KeyNormalisation.PHONE: _phone,
        KeyNormalisation.TEXT: _text,
        KeyNormalisation.CODE: _issued_code if issued else _code,
        KeyNormalisation.EXACT: _exact,
    }[kind]

    def normalise(value: str) -> str:
        found = once(value)
        for _ in range(_MOST_PASSES):
            if found.isascii() or (again := once(found)) == found:
                break
            found = again
        return found

    return normalise


def _plain_addresses(values: pa.Array) -> pa.Array:
    """Which values are printable ASCII around one `@`: of these, lower case is the normal form (`_email`)."""
    return pc.match_substring_regex(values, r"^[!-?A-~]+@[!-?A-~]+$")


def _folded(value: str) -> str:
    if value.isascii() and "\x00" not in value:
        return value.lower()
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFKC", value))
    return unicodedata.normalize("NFKC", visible.casefold())


def _email(value: str, *, plus_addresses: bool) -> str:
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


def _issued_code(value: str) -> str:
    return _code(value).translate(_LOOK_ALIKE)


def _exact(value: str) -> str:
    """The value in Unicode form NFC and no other change: inner and outer blanks count. Blanks alone are no key."""
    return unicodedata.normalize("NFC", value) if trim(value) else ""

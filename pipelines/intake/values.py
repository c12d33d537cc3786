"""Raw cell values as compared with a declaration: trimmed text and canonical numbers."""

import re
import unicodedata

_EDGES = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
    "\x00\u200b\u200c\u200d\u2060\ufeff"
)
"""Unicode white space, then what looks like nothing: NUL, zero-width characters and stray byte-order marks."""

_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]*))?")


def trim(value: str) -> str:
    r"""The value in Unicode form NFC without surrounding white space (non-breaking and zero-width included).

    >>> trim("  Yes\u00a0")
    'Yes'
    """
    return (value if value.isascii() else unicodedata.normalize("NFC", value)).strip(_EDGES)


def canonical_number(value: str) -> str | None:
    """The shortest spelling of a plain decimal number, or None. Leading zeros and `+` are not numbers but codes.

    >>> canonical_number("1.0"), canonical_number("7.50"), canonical_number("01"), canonical_number("-0.0")
    ('1', '7.5', None, '0')
    """
    found = _NUMBER.fullmatch(value)
    if found is None:
        return None
    sign, whole, fraction = found.group(1), found.group(2), (found.group(3) or "").rstrip("0")
    if whole == "0" and not fraction:
        return "0"
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"

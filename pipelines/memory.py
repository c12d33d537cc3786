"""The bound on a zone worker's memory, as an operator writes it."""

import re

from schemas.errors import UsageFault

DEFAULT_INGEST = "2GB"
DEFAULT_RELEASE = "1GB"
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_LEAST = 256 * 10**6


def bytes_of(memory: str) -> int:
    """Bytes of an amount such as `2GB` or `512 MiB`.

    >>> bytes_of("1.5GB")
    1500000000

    Raises: UsageFault: not an amount, or too little to work with.
    """
    found = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([KMGT]i?B)\s*", memory, re.IGNORECASE)
    unit = _UNITS.get(found.group(2).upper()) if found is not None else None
    if found is None or unit is None:
        what = f"{memory[:40]!r} is no amount of memory"
        raise UsageFault("memory_unreadable", what, where="--memory", do="Give an amount such as 2GB")
    amount = int(float(found.group(1)) * unit)
    if amount < _LEAST:
        raise UsageFault(
            "memory_too_small", "the zone needs more memory than that", where="--memory", do="Give at least 256MB"
        )
    return amount


def megabytes(memory: str, part: int = 1) -> str:
    """One of `part` equal parts of an amount, as DuckDB reads it. Raises: UsageFault."""
    return f"{bytes_of(memory) // part // 10**6}MB"

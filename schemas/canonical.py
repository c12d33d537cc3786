"""One byte form per value: what is signed, hashed and compared."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel


def canonical_bytes(value: BaseModel | dict[str, Any] | list[Any]) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8, no NaN. Pydantic models are dumped with their YAML names."""
    plain = value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: BaseModel | dict[str, Any] | list[Any] | bytes) -> str:
    """SHA-256 of the canonical bytes, as 64 hexadecimal digits.

    >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    True
    """
    return hashlib.sha256(value if isinstance(value, bytes) else canonical_bytes(value)).hexdigest()

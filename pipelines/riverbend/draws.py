"""Numbers that look drawn and are the same everywhere: SHA-256 of a label and a counter.

Synthetic residents only. Nothing here may ever make noise: that is privacy.mechanisms' work.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_PER_DIGEST = 4


def uniforms(label: str, count: int) -> NDArray[np.float64]:
    """`count` values in (0, 1), each of 53 bits of SHA-256(label/counter).

    >>> bool((uniforms("a", 5) == uniforms("a", 6)[:5]).all())
    True
    """
    blocks = -(-count // _PER_DIGEST)
    content = b"".join(hashlib.sha256(f"{label}/{block}".encode()).digest() for block in range(blocks))
    integers = np.frombuffer(content, dtype=">u8")[:count] >> np.uint64(11)
    return (integers.astype(np.float64) + 0.5) / 2.0**53


def picks(label: str, count: int, weights: Sequence[float]) -> NDArray[np.intp]:
    """`count` positions in `weights`, each with its share."""
    steps = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(steps[:-1], uniforms(label, count), side="right")


def logistic(label: str, count: int) -> NDArray[np.float64]:
    """`count` values of the standard logistic law (variance π²/3)."""
    u = uniforms(label, count)
    return np.log(u / (1 - u))

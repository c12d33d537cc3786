"""The only place that touches OpenDP: discrete Laplace and discrete Gaussian noise on i64 vectors, and their maps.

Claim: docs/claims/mechanisms.md.
"""

import threading
from functools import lru_cache
from math import inf, isqrt, nextafter, sqrt
from typing import Any

from opendp.combinators import make_pureDP_to_zCDP
from opendp.domains import atom_domain, vector_domain
from opendp.measurements import make_gaussian, make_laplace
from opendp.metrics import l1_distance, l2_distance
from opendp.mod import enable_features

from schemas.plan import Mechanism

enable_features("contrib")


def l2_distance_in(l2_squared: int) -> float:
    """√l2_squared as a float that is never below it: the Gaussian's d_in."""
    root = isqrt(l2_squared)
    return float(root) if root * root == l2_squared else nextafter(sqrt(l2_squared), inf)


_own = threading.local()


def _measurement(mechanism: Mechanism, scale: float) -> Any:
    """One of the calling thread's own: OpenDP does not promise that what it makes may be shared between threads."""
    if not hasattr(_own, "make"):
        _own.make = lru_cache(maxsize=4096)(_make)
    return _own.make(mechanism, scale)


def _make(mechanism: Mechanism, scale: float) -> Any:
    domain = vector_domain(atom_domain(T="i64"))
    if mechanism == "discrete_gaussian":
        return make_gaussian(domain, l2_distance(T="f64"), scale)
    return make_laplace(domain, l1_distance(T="i64"), scale)


@lru_cache(maxsize=65536)
def privacy_map(mechanism: Mechanism, scale: float, l1: int, l2_squared: int) -> tuple[float, float | None]:
    """OpenDP's own statement of the loss: (ρ, pure ε or None for Gaussian), each rounded up by OpenDP."""
    measurement = _measurement(mechanism, scale)
    if mechanism == "discrete_gaussian":
        return float(measurement.map(l2_distance_in(l2_squared))), None
    return float(make_pureDP_to_zCDP(measurement).map(l1)), float(measurement.map(l1))


def draw(mechanism: Mechanism, scale: float, exact: list[int]) -> list[int]:
    """Each integer plus fresh noise. Randomness is OpenDP's own, from the operating system; it takes no seed.

    May be called by several threads at once: each has measurements of its own, and OpenSSL a generator for each.
    """
    noisy: list[int] = _measurement(mechanism, scale)(exact)
    return noisy

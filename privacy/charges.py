"""From shares of the loss to what is really drawn and charged: integer charges and the scales they pay for."""

from decimal import ROUND_CEILING, Context

import numpy as np
from numpy.typing import NDArray

from privacy.mechanisms import l2_distance_in, privacy_map
from privacy.sensitivity import Sensitivity, table_sensitivity, table_unit
from schemas.attributes import Attribute
from schemas.errors import DeclarationFault
from schemas.plan import NANO, MeasuredTable, Mechanism, nano

_GRID = Context(prec=5, rounding=ROUND_CEILING)
"""Scales have five significant digits, rounded up: like tables get one scale and share one call of OpenDP's map, and
at most 2 in 10,000 of a charge is left unused."""
_INTEGER_SHARES = 2**60


def on_grid(scale: float) -> float:
    """The next scale of five significant digits that is not smaller.

    >>> on_grid(12.34561)
    12.346
    """
    return float(_GRID.create_decimal_from_float(scale))


def _next_on_grid(scale: float) -> float:
    return float(_GRID.next_plus(_GRID.create_decimal_from_float(scale)))


def apportion(shares: NDArray[np.float64], total: int) -> list[int]:
    """Integers in proportion to shares that sum to `total`, by largest remainder (earlier first), each at least 1.

    Raises: DeclarationFault: there is less than one nano-unit a table.
    """
    if total < len(shares):
        raise DeclarationFault(
            "spend_too_small",
            f"spends less than one billionth a table on {len(shares)} tables",
            where="policy.yaml: spend",
            do="Spend more, or ask for fewer tables",
        )
    weights = [round(float(share) * _INTEGER_SHARES) for share in shares]
    whole = sum(weights)
    free = total - len(weights)
    parts = [1 + free * weight // whole for weight in weights]
    remainders = sorted(range(len(weights)), key=lambda i: (-(free * weights[i] % whole), i))
    for position in remainders[: total - sum(parts)]:
        parts[position] += 1
    return parts


def _least_scale(mechanism: Mechanism, bound: Sensitivity, nano_loss: int) -> float:
    if mechanism == "discrete_gaussian":
        return on_grid(l2_distance_in(bound.l2_squared) * (NANO / (2 * nano_loss)) ** 0.5)
    return on_grid(bound.l1 * NANO / nano_loss)


def measured_table(
    axes: tuple[Attribute, ...],
    mechanism: Mechanism,
    nano_loss: int,
    *,
    shared_keys: bool,
    responses_per_unit: int = 1,
) -> MeasuredTable:
    """The table with the least noise on the grid that costs at most `nano_loss` by OpenDP's map.

    `nano_loss` is in nano-ρ for Gaussian and in nano-ε (pure) for Laplace noise.
    """
    bound = table_sensitivity(axes, shared_keys=shared_keys, responses_per_unit=responses_per_unit)
    scale = _least_scale(mechanism, bound, nano_loss)
    while True:
        rho, pure = privacy_map(mechanism, scale, bound.l1, bound.l2_squared)
        pure_nano = None if pure is None else nano(pure)
        if (nano(rho) if pure_nano is None else pure_nano) <= nano_loss:
            break
        scale = _next_on_grid(scale)
    return MeasuredTable(
        attributes=tuple(axis.id for axis in axes),
        shape=tuple(axis.size for axis in axes),
        unit=table_unit(axes),
        l1=bound.l1,
        l2_squared=bound.l2_squared,
        mechanism=mechanism,
        scale=scale,
        charge_nano_rho=nano(rho),
        charge_nano_pure_epsilon=pure_nano,
    )

"""The one function that says how far one privacy unit can move a table. Plan, charge and OpenDP's d_in all use it.

Claim: docs/claims/sensitivity.md.
"""

from dataclasses import dataclass
from math import prod

from schemas.attributes import Attribute


@dataclass(frozen=True)
class Sensitivity:
    """Largest change of a table's cells between neighbours, in integer units: L1 and squared L2."""

    l1: int
    l2_squared: int


def table_unit(attributes: tuple[Attribute, ...]) -> int:
    """Integer units that one respondent contributes to one cell of the table at most."""
    return prod(attribute.unit for attribute in attributes)


def table_sensitivity(
    attributes: tuple[Attribute, ...], *, shared_keys: bool, responses_per_unit: int = 1
) -> Sensitivity:
    """Sensitivity of the marginal over `attributes` under add/remove of one privacy unit.

    A respondent enters ∏ at_most cells, each moved by at most `unit`. A score splits its unit over two cells, s and
    unit − s, so its L1 change is unit and its squared L2 change at most unit². Hence Δ₁ = unit · ∏ at_most and
    Δ₂² = unit² · ∏ at_most. A unit of h responses (`residents.household.at_most`) moves Δ₁ by h and, all in the same
    cells, Δ₂ by h (group privacy).
    Shared keys: removing one resident may let another's response in: an exchange, two respondents' cells at most,
    Δ₁ · 2 and Δ₂² · 2 (the two respondents' cell vectors are non-negative, so their difference has squared norm at
    most the sum of both). A net is signed: there the difference of two vectors has at most twice their norm, Δ₂² · 4.

    Source: Dwork and Roth 2014, definitions 3.1 and 3.8; DESIGN §4.
    """
    unit = table_unit(attributes)
    cells = prod(attribute.at_most for attribute in attributes)
    exchange = 2 if shared_keys else 1
    signed = any(attribute.kind == "net" for attribute in attributes)
    squared = exchange**2 if signed else exchange
    return Sensitivity(
        l1=unit * cells * responses_per_unit * exchange,
        l2_squared=unit * unit * cells * responses_per_unit**2 * squared,
    )

"""A figure made of other figures by slopes, such as a difference: its margins follow from theirs.

Claim: docs/claims/comparisons.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt

from schemas.released import SummaryRow

CARRIED = ("undefined", "no_information", "base", "belief")
"""Reasons that a figure takes over from what it is made of, the first one first. Its margin is its own."""


@dataclass(frozen=True)
class Part:
    """A figure for everybody that enters a combination with a slope."""

    row: SummaryRow
    slope: float


@dataclass(frozen=True)
class Kind:
    """What a combination is: the statistic, its unit and legal range, and what one of the unit is worth in points.

    `same_people`: the parts rest on the same respondents, whose answers may go together in any way: sampling errors
    add in full. Otherwise they are independent samples.
    """

    statistic: str
    unit: str
    least: float
    most: float
    same_people: bool
    points: float = 1.0
    is_difference: bool = True


def combined(
    kind: Kind, value: float | None, parts: Sequence[Part], margin_points: float, compared_with: str
) -> SummaryRow:
    """The row of a linearised combination, about the subject, option and weighting of its first part.

    Noise of the parts is independent and adds in quadrature, bias adds in full. `value` is None where a part has none.
    """
    lead, used = parts[0].row, [part.row for part in parts if part.slope != 0]
    shared = [abs(part.slope) * (part.row.sampling_moe or 0.0) for part in parts]
    sampling = sum(shared) if kind.same_people else hypot(*shared)
    noise = sqrt(sum((part.slope * (part.row.noise_moe or 0.0)) ** 2 for part in parts))
    bias = sum(abs(part.slope) * (part.row.bias_moe or 0.0) for part in parts)
    width = kind.most - kind.least
    moe = min(hypot(sampling, noise) + bias, width)
    undefined = value is None
    reason = next((code for code in CARRIED if any(row.reason == code for row in used)), "")
    reason = "undefined" if undefined else reason or ("margin" if moe * kind.points > margin_points else "")
    low, high = (value or 0.0) - moe, (value or 0.0) + moe
    bases = [row.base for row in used if row.base is not None]
    return SummaryRow(
        subject=lead.subject,
        statistic=kind.statistic,
        option=lead.option,
        group_attribute=None,
        group=None,
        unit=kind.unit,
        value=value,
        low=None if undefined else max(low, kind.least),
        high=None if undefined else min(high, kind.most),
        moe=None if undefined else moe,
        sampling_moe=None if undefined else min(sampling, width),
        noise_moe=None if undefined else min(noise, width),
        bias_moe=None if undefined else min(bias, width),
        base=min(bases) if bases else None,
        weighted=lead.weighted,
        model_based=any(row.model_based for row in used),
        publishable=not reason,
        reason=reason,
        compared_with=compared_with,
        significant=(not reason and (low > 0 or high < 0)) if kind.is_difference else None,
    )

"""The plan: which tables are measured, with how much noise, at what charge, and what that lets us know.

Made from public numbers only, so it can be reviewed, signed and published. Its digest identifies it.
"""

from fractions import Fraction
from math import ceil
from typing import Literal

from pydantic import Field

from schemas.base import Declared, Digest, is_unsaid
from schemas.engine import Engine

NANO = 1_000_000_000
"""Nano-ρ (and nano-ε) per ρ (and ε): the ledger's integers."""


def nano(loss: float | Fraction) -> int:
    """Loss in integer nano-units, rounded up, so that a sum of charges never falls below the true loss."""
    return ceil(Fraction(loss) * NANO)


Mechanism = Literal["discrete_gaussian", "discrete_laplace"]
KnownBy = Literal["cells", "net score", "index", "margins"]
TableKind = Literal["topline", "index", "crosstab", "index_crosstab", "demographic", "demographic_pair"]


def table_id(attributes: tuple[str, ...]) -> str:
    """Name of a table: its attributes in the survey's order, joined by a cross.

    >>> table_id(("district", "quality_of_life"))
    'district*quality_of_life'
    """
    return "*".join(attributes)


class MeasuredTable(Declared):
    """A marginal that is counted and noised: one call of one mechanism, one event in the accounting.

    `attributes` are in the survey's order and give the axes of the table. Counts are in integer units: `unit` units
    are one respondent. `l1` and `l2_squared` are the sensitivity in those units (privacy.sensitivity), `scale` the
    mechanism's scale in those units, `charge_nano_rho` and `charge_nano_pure_epsilon` OpenDP's map rounded up.
    """

    attributes: tuple[str, ...]
    shape: tuple[int, ...]
    unit: int
    l1: int
    l2_squared: int
    mechanism: Mechanism
    scale: float
    charge_nano_rho: int
    charge_nano_pure_epsilon: int | None

    @property
    def id(self) -> str:
        return table_id(self.attributes)

    @property
    def noise_sd(self) -> float:
        """Standard deviation of the noise in respondents (continuous approximation of the discrete law)."""
        spread = self.scale if self.mechanism == "discrete_gaussian" else self.scale * 2**0.5
        return spread / self.unit


class MarginForecast(Declared):
    """Expected 95 % margin of a table's headline figure, as a range over public assumptions; points of per cent.

    `sampling` and `noise` are the two parts at the middle of the range. `base` is the expected base of the smallest
    group shown.
    """

    low_points: float
    high_points: float
    sampling_points: float
    noise_points: float
    base: float


class PublishedTable(Declared):
    """A table of the release. `measured`: cell by cell; `net_measured`: its net score by group. `informative`: whether
    it is expected to know more than its margins.
    """

    attributes: tuple[str, ...]
    kind: TableKind
    priority: bool
    measured: bool
    net_measured: bool = False
    informative: bool
    share_of_loss: float
    forecast: MarginForecast

    @property
    def id(self) -> str:
        return table_id(self.attributes)

    @property
    def known_by(self) -> KnownBy:
        """What a reader may learn from it: each cell, how groups differ on the question, how they differ on its index,
        or no more than its margins say already.
        """
        if not self.informative:
            return "margins"
        return "cells" if self.measured else "net score" if self.net_measured else "index"


class Plan(Declared):
    """What a release will measure and publish. Amounts of loss are integers of nano-ρ and nano-ε."""

    format: Literal["hearsafe-plan/1"] = "hearsafe-plan/1"
    survey: str
    wave: str
    year: int
    population: str
    unit: Literal["resident", "household", "response"]
    shared_keys: bool
    delta: float
    noise: Literal["gaussian", "laplace"]
    noise_reason: str
    spend_nano_rho: int
    """What the policy lets this plan spend."""
    charge_nano_rho: int
    """What it does spend: the sum over the measured tables."""
    charge_nano_pure_epsilon: int | None
    epsilon: float | None
    """Printed ε: the smaller of pure ε and the conversion of the charge at δ; None where that has no meaning."""
    interaction: float
    """What is believed of interactions: their energy in units of pure sampling, for the responses expected."""
    measured: tuple[MeasuredTable, ...]
    published: tuple[PublishedTable, ...]
    survey_digest: Digest
    policy_digest: Digest
    engine: Engine | None = Field(default=None, exclude_if=is_unsaid)
    """Where it is counted, if not in the zone: part of what officers approve."""

"""policy.yaml: the privacy officer's reviewed numbers. No ε, δ or ρ has a default in code."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from schemas.base import Declared, Identifier, Slug, is_unsaid
from schemas.engine import Engine

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Cap(Declared):
    """An upper bound on loss: ε at the policy's δ, or ρ directly; optionally also a bound on pure ε."""

    epsilon: Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)] | None = None
    rho: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    pure_epsilon: Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _one_currency(self) -> "Cap":
        if (self.epsilon is None) == (self.rho is None):
            raise ValueError("give exactly one of epsilon and rho (and pure_epsilon where wanted)")
        return self


class Caps(Declared):
    """Bounds on what is spent: one release, one wave, one year, and for ever."""

    release: Cap
    wave: Cap
    year: Cap
    lifetime: Cap


class Spend(Declared):
    """What this plan spends, and with which noise. `auto` takes the family with the smaller error at equal ε."""

    epsilon: Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)] | None = None
    rho: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    noise: Literal["auto", "gaussian", "laplace"]

    @model_validator(mode="after")
    def _one_currency(self) -> "Spend":
        if (self.epsilon is None) == (self.rho is None):
            raise ValueError("give exactly one of epsilon and rho")
        if self.rho is not None and self.noise != "gaussian":
            raise ValueError("rho goes with noise: gaussian; give epsilon for laplace and auto")
        return self


class Unit(Declared):
    """What one change hides."""

    protects: Literal["resident", "household", "response"]
    shared_keys: bool = False
    """Residents may share a key: removing one can let another's row in, charged as an exchange."""


Selection = Literal["all", "none"] | tuple[Identifier, ...]


class Crosstabs(Declared):
    """Which question × group tables are published.

    `priority`: measured with a minimum share. `others`: `forecast` publishes the rest and measures those that the
    forecast says can be known; `all` measures every one; `none` publishes only the priority ones.
    """

    priority: tuple[Annotated[tuple[Identifier, ...], Field(min_length=2, max_length=3)], ...] = ()
    others: Literal["forecast", "all", "none"] = "forecast"


class WorkloadPolicy(Declared):
    """What is published. `emphasis` multiplies the importance of a kind of table in the split of the loss."""

    toplines: Selection = "all"
    indices: Selection = "all"
    crosstabs: Crosstabs = Crosstabs()
    demographics: Literal["pairs", "single"] = "pairs"
    emphasis: dict[Literal["toplines", "indices", "priority", "others", "demographics"], Positive] = {}


class Precision(Declared):
    """When a figure may be published as a finding."""

    publish_margin_points: Annotated[float, Field(gt=0, le=100)]
    min_expected_base: Annotated[int, Field(ge=0)]


LEAST_FRAME = 500
"""People that a published group has in public at least, where the policy says nothing of it (THREATS T20)."""


class Frames(Declared):
    """How small, in public, a group may be whose figures are planned for publication.

    `at_least`: people in the population, by the survey's declared targets and frame. `below: warn` says so at check and
    plan; `refuse` makes such declarations invalid, and those of which it cannot be told.
    """

    at_least: Annotated[int, Field(ge=1, le=10**10)] = LEAST_FRAME
    below: Literal["warn", "refuse"] = "warn"


class Prior(Declared):
    """Public belief about how much groups differ: energy of interactions in units of pure sampling (1 = none), given or
    as a release of this workspace, named by its id, learned it.
    """

    interaction: Annotated[float, Field(gt=0, le=1e6)] | None = None
    from_release: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Prior":
        if (self.interaction is None) == (self.from_release is None):
            raise ValueError("give exactly one of interaction and from_release")
        return self


class Approvals(Declared):
    """Who must sign before a charge. `charges`: how many charges one approval is worth.

    `author_excluded`: whoever wrote this policy, named by the same kind of key as `author`, may be an officer but does
    not approve their own work.
    """

    needed: Annotated[int, Field(ge=0, le=10)]
    officers: tuple[str, ...] = ()
    charges: Annotated[int, Field(ge=1, le=1000)] = 1
    expires_days: Annotated[int, Field(ge=1, le=3660)] = 14
    author: str | None = None
    author_excluded: bool = False

    @field_validator("officers")
    @classmethod
    def _officer_form(cls, officers: tuple[str, ...]) -> tuple[str, ...]:
        for officer in officers:
            if not officer.startswith("ed25519:"):
                raise ValueError("an officer is written ed25519: and the public key in hexadecimal or base64")
        return officers

    @field_validator("author")
    @classmethod
    def _author_form(cls, author: str | None) -> str | None:
        return cls._officer_form((author,))[0] if author is not None else None

    @model_validator(mode="after")
    def _enough_officers(self) -> "Approvals":
        if len(set(self.officers)) != len(self.officers):
            raise ValueError("an officer is listed twice")
        if self.needed > len(self.officers):
            raise ValueError("needed is larger than the number of officers")
        if self.author_excluded and self.author is None:
            raise ValueError("author_excluded needs an author: the key of whoever wrote this policy")
        if self.author_excluded and self.needed > len(set(self.officers) - {self.author}):
            raise ValueError("needed is larger than the number of officers other than the author")
        return self


class Retention(Declared):
    """When pseudonyms and the zone itself are destroyed, in days after the wave's last ingest."""

    close_wave_days: Annotated[int, Field(ge=0)]
    destroy_zone_days: Annotated[int, Field(ge=0)]


class Policy(Declared):
    """The whole of policy.yaml."""

    population: Slug
    unit: Unit
    delta: Annotated[float, Field(gt=0, lt=1)]
    caps: Caps
    spend: Spend
    workload: WorkloadPolicy = WorkloadPolicy()
    precision: Precision
    prior: Prior
    approvals: Approvals = Approvals(needed=0)
    """Without it no officer is asked; the plan and the card say so."""
    retention: Retention | None = None
    frames: Frames | None = Field(default=None, exclude_if=is_unsaid)
    """Without it groups are checked as by `Frames()`."""
    engine: Engine | None = Field(default=None, exclude_if=is_unsaid)
    """Without it, responses are counted in the zone. With it, the isolation of the zone is not claimed."""

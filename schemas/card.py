"""card.json: the machine-made disclosure label of a release, with a face for residents and one for experts.

The expert's sections and fields are named after the public registry of differential-privacy deployments and carry what
NIST SP 800-226 asks a claim to state. Nothing in it is an exact count: people are only ever estimated, with noise.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.attributes import CellRole
from schemas.base import Declared, Digest
from schemas.ledger import Head, PublicKeyHex
from schemas.plan import Mechanism, TableKind

Scope = Literal["release", "wave", "year", "lifetime"]
CountedOn = Literal["zone worker", "spark cluster"]
NanoLoss = Annotated[int, Field(ge=0)]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
"""A language as the survey file names it; the report makes it part of its style sheet."""


class ScopeLoss(Declared):
    """Loss spent in a scope, this release included, and its cap. ε at the policy's δ; None where it has no meaning.

    `waves`: of all surveys of the population that were charged in the scope. `charges`: theirs, voided ones included.
    """

    scope: Scope
    waves: Annotated[int, Field(ge=1)]
    charges: Annotated[int, Field(ge=1)]
    spent_nano_rho: NanoLoss
    spent_nano_pure_epsilon: NanoLoss | None
    spent_epsilon: float | None
    cap_nano_rho: NanoLoss
    cap_nano_pure_epsilon: NanoLoss | None
    cap_epsilon: float | None


class SpentSummary(Declared):
    """The four scopes as they stood at the CHARGED event of the release: the same release, the same card, for ever."""

    release: ScopeLoss
    wave: ScopeLoss
    year: ScopeLoss
    lifetime: ScopeLoss

    def scopes(self) -> tuple[ScopeLoss, ...]:
        return (self.release, self.wave, self.year, self.lifetime)


class OddsFigures(Declared):
    """Movements of a 50:50 belief, per cent: that somebody took part, and that a participant gave a certain answer.

    `failure`: chance over the noise that more is said; 0 where pure ε holds.
    """

    took_part_pct: float
    answered_pct: float
    failure: float


class ResidentFace(Declared):
    """The plain-words side, one screen. Every text is made from the plan, the policy and the ledger."""

    how: str
    asked: str
    who_sees_answers: str
    who_sees_results: str
    odds: str
    odds_this_year: str
    not_protected: tuple[str, ...]
    delete: str
    comments: str


class Product(Declared):
    """Registry section: what is published, by whom it is used for what."""

    name: str
    data_product_type: str
    description: str
    intended_use: str
    publication_date: str


class DpFlavor(Declared):
    """Registry section: the variant of differential privacy and what it is stated over."""

    name: str
    input_metric: str
    bound_on_input_distance: str
    output_measure: str
    bound_on_output_distance: str
    data_domain: str
    unprotected_quantities: tuple[str, ...]


class PrivacyParameters(Declared):
    """ρ, ε at δ, and pure ε where every mechanism is Laplace."""

    rho: float
    epsilon: float | None
    delta: float
    pure_epsilon: float | None


class PrivacyLoss(Declared):
    """Registry section: the unit, the adjacency and the loss, for this release and for every scope it counts in."""

    privacy_unit: Literal["resident", "household", "response"]
    privacy_unit_description: str
    adjacency: Literal["add_or_remove"]
    bounded: bool
    rests_on: str
    privacy_parameters: PrivacyParameters
    privacy_parameters_description: str
    charge_nano_rho: int
    charge_nano_pure_epsilon: int | None
    spent: SpentSummary
    odds: OddsFigures
    odds_this_year: OddsFigures


class Model(Declared):
    """Registry section: who must be trusted, and how the release is made."""

    model_name: str
    actors: tuple[str, ...]
    trust: str
    isolation: tuple[str, ...]
    counted_on: CountedOn = "zone worker"
    """On a Spark cluster of the operator's, responses were outside the zone: its isolation is not claimed."""
    release_type: str
    data_source_type: str
    access_type: str


class Accounting(Declared):
    """Registry section: how losses add up and what was done to the released values."""

    composition: str
    post_processing: tuple[str, ...]


class MeasuredOnCard(Declared):
    """One call of a mechanism. Scale and sensitivities in integer units; `noise_sd` in respondents."""

    table: str
    mechanism: Mechanism
    unit: int
    l1: int
    l2_squared: int
    scale: float
    noise_sd: float
    charge_nano_rho: int
    charge_nano_pure_epsilon: int | None


class PublishedOnCard(Declared):
    """One published table."""

    table: str
    kind: TableKind
    measured: bool
    informative: bool


class Bound(Declared):
    """How much one respondent can contribute to an attribute."""

    attribute: str
    at_most_cells: int
    low: float | None = None
    high: float | None = None


class Implementation(Declared):
    """Registry section: mechanisms, bounds, software and the reasons for the choice."""

    pre_processing_eda_hyperparameter_tuning: str
    mechanisms: str
    discrete_sampler: str
    random_numbers: str
    floating_point: str
    justification: str
    contribution_bounds: tuple[Bound, ...]
    contribution_bounds_source: str
    measured: tuple[MeasuredOnCard, ...]
    published: tuple[PublishedOnCard, ...]
    software: dict[str, str]


class Precision(Declared):
    """When a figure is published as a finding."""

    publish_margin_points: float
    min_expected_base: int
    statement: str


class ApprovalOnCard(Declared):
    """An officer's approval that the charge used. `time`: the beginning of its day, in UTC."""

    officer: str
    time: str


class Governance(Declared):
    """What was declared, who approved it, what becomes of the data."""

    survey_digest: Digest
    policy_digest: Digest
    plan_digest: Digest
    approvals_needed: int
    approvals: tuple[ApprovalOnCard, ...]
    approvals_statement: str
    close_wave_days: int | None
    destroy_zone_days: int | None


class Belief(Declared):
    """How much groups differ, as `prior.interaction` of a policy: energy of interactions in units of pure sampling, for
    600 responses. Believed beforehand, given or from an earlier release, and as this release learned it.
    """

    interaction_believed: float
    from_release: str | None
    interaction_learned: float | None


class Participation(Declared):
    """An estimate with noise of how many responses were counted. Never the exact number."""

    estimated_respondents: float
    noise_sd: float


class AlsoPublished(Declared):
    """Something else that was published from the same residents' answers, without noise, as the ledger records it."""

    name: str
    survey: str
    wave: str
    why: str
    recorded: str
    """The day on which it was registered."""


class ExpertFace(Declared):
    """The side for experts, in the registry's sections."""

    product: Product
    dp_flavor: DpFlavor
    privacy_loss: PrivacyLoss
    model: Model
    accounting: Accounting
    implementation: Implementation
    precision: Precision
    governance: Governance
    participation: Participation
    belief: Belief | None = None
    """None on cards of versions that did not state it."""
    known_limits: tuple[str, ...]
    also_published: tuple[AlsoPublished, ...] = ()
    """What was registered for the population when this release was charged."""


class CardCell(Declared):
    """A cell of an attribute, with its label in the card's language."""

    code: str
    label: str
    role: CellRole
    score: float | None


class CardAttribute(Declared):
    """An attribute as analysts and the report need it. `base`: who was asked, in words, where not everybody was."""

    id: str
    kind: Literal["single", "multi", "score", "net"]
    of: str | None = None
    weights: tuple[int, ...] = ()
    """Of a net score: the attribute it is a sum over, and what each cell of that counts."""
    origin: Literal["question", "numeric_mean", "demographic", "index", "verified"]
    label: str
    base: str | None
    positive: tuple[str, ...]
    at_most: int
    unit: int
    low: float
    high: float
    measure_unit: str | None
    """Unit of a numeric question's values, such as years."""
    targets: dict[str, float]
    """Public population shares of a demographic's categories, where declared."""
    cells: tuple[CardCell, ...]
    options: dict[str, str] = {}
    """Of a ranking: the label of each option; its cells are options at places."""


class CardIndex(Declared):
    """A composite: which questions it averages and how."""

    id: str
    label: str
    items: tuple[str, ...]
    score: Literal["positive", "mean"]


class Translation(Declared):
    """The labels of the questionnaire in a further language, where the survey file has them.

    Keys of `labels`: `attribute` for its text, `attribute/code` for a cell's or a ranked option's, `attribute#base` for
    who was asked, `attribute#unit` for the unit of a number.
    """

    language: LanguageTag
    title: str | None
    labels: dict[str, str]


class TranslatedFaces(Declared):
    """What the two faces say in a further language. Keys of `sentences`: where in the card each stands."""

    language: LanguageTag
    sentences: dict[str, str]


class Instrument(Declared):
    """The public questionnaire: every label that a reader of the Parquet files needs."""

    language: str
    attributes: tuple[CardAttribute, ...]
    indices: tuple[CardIndex, ...]
    translations: tuple[Translation, ...] = ()


class LedgerOnCard(Declared):
    """Where the ledger stood. `head` is the SEALED event of this release."""

    id: str
    public_key: PublicKeyHex
    fingerprint: Digest
    charged_seq: int
    charged_hash: Digest
    head: Head


class Card(Declared):
    """The whole of card.json. `time`: the beginning of the day on which the release was charged, in UTC."""

    format: Literal["hearsafe-card/1"] = "hearsafe-card/1"
    release_id: str
    title: str
    survey: str
    wave: str
    year: int
    population: str
    time: str
    resident: ResidentFace
    expert: ExpertFace
    instrument: Instrument
    ledger: LedgerOnCard
    faces: tuple[TranslatedFaces, ...] = ()
    """Both faces in the further languages of the survey that hearsafe has its sentences in."""

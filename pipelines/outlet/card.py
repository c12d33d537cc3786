"""The release card: generated from declarations, plan, ledger and released values; never typed."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from pipelines.outlet.context import ReleaseContext, printed_epsilon
from pipelines.outlet.instrument import instrument_of
from pipelines.outlet.resident import language_of, resident_face
from privacy.odds import odds
from schemas.base import text_in
from schemas.card import (
    Accounting,
    Bound,
    Card,
    DpFlavor,
    ExpertFace,
    Governance,
    Implementation,
    LedgerOnCard,
    MeasuredOnCard,
    Model,
    OddsFigures,
    Participation,
    Precision,
    PrivacyLoss,
    PrivacyParameters,
    Product,
    PublishedOnCard,
    ScopeLoss,
)
from schemas.manifest import fingerprint
from schemas.plan import NANO

if TYPE_CHECKING:
    from privacy.estimate import Estimates

_PACKAGES = ("hearsafe", "opendp", "numpy", "scipy", "pyarrow", "duckdb", "cryptography")


def card_bytes(card: Card) -> bytes:
    """The card as a file: indented JSON in the order of the model, UTF-8."""
    plain = card.model_dump(mode="json")
    return (json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def odds_figures(loss: ScopeLoss, delta: float, *, shared_keys: bool) -> OddsFigures:
    """The movements of belief that a scope's loss allows."""
    found = odds(loss.spent_nano_rho, loss.spent_nano_pure_epsilon, delta, charged_as_exchange=shared_keys)
    return OddsFigures(took_part_pct=found.took_part_pct, answered_pct=found.answered_pct, failure=found.failure)


def build_card(context: ReleaseContext, estimates: "Estimates") -> Card:
    """Everything a reader must know about a release; the same card for the same charge and released values."""
    survey, policy, plan, delta = context.survey, context.policy, context.plan, context.policy.delta
    language = language_of(survey)
    shared = plan.shared_keys
    this = odds_figures(context.spent.release, delta, shared_keys=shared)
    year = odds_figures(context.spent.year, delta, shared_keys=shared)
    return Card(
        release_id=context.charge.release_id,
        title=text_in(survey.title, language),
        survey=survey.survey,
        wave=survey.wave.id,
        year=survey.wave.year,
        population=survey.population,
        time=context.charged.time,
        resident=resident_face(survey, policy, this, year),
        expert=ExpertFace(
            product=_product(context),
            dp_flavor=_flavor(context),
            privacy_loss=_loss(context, this, year),
            model=_model(context),
            accounting=_accounting(context),
            implementation=_implementation(context),
            precision=Precision(
                publish_margin_points=policy.precision.publish_margin_points,
                min_expected_base=policy.precision.min_expected_base,
                statement=(
                    "A figure is publishable when its 95 % margin is at most publish_margin_points and the lower bound "
                    "of its noisy base is at least min_expected_base. Margins contain sampling, privacy noise and "
                    "shrinkage bias; summary.parquet gives each apart."
                ),
            ),
            governance=_governance(context),
            participation=Participation(
                estimated_respondents=float(estimates.total), noise_sd=float(estimates.total_variance) ** 0.5
            ),
            known_limits=_known_limits(context),
        ),
        instrument=instrument_of(survey, context.attributes),
        ledger=LedgerOnCard(
            id=context.ledger_id,
            public_key=context.ledger_public_key,
            fingerprint=fingerprint(context.ledger_public_key),
            charged_seq=context.charged.seq,
            charged_hash=context.charged.hash,
            head=context.sealed,
        ),
    )


def _product(context: ReleaseContext) -> Product:
    survey = context.survey
    return Product(
        name=f"{text_in(survey.title, language_of(survey))} ({survey.wave.id})",
        data_product_type="Summary statistics",
        description="Noisy counts of a resident survey, estimates made from them, and a report.",
        intended_use="To learn what residents as a whole, and groups of them, think of their community.",
        publication_date=context.charged.time[:10],
    )


def _flavor(context: ReleaseContext) -> DpFlavor:
    plan, survey = context.plan, context.survey
    pure = plan.charge_nano_pure_epsilon
    invited = survey.expected.invited
    expected = f"expected responses ({survey.expected.responses:,})"
    expected += "" if invited is None else f" and invitations ({invited:,})"
    bound = f"ρ = {plan.charge_nano_rho / NANO:g}" if pure is None else f"ε = {pure / NANO:g}"
    return DpFlavor(
        name="Zero-concentrated DP" if pure is None else "Pure DP",
        input_metric="symmetric distance, counted in privacy units",
        bound_on_input_distance=f"one {plan.unit}",
        output_measure="zero-concentrated divergence" if pure is None else "max divergence",
        bound_on_output_distance=bound,
        data_domain=(
            f"Responses to the declared instrument of {survey.survey}, wave {survey.wave.id}: "
            f"{len(context.attributes)} attributes, each with a public finite list of cells, declared beforehand."
        ),
        unprotected_quantities=(
            "the survey and policy files: questions, options, categories, caps and precision rules",
            f"{expected}, declared beforehand and never compared with the data",
            "population targets and shares in the survey file",
            "that a release was made, and when; the ledger's counts of intakes, charges and attempts",
            "anything published from the same responses outside this ledger",
        ),
    )


_UNITS = {
    "resident": "everything counted under one resident key in one wave",
    "household": "everything counted under one household key in one wave",
    "response": "one response; the survey declares no resident key, so the response itself is the unit",
}


def _loss(context: ReleaseContext, this: OddsFigures, year: OddsFigures) -> PrivacyLoss:
    plan = context.plan
    pure = plan.charge_nano_pure_epsilon
    exchange = (
        f" Keys may be shared, so a removal is charged as an exchange of two {plan.unit}s." if plan.shared_keys else ""
    )
    keyed = (
        "One key per person: somebody with two keys counts as two units. A missing key is quarantined, never counted."
    )
    rests_on = {
        "resident": keyed,
        "household": "One household key per household: somebody who answers under two counts in both.",
        "response": "Nothing beyond the response: no person is tied to it.",
    }
    most = context.survey.residents.responses_per_unit
    several = f" At most {most} responses of it are counted." if plan.unit == "household" else ""
    return PrivacyLoss(
        privacy_unit=plan.unit,
        privacy_unit_description=(
            f"Neighbouring datasets differ by adding or removing {_UNITS[plan.unit]}.{several}{exchange}"
        ),
        adjacency="add_or_remove",
        bounded=False,
        rests_on=rests_on[plan.unit],
        privacy_parameters=PrivacyParameters(
            rho=plan.charge_nano_rho / NANO,
            epsilon=printed_epsilon(plan.charge_nano_rho, pure, plan.delta),
            delta=plan.delta,
            pure_epsilon=None if pure is None else pure / NANO,
        ),
        privacy_parameters_description=(
            "rho is what the ledger charged, rounded up to nano-rho per mechanism; epsilon is the smaller of pure "
            "epsilon and the tight conversion of rho at delta (Canonne, Kamath and Steinke 2020)."
        ),
        charge_nano_rho=plan.charge_nano_rho,
        charge_nano_pure_epsilon=pure,
        spent=context.spent,
        odds=this,
        odds_this_year=year,
    )


_TRUST = "One curator is trusted with the responses; noise is added there, once, before anything leaves the zone."
_TRUST_CLUSTER = (
    "One curator is trusted with the responses, and so is a Spark cluster of theirs, where the coded responses lie in "
    "clear, without names or keys, and are counted: they are not isolated. Noise is added by the zone's own process, "
    "once, before anything leaves the zone and the cluster."
)
_CLUSTER_ACTOR = "whoever runs the Spark cluster or can read its store: sees coded responses and exact counts; trusted"


def _model(context: ReleaseContext) -> Model:
    return Model(
        model_name="Central",
        actors=(
            "the data team: takes the export in and runs releases; trusted with the export until it is destroyed",
            "the privacy officer: sets caps and approves; needs no access to answers",
            "whoever holds the zone's key: could open the encrypted responses; trusted",
            *(() if context.plan.engine is None else (_CLUSTER_ACTOR,)),
            "analysts and the public: see released files only; not trusted",
        ),
        trust=_TRUST if context.plan.engine is None else _TRUST_CLUSTER,
        isolation=context.isolation,
        counted_on="zone worker" if context.plan.engine is None else "spark cluster",
        release_type="Many releases",
        data_source_type="Static",
        access_type="Non-interactive",
    )


def _accounting(context: ReleaseContext) -> Accounting:
    calibrated = any(d.targets for d in context.survey.demographics)
    steps = [
        "weighted least squares over all noisy tables, in the basis of residual components",
        "shrinkage of interactions under the public prior of the policy",
        "projection onto non-negative counts that agree with each other",
    ]
    if calibrated:
        steps.append("calibration of toplines to the public margins of the survey file; no weights on respondents")
    steps += [f"changes since wave {wave}, from its released files (release {name})" for wave, name in context.earlier]
    return Accounting(
        composition=(
            "Adaptive composition of zCDP: the losses of all mechanisms, waves and releases of a population add up in "
            "integer nano-rho, as if every resident answered every wave. No refund, reset, parallel-composition or "
            "sampling gain is claimed."
        ),
        post_processing=(*steps, "95 % intervals and publishability from the noisy values and the known noise only"),
    )


def _implementation(context: ReleaseContext) -> Implementation:
    plan = context.plan
    used = {a for table in plan.measured for a in table.attributes} | {a for t in plan.published for a in t.attributes}
    return Implementation(
        pre_processing_eda_hyperparameter_tuning=(
            "None on the data: the plan is made from public numbers only. Deduplication, eligibility and tick limits "
            f"are rules on one {plan.unit}'s rows alone."
        ),
        mechanisms=f"Discrete {plan.noise.title()} noise on vectors of 64-bit integer counts",
        discrete_sampler="OpenDP make_gaussian and make_laplace on i64 vectors: exact samplers, no floating point",
        random_numbers="OpenDP's generator, seeded from the operating system; no seed can be given",
        floating_point="Only integers are noised; floating point comes in afterwards, in the estimates.",
        justification=plan.noise_reason,
        contribution_bounds=tuple(
            Bound(
                attribute=a.id,
                at_most_cells=a.at_most if a.kind != "score" else 2,
                low=a.low if a.kind == "score" else None,
                high=a.high if a.kind == "score" else None,
            )
            for a in context.attributes
            if a.id in used
        ),
        contribution_bounds_source="the survey file; excess ticks are cut by a rule on the response alone",
        measured=tuple(
            MeasuredOnCard(
                table=t.id,
                mechanism=t.mechanism,
                unit=t.unit,
                l1=t.l1,
                l2_squared=t.l2_squared,
                scale=t.scale,
                noise_sd=t.noise_sd,
                charge_nano_rho=t.charge_nano_rho,
                charge_nano_pure_epsilon=t.charge_nano_pure_epsilon,
            )
            for t in plan.measured
        ),
        published=tuple(
            PublishedOnCard(table=t.id, kind=t.kind, measured=t.measured, informative=t.informative)
            for t in plan.published
        ),
        software={"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _governance(context: ReleaseContext) -> Governance:
    policy, charge = context.policy, context.charge
    needed = policy.approvals.needed
    asked = (
        f"{needed} officer{'s' if needed > 1 else ''} had to approve; {len(context.approvals)} approval(s) were used"
    )
    return Governance(
        survey_digest=charge.survey_digest,
        policy_digest=charge.policy_digest,
        plan_digest=charge.plan_digest,
        approvals_needed=needed,
        approvals=context.approvals,
        approvals_statement=asked if needed else "no officer's approval was asked",
        close_wave_days=None if policy.retention is None else policy.retention.close_wave_days,
        destroy_zone_days=None if policy.retention is None else policy.retention.destroy_zone_days,
    )


def _known_limits(context: ReleaseContext) -> tuple[str, ...]:
    calibrated = any(d.targets for d in context.survey.demographics)
    corrected = "; only calibration to public margins corrects for who answered" if calibrated else ""
    limits = [
        f"Margins assume that respondents are like a random sample of residents{corrected}.",
        "The bias of shrunken figures rests on the public prior of the policy; one release cannot check it.",
        "A table that is not informative follows from its margins and says nothing about differences between groups.",
        "The time a release takes is not hidden from whoever can watch the machine.",
    ]
    if context.plan.engine is not None:
        limits.append(
            "Responses were counted on a Spark cluster, outside the encrypted zone: no isolation is claimed for them. "
            "The noise is as stated if the cluster counted what it was asked to count."
        )
    if context.plan.unit == "household":
        limits.append(
            "Members of one household may answer alike; margins take responses for independent of each other."
        )
    if context.plan.unit == "response":
        limits.append("Nothing stops one person from responding twice; such responses are protected one by one.")
    return tuple(limits)

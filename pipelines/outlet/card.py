"""The release card: generated from declarations, plan, ledger and released values; never typed."""

import json
import platform
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, cast

from pipelines.outlet.card_trust import model_of, not_isolated
from pipelines.outlet.context import ReleaseContext, printed_epsilon
from pipelines.outlet.instrument import further_languages, instrument_of
from pipelines.outlet.language import N_, general, gettext, number, speaking
from pipelines.outlet.noise_reason import noise_reason
from pipelines.outlet.resident import language_of, resident_face
from privacy.group_prior import learned_interaction
from privacy.odds import odds
from privacy.prior import interaction_at_belief_size
from schemas.base import text_in
from schemas.card import (
    Accounting,
    Belief,
    Bound,
    Card,
    DpFlavor,
    ExpertFace,
    Governance,
    Implementation,
    LedgerOnCard,
    MeasuredOnCard,
    OddsFigures,
    Participation,
    Precision,
    PrivacyLoss,
    PrivacyParameters,
    Product,
    PublishedOnCard,
    ScopeLoss,
    TranslatedFaces,
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
    card = _card(context, estimates)
    english = card.model_dump(mode="json", include={"resident", "expert"})
    faces: list[TranslatedFaces] = []
    for language in further_languages(context.survey, context.attributes):
        with speaking(language):
            told = _card(context, estimates).model_dump(mode="json", include={"resident", "expert"})
        faces.append(TranslatedFaces(language=language, sentences=dict(_differing(english, told, ""))))
    return card.model_copy(update={"faces": tuple(faces)})


def _differing(one: Any, other: Any, place: str) -> Iterator[tuple[str, str]]:
    """(place, text of the other) wherever two trees of one shape have different texts."""
    if isinstance(one, dict):
        steps = [(str(key), value, other[key]) for key, value in cast("dict[str, Any]", one).items()]
    elif isinstance(one, list):
        steps = [(str(i), a, b) for i, (a, b) in enumerate(zip(cast("list[Any]", one), other, strict=True))]
    else:
        steps = []
        if one != other:
            yield place, other
    for step, a, b in steps:
        yield from _differing(a, b, f"{place}.{step}" if place else step)


def _card(context: ReleaseContext, estimates: "Estimates") -> Card:
    """The card in the language spoken."""
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
        time=context.day,
        resident=resident_face(survey, policy, this, year, context.also_published),
        expert=ExpertFace(
            product=_product(context),
            dp_flavor=_flavor(context),
            privacy_loss=_loss(context, this, year),
            model=model_of(context),
            accounting=_accounting(context),
            implementation=_implementation(context),
            precision=Precision(
                publish_margin_points=policy.precision.publish_margin_points,
                min_expected_base=policy.precision.min_expected_base,
                statement=gettext(
                    "A figure is publishable when its 95 % margin is at most publish_margin_points and the lower bound "
                    "of its noisy base is at least min_expected_base. Margins contain sampling, privacy noise and "
                    "shrinkage bias; summary.parquet gives each apart."
                ),
            ),
            governance=_governance(context),
            participation=Participation(
                estimated_respondents=float(estimates.total), noise_sd=float(estimates.total_variance) ** 0.5
            ),
            belief=_belief(context, estimates),
            known_limits=_known_limits(context),
            also_published=context.also_published,
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
        description=gettext("Noisy counts of a resident survey, estimates made from them, and a report."),
        intended_use=gettext("To learn what residents as a whole, and groups of them, think of their community."),
        publication_date=context.day[:10],
    )


def _flavor(context: ReleaseContext) -> DpFlavor:
    plan, survey = context.plan, context.survey
    pure = plan.charge_nano_pure_epsilon
    invited = survey.expected.invited
    expected = gettext("expected responses ({})").format(number(survey.expected.responses))
    expected += "" if invited is None else gettext(" and invitations ({})").format(number(invited))
    bound = f"ρ = {general(plan.charge_nano_rho / NANO)}" if pure is None else f"ε = {general(pure / NANO)}"
    return DpFlavor(
        name=gettext("Zero-concentrated DP") if pure is None else gettext("Pure DP"),
        input_metric=gettext("symmetric distance, counted in privacy units"),
        bound_on_input_distance=gettext(_ONE[plan.unit]),
        output_measure=gettext("zero-concentrated divergence") if pure is None else gettext("max divergence"),
        bound_on_output_distance=bound,
        data_domain=gettext(
            "Responses to the declared instrument of {survey}, wave {wave}: {count} attributes, each with a public "
            "finite list of cells, declared beforehand."
        ).format(survey=survey.survey, wave=survey.wave.id, count=sum(a.kind != "net" for a in context.attributes)),
        unprotected_quantities=(
            gettext("the survey and policy files: questions, options, categories, caps and precision rules"),
            gettext("{}, declared beforehand and never compared with the data").format(expected),
            gettext("population targets and shares in the survey file"),
            gettext("that a release was made, and when; the ledger's counts of intakes, charges and attempts"),
            gettext("anything published from the same responses outside this ledger"),
            *(
                gettext(
                    "published without protection: {name} ({survey}, wave {wave}; registered {recorded}): {why}"
                ).format(name=other.name, survey=other.survey, wave=other.wave, recorded=other.recorded, why=other.why)
                for other in context.also_published
            ),
        ),
    )


_ONE = {"resident": N_("one resident"), "household": N_("one household"), "response": N_("one response")}
_UNITS = {
    "resident": N_(
        "Neighbouring datasets differ by adding or removing everything counted under one resident key in one wave."
    ),
    "household": N_(
        "Neighbouring datasets differ by adding or removing everything counted under one household key in one wave. "
        "At most {most} responses of it are counted."
    ),
    "response": N_(
        "Neighbouring datasets differ by adding or removing one response; the survey declares no resident key, so the "
        "response itself is the unit."
    ),
}
_RESTS_ON = {
    "resident": N_(
        "One key per person: somebody with two keys counts as two units. A missing key is quarantined, never counted."
    ),
    "household": N_("One household key per household: somebody who answers under two counts in both."),
    "response": N_("Nothing beyond the response: no person is tied to it."),
}


def _loss(context: ReleaseContext, this: OddsFigures, year: OddsFigures) -> PrivacyLoss:
    plan = context.plan
    pure = plan.charge_nano_pure_epsilon
    exchange = (
        gettext(" Keys may be shared, so a removal is charged as an exchange of two.") if plan.shared_keys else ""
    )
    unit = gettext(_UNITS[plan.unit]).format(most=context.survey.residents.responses_per_unit)
    return PrivacyLoss(
        privacy_unit=plan.unit,
        privacy_unit_description=unit + exchange,
        adjacency="add_or_remove",
        bounded=False,
        rests_on=gettext(_RESTS_ON[plan.unit]),
        privacy_parameters=PrivacyParameters(
            rho=plan.charge_nano_rho / NANO,
            epsilon=printed_epsilon(plan.charge_nano_rho, pure, plan.delta),
            delta=plan.delta,
            pure_epsilon=None if pure is None else pure / NANO,
        ),
        privacy_parameters_description=gettext(
            "rho is what the ledger charged, rounded up to nano-rho per mechanism; epsilon is the smaller of pure "
            "epsilon and the tight conversion of rho at delta (Canonne, Kamath and Steinke 2020)."
        ),
        charge_nano_rho=plan.charge_nano_rho,
        charge_nano_pure_epsilon=pure,
        spent=context.spent,
        odds=this,
        odds_this_year=year,
    )


def _accounting(context: ReleaseContext) -> Accounting:
    calibrated = any(d.targets for d in context.survey.demographics)
    steps = [
        gettext("weighted least squares over all noisy tables, in the basis of residual components"),
        gettext("shrinkage of interactions under the public prior of the policy")
        if context.policy.prior.from_release is None
        else gettext("shrinkage of interactions under what release {} learned of them").format(
            context.policy.prior.from_release
        ),
        gettext("projection onto non-negative counts that agree with each other"),
    ]
    if calibrated:
        steps.append(
            gettext("calibration of toplines to the public margins of the survey file; no weights on respondents")
        )
    changes = gettext("changes since wave {wave}, from its released files (release {release})")
    steps += [changes.format(wave=wave, release=name) for wave, name in context.earlier]
    return Accounting(
        composition=gettext(
            "Adaptive composition of zCDP: the losses of all mechanisms, waves and releases of a population add up in "
            "integer nano-rho, as if every resident answered every wave. No refund, reset, parallel-composition or "
            "sampling gain is claimed."
        ),
        post_processing=(
            *steps,
            gettext("95 % intervals and publishability from the noisy values and the known noise only"),
        ),
    )


def _belief(context: ReleaseContext, estimates: "Estimates") -> Belief:
    sizes = [effects.size for effects in estimates.effects.values()]
    responses = context.survey.expected.responses
    learned = learned_interaction(sizes, float(estimates.total))
    return Belief(
        interaction_believed=round(interaction_at_belief_size(context.plan.interaction, responses), 6),
        from_release=context.policy.prior.from_release,
        interaction_learned=None if learned is None else round(learned, 6),
    )


_MECHANISMS = {
    "gaussian": N_("Discrete Gaussian noise on vectors of 64-bit integer counts"),
    "laplace": N_("Discrete Laplace noise on vectors of 64-bit integer counts"),
}


def _implementation(context: ReleaseContext) -> Implementation:
    plan = context.plan
    used = {a for table in plan.measured for a in table.attributes} | {a for t in plan.published for a in t.attributes}
    return Implementation(
        pre_processing_eda_hyperparameter_tuning=gettext(
            "None on the data: the plan is made from public numbers and earlier releases only. Deduplication, "
            "eligibility and tick limits are rules on the rows of one protected unit alone."
        ),
        mechanisms=gettext(_MECHANISMS[plan.noise]),
        discrete_sampler=gettext(
            "OpenDP make_gaussian and make_laplace on i64 vectors: exact samplers, no floating point"
        ),
        random_numbers=gettext("OpenDP's generator, seeded from the operating system; no seed can be given"),
        floating_point=gettext("Only integers are noised; floating point comes in afterwards, in the estimates."),
        justification=noise_reason(plan.noise_reason),
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
        contribution_bounds_source=gettext("the survey file; excess ticks are cut by a rule on the response alone"),
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


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _governance(context: ReleaseContext) -> Governance:
    policy, charge = context.policy, context.charge
    needed = policy.approvals.needed
    asked = gettext("officers who had to approve: {needed}; approvals that were used: {used}")
    asked = asked.format(needed=needed, used=len(context.approvals))
    return Governance(
        survey_digest=charge.survey_digest,
        policy_digest=charge.policy_digest,
        plan_digest=charge.plan_digest,
        approvals_needed=needed,
        approvals=context.approvals,
        approvals_statement=asked if needed else gettext("no officer's approval was asked"),
        close_wave_days=None if policy.retention is None else policy.retention.close_wave_days,
        destroy_zone_days=None if policy.retention is None else policy.retention.destroy_zone_days,
    )


def _known_limits(context: ReleaseContext) -> tuple[str, ...]:
    calibrated = any(d.targets for d in context.survey.demographics)
    limits = [
        gettext(
            "Margins assume that respondents are like a random sample of residents; only calibration to public margins "
            "corrects for who answered."
        )
        if calibrated
        else gettext("Margins assume that respondents are like a random sample of residents."),
        gettext("The bias of shrunken figures rests on the public prior of the policy; one release cannot check it."),
        gettext(
            "A table that is not informative follows from its margins and says nothing about differences between "
            "groups."
        ),
        gettext("The time a release takes is not hidden from whoever can watch the machine."),
    ]
    limits += not_isolated(context)
    if context.plan.unit == "household":
        limits.append(
            gettext("Members of one household may answer alike; margins take responses for independent of each other.")
        )
    if context.plan.unit == "response":
        limits.append(
            gettext("Nothing stops one person from responding twice; such responses are protected one by one.")
        )
    return tuple(limits)

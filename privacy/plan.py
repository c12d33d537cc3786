"""The plan of a release: from survey and policy, which tables are measured with what noise, and what that lets us know.

No data enters, so that a plan can be reviewed, signed and published; the same declarations give the same bytes.

Claim: docs/claims/plan.md.
"""

from collections.abc import Sequence
from math import ceil

from privacy.accountant import EPSILON_MEANINGLESS
from privacy.forecast import Knowledge, forecast
from privacy.ledger_budget import printed_epsilon
from privacy.ledger_state import Spent
from privacy.noise_family import choose_noise, problem_of
from privacy.prior import expected_interaction, public_belief
from privacy.residual import component_precisions
from privacy.spending import spending_of
from privacy.workload import WantedTable, net_candidates, wanted_tables, with_optional_details
from schemas.attributes import attributes_of
from schemas.errors import DeclarationFault
from schemas.nets import NET, net_attributes
from schemas.plan import MeasuredTable, Plan, PublishedTable
from schemas.policy import Policy
from schemas.survey import Survey


def make_plan(survey: Survey, policy: Policy, *, survey_digest: str, policy_digest: str) -> Plan:
    """The plan that spends what the policy says where the public forecast finds it best spent.

    Raises: DeclarationFault: the policy asks for what the survey lacks, what its caps refuse, or what is not built.
    """
    _check_unit(survey, policy)
    if policy.prior.interaction is None:
        raise DeclarationFault(
            "prior_unread",
            "names a release that was not looked up",
            where="policy.yaml: prior.from_release",
            do="Name the workspace that has it with --workspace",
        )
    interaction = expected_interaction(policy.prior.interaction, survey.expected.responses)
    attributes = attributes_of(survey)
    nets = net_attributes(survey, attributes)
    by_id = {attribute.id: attribute for attribute in (*attributes, *nets)}
    belief = public_belief(survey, attributes, interaction)
    spending = spending_of(policy)
    tables = wanted_tables(policy, attributes, belief)
    blocks = {index.id: index.items for index in survey.indices}
    scores = net_candidates(tables, nets, blocks, policy, belief)
    tables = with_optional_details(tables, scores, policy)
    problem = problem_of(
        tables,
        scores,
        by_id,
        belief,
        shared_keys=policy.unit.shared_keys,
        responses_per_unit=survey.residents.responses_per_unit,
    )
    choice = choose_noise(problem, policy, spending)
    charge = sum(table.charge_nano_rho for table in choice.measured)
    charge_pure = sum(_pure(table) for table in choice.measured) if choice.noise == "laplace" else None
    knowledge = Knowledge(by_id, belief, component_precisions(choice.measured, by_id), blocks)
    return Plan(
        survey=survey.survey,
        wave=survey.wave.id,
        year=survey.wave.year,
        population=survey.population,
        unit=policy.unit.protects,
        shared_keys=policy.unit.shared_keys,
        delta=policy.delta,
        noise=choice.noise,
        noise_reason=choice.reason,
        spend_nano_rho=choice.spend_nano_rho,
        charge_nano_rho=charge,
        charge_nano_pure_epsilon=charge_pure,
        epsilon=_printed(Spent(charge, charge_pure), policy.delta),
        interaction=interaction,
        measured=choice.measured,
        published=_published(tables, choice.measured, knowledge),
        survey_digest=survey_digest,
        policy_digest=policy_digest,
        engine=policy.engine,
    )


def _printed(charge: Spent, delta: float) -> float | None:
    """Printed ε of a charge, rounded up to six decimals; None where it is beyond meaning."""
    epsilon = printed_epsilon(charge, delta)
    return None if epsilon is None or epsilon >= EPSILON_MEANINGLESS else ceil(epsilon * 1e6) / 1e6


def _check_unit(survey: Survey, policy: Policy) -> None:
    if survey.residents.key == "none" and policy.unit.protects != "response":
        raise DeclarationFault(
            "unit_needs_key",
            "the survey has no resident key, so the response is the protected unit",
            where="policy.yaml: unit.protects",
            do="Write protects: response, or declare residents.key in survey.yaml",
        )
    if (survey.residents.household is not None) != (policy.unit.protects == "household"):
        raise DeclarationFault(
            "unit_household",
            "a survey that declares residents.household protects households, and only such a survey can",
            where="policy.yaml: unit.protects",
            do="Declare both or neither",
        )


def _pure(table: MeasuredTable) -> int:
    return table.charge_nano_pure_epsilon or 0


def _published(
    tables: Sequence[WantedTable], measured: Sequence[MeasuredTable], knowledge: Knowledge
) -> tuple[PublishedTable, ...]:
    charges = {table.attributes: _pure(table) or table.charge_nano_rho for table in measured}
    whole = sum(charges.values())
    published: list[PublishedTable] = []
    for table in tables:
        margins, informative = forecast(table.attributes, knowledge)
        net = (*table.ids[:-1], f"{table.ids[-1]}{NET}")
        spent = charges.get(table.ids, 0) + charges.get(net, 0)
        published.append(
            PublishedTable(
                attributes=table.ids,
                kind=table.kind,
                priority=table.priority,
                measured=table.ids in charges,
                net_measured=net in charges,
                informative=informative,
                share_of_loss=round(spent / whole, 6),
                forecast=margins,
            )
        )
    return tuple(published)

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.outlet.card import build_card, card_bytes
from pipelines.outlet.context import ReleaseContext, _approvals, spent_summary
from pipelines.outlet.resident import odds_sentence
from privacy.accountant import epsilon_of
from privacy.odds import odds
from schemas.card import Card, OddsFigures
from schemas.engine import Engine
from schemas.ledger import Charge, Event, EventKind
from schemas.plan import NANO
from tests.outlet_sample import Sample, make_sample
from tests.system.sweep import number


@pytest.fixture(scope="module")
def card(sample: Sample) -> Card:
    return build_card(sample.context, sample.estimates)


def test_card_survives_its_file(card: Card, published: Path) -> None:
    content = (published / "card.json").read_bytes()
    assert card_bytes(card) == content
    assert Card.model_validate_json(content) == card


def test_ledger_head_is_the_sealed_event(card: Card, sample: Sample) -> None:
    plain = json.loads(card_bytes(card))
    assert plain["ledger"]["head"] == {"ledger_id": "ledger-1", "seq": 6, "hash": "4" * 64}
    assert plain["time"] == "2026-11-03T00:00:00Z", "of 2026-11-03T09:30:00Z, the day"


def test_registry_sections_and_fields_are_there(card: Card) -> None:
    expert = json.loads(card_bytes(card))["expert"]
    wanted = {
        "product": {"name", "intended_use", "data_product_type", "publication_date"},
        "dp_flavor": {"name", "data_domain", "unprotected_quantities", "input_metric", "output_measure"},
        "privacy_loss": {"privacy_unit", "privacy_unit_description", "privacy_parameters"},
        "model": {"model_name", "actors", "release_type", "data_source_type", "access_type"},
        "accounting": {"composition", "post_processing"},
        "implementation": {"mechanisms", "justification", "pre_processing_eda_hyperparameter_tuning"},
    }
    for section, fields in wanted.items():
        assert fields <= set(expert[section]), section
        assert all(expert[section][field] for field in fields), section


def test_no_number_of_people_is_exact(card: Card) -> None:
    """893 people were counted; only the noisy estimate of that may be said."""
    assert number(893).search(b"of 893 people") and not number(893).search(card_bytes(card))


def test_approvals_are_said_or_their_absence_is(card: Card) -> None:
    assert card.expert.governance.approvals[0].officer == "ab" * 32
    without = make_sample(ratings=3, people=60)
    alone = build_card(without.context, without.estimates)
    assert alone.expert.governance.approvals_statement == "no officer's approval was asked"


def test_gaussian_and_laplace_state_their_own_kind() -> None:
    gauss, laplace = (make_sample(ratings=3, people=60, sd=60, noise=n) for n in ("gaussian", "laplace"))
    one, two = (build_card(s.context, s.estimates) for s in (gauss, laplace))
    assert one.expert.privacy_loss.privacy_parameters.pure_epsilon is None
    assert "1 in 1,000,000" in one.resident.odds
    assert two.expert.privacy_loss.privacy_parameters.pure_epsilon is not None
    assert two.expert.privacy_loss.odds.failure == 0
    assert "1 in" not in two.resident.odds
    assert two.expert.dp_flavor.name == "Pure DP"


def test_odds_are_those_of_e_to_the_epsilon() -> None:
    pure = odds(10**9, NANO, 1e-6, charged_as_exchange=False)
    assert (pure.took_part_pct, pure.answered_pct, pure.failure) == (73.2, 88.1, 0.0)
    shared = odds(10**9, NANO, 1e-6, charged_as_exchange=True)
    assert shared.answered_pct == shared.took_part_pct
    rho = odds(50_000_000, None, 1e-6, charged_as_exchange=False)
    assert 50 < rho.took_part_pct < rho.answered_pct < 100
    printed = epsilon_of(0.05, 1e-6)
    assert printed is not None and rho.took_part_pct > 100 / (1 + 2.718281828**-printed)


def test_great_losses_are_called_almost_certainty() -> None:
    lost = odds(10**15, None, 1e-6, charged_as_exchange=False)
    figures = OddsFigures(took_part_pct=lost.took_part_pct, answered_pct=lost.answered_pct, failure=lost.failure)
    assert "almost certainty" in odds_sentence(figures, "release")
    assert "100" not in odds_sentence(figures, "release").replace("1,000,000", "")


def test_scopes_add_up_and_voided_charges_stay(sample: Sample) -> None:
    charge = sample.context.charge
    others = [
        charge.model_copy(update={"release_id": "a", "wave": "2025", "year": 2025}),
        charge.model_copy(update={"release_id": "b", "survey": "pulse"}),
        charge.model_copy(update={"release_id": "c", "population": "elsewhere"}),
    ]
    events = [_event(i, c) for i, c in enumerate([*others, charge], 1)]
    found = spent_summary(events, charge, sample.context.policy)
    one = charge.charge_nano_rho
    assert [scope.spent_nano_rho for scope in found.scopes()] == [one, one, 2 * one, 3 * one]


def test_later_charges_do_not_change_a_card(sample: Sample) -> None:
    context = sample.context
    earlier = context.charged
    sealed = earlier.model_copy(
        update={"seq": 6, "hash": "4" * 64, "kind": EventKind.SEALED, "body": {"isolation": ["a"]}}
    )
    later = _event(9, context.charge.model_copy(update={"release_id": "later"}))

    class Ledger:
        ledger_id, public_key_hex = "ledger-1", context.ledger_public_key

        def __init__(self, *events: Event) -> None:
            self._events = events

        def events(self) -> tuple[Event, ...]:
            return self._events

    def of(*events: Event) -> ReleaseContext:
        arguments = (context.survey, context.policy, context.plan, context.attributes, earlier, sealed)
        return ReleaseContext.of(Ledger(*events), *arguments)

    assert of(earlier, sealed) == of(earlier, sealed, later)
    assert of(earlier, sealed).isolation == ("a",)
    assert of(earlier, sealed).sealed.seq == 6


def _event(seq: int, charge: Charge) -> Event:
    body = charge.model_dump(mode="json")
    kind = EventKind.CHARGED
    return Event(
        seq=seq, prev_hash="0" * 64, kind=kind, time="2026-11-03T09:30:00Z", body=body, hash="0" * 64, signature=""
    )


def test_approvals_are_dated_by_their_day(sample: Sample) -> None:
    """Where a schedule starts the run and the approval follows the ingest, its time would tell how long that took."""
    charge = sample.context.charge.model_copy(update={"approval_seqs": (1,)})
    approved = _event(1, charge).model_copy(update={"kind": EventKind.APPROVED, "body": {"officer": "ab" * 32}})
    (shown,) = _approvals([approved], charge)
    assert (shown.officer, shown.time) == ("ab" * 32, "2026-11-03T00:00:00Z")


def test_a_survey_without_key_protects_responses(sample: Sample) -> None:
    policy = sample.context.policy.model_copy(
        update={"unit": sample.context.policy.unit.model_copy(update={"protects": "response"})}
    )
    plan = sample.context.plan.model_copy(update={"unit": "response"})
    card = build_card(replace(sample.context, policy=policy, plan=plan), sample.estimates)
    assert "the response itself is the unit" in card.expert.privacy_loss.privacy_unit_description
    assert any("one by one" in limit or "on its own" in limit for limit in card.resident.not_protected)


def test_a_plan_with_an_engine_says_that_responses_were_not_isolated(sample: Sample, card: Card) -> None:
    engine = Engine(kind="spark", address="sc://localhost:15002", rows="file:///srv/rows")
    plan, policy = (
        model.model_copy(update={"engine": engine}) for model in (sample.context.plan, sample.context.policy)
    )
    other = build_card(replace(sample.context, plan=plan, policy=policy), sample.estimates)
    assert (card.expert.model.counted_on, other.expert.model.counted_on) == ("zone worker", "spark cluster")
    assert "not isolated" in other.expert.model.trust and "not isolated" not in card.expert.model.trust
    assert len(other.expert.known_limits) == len(card.expert.known_limits) + 1
    assert len(other.resident.not_protected) == len(card.resident.not_protected) + 1
    assert "one encrypted file that a program opens" in card.resident.who_sees_answers
    assert "computers of the survey's operator" in other.resident.who_sees_answers

"""A belief taken from an earlier release: read from its verified card, refused where it does not say what is asked."""

import json
from pathlib import Path

import pytest

from pipelines.declarations import Declarations
from pipelines.outlet.publish import publish
from pipelines.planning import planned as plan_of
from pipelines.prior_release import with_earlier_belief
from pipelines.workspace import Workspace
from schemas.canonical import digest
from schemas.errors import DeclarationFault, IntegrityFault
from schemas.policy import Prior
from tests.outlet_sample import Sample, make_sample


@pytest.fixture(scope="module")
def planned() -> Sample:
    return make_sample(ratings=3, people=600, planned=True)


def workspace_of(folder: Path, sample: Sample) -> Path:
    place = Workspace(folder).release("riverbend-sample", "2026", sample.context.charge.release_id)
    publish(place, sample.context, sample.released, sample.estimates, sample.summary, sample.sign)
    return folder


def next_wave(sample: Sample, release_id: str, **survey: object) -> Declarations:
    """The declarations of a later wave whose policy takes its belief from a release."""
    context = sample.context
    policy = context.policy.model_copy(update={"prior": Prior(from_release=release_id)})
    named = context.survey.model_copy(update=survey)
    return Declarations(Path(), named, policy, digest(named), digest(policy), context.attributes)


def test_the_belief_is_what_the_card_says_was_learned(planned: Sample, tmp_path: Path) -> None:
    release_id = planned.context.charge.release_id
    root = workspace_of(tmp_path, planned)
    before = next_wave(planned, release_id)
    found = with_earlier_belief(before, root, planned.context.ledger_public_key)
    (card,) = root.rglob("card.json")
    belief = json.loads(card.read_text())["expert"]["belief"]
    assert belief["interaction_believed"] == 3.0 and belief["from_release"] is None
    assert found.learned_interaction == belief["interaction_learned"] != 3.0
    given = planned.context.policy.model_copy(update={"prior": Prior(interaction=found.learned_interaction)})
    known = Declarations(Path(), found.survey, given, found.survey_digest, digest(given), found.attributes)
    assert plan_of(found).measured == plan_of(known).measured
    assert plan_of(found).interaction == plan_of(known).interaction
    assert found.policy == before.policy and plan_of(found).policy_digest == digest(before.policy)


def test_a_policy_with_an_interaction_reads_nothing(planned: Sample, tmp_path: Path) -> None:
    context = planned.context
    plain = Declarations(Path(), context.survey, context.policy, "0" * 64, "1" * 64, context.attributes)
    assert with_earlier_belief(plain, tmp_path / "nowhere", None) is plain


def test_what_was_not_looked_up_makes_no_plan(planned: Sample) -> None:
    with pytest.raises(DeclarationFault) as caught:
        plan_of(next_wave(planned, "ab" * 16))
    assert caught.value.code == "prior_unread"


def test_what_cannot_be_believed_is_refused(planned: Sample, tmp_path: Path) -> None:
    root, release_id = workspace_of(tmp_path / "one", planned), planned.context.charge.release_id
    silent = make_sample(ratings=2, people=300)
    mute = workspace_of(tmp_path / "two", silent)
    cases = (
        (next_wave(planned, "ab" * 16), root, "prior_release_missing"),
        (next_wave(planned, release_id, population="elsewhere"), root, "prior_release_foreign"),
        (next_wave(silent, silent.context.charge.release_id), mute, "prior_release_silent"),
    )
    for declarations, place, code in cases:
        with pytest.raises(DeclarationFault) as caught:
            with_earlier_belief(declarations, place, None)
        assert (caught.value.code, caught.value.where) == (code, "policy.yaml: prior.from_release")


def test_a_changed_or_foreign_release_is_refused(planned: Sample, tmp_path: Path) -> None:
    root = workspace_of(tmp_path, planned)
    declarations = next_wave(planned, planned.context.charge.release_id)
    with pytest.raises(IntegrityFault):
        with_earlier_belief(declarations, root, "00" * 32)
    (card,) = root.rglob("card.json")
    card.write_text(card.read_text().replace('"interaction_learned": ', '"interaction_learned": 9'))
    with pytest.raises(IntegrityFault):
        with_earlier_belief(declarations, root, planned.context.ledger_public_key)

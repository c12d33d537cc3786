"""Waves of a year add up in the ledger, on the card and in one line of the report."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.outlet.card import build_card
from pipelines.outlet.context import spent_summary
from pipelines.outlet.report import year_line
from privacy.accountant import epsilon_of, rho_of
from privacy.odds import odds, percent_words
from schemas.card import Card
from schemas.ledger import Charge, Event, EventKind
from schemas.plan import NANO
from schemas.policy import Policy
from tests.ledger_sample import World, a_charge, a_policy, cross
from tests.outlet_sample import Sample

ONE = rho_of(1.0, 1e-6)
CAPS = {level: {"epsilon": 10} for level in ("release", "wave", "year", "lifetime")}


def charged(world: World, policy: Policy, waves: int) -> list[Event]:
    """Waves of ε = 1 each, charged, sealed and published in one workspace's ledger."""
    ledger = world.open()
    for wave in range(waves):
        cross(ledger, a_charge(policy, wave + 1, rho=ONE, wave=f"w{wave}", year=2026 + wave // 4), policy)
    return list(ledger.events())


def card_of(sample: Sample, events: list[Event], policy: Policy) -> Card:
    """The sample's card, with what a ledger says was spent up to its last charge."""
    last = Charge.model_validate([e for e in events if e.kind is EventKind.CHARGED][-1].body)
    return build_card(replace(sample.context, spent=spent_summary(events, last, policy)), sample.estimates)


@pytest.mark.parametrize(("waves", "epsilon"), [(1, 1.0), (4, 2.11), (12, 3.86)])
def test_the_ledgers_total_is_the_sum_of_its_waves(tmp_path: Path, waves: int, epsilon: float) -> None:
    """Figures of THREATS 4.1: four waves of ε = 1 are 2.11 and not 4, twelve are 3.86 and not 12."""
    policy, world = a_policy(caps=CAPS), World(tmp_path / "workspace")
    events = charged(world, policy, waves)
    spent = world.open().spent("adults", 2026, "community", "w0")
    each = [Charge.model_validate(e.body).charge_nano_rho for e in events if e.kind is EventKind.CHARGED]
    assert len(each) == waves
    assert spent.lifetime.spent_nano_rho == sum(each)
    assert spent.year.spent_nano_rho == sum(each[:4])
    assert spent.wave.spent_nano_rho == each[0]
    assert spent.lifetime.spent_epsilon == pytest.approx(epsilon, abs=0.01)


@pytest.mark.parametrize("waves", [4, 12])
def test_the_card_and_one_line_of_the_report_say_it(tmp_path: Path, sample: Sample, waves: int) -> None:
    policy = a_policy(caps=CAPS)
    events = charged(World(tmp_path / "workspace"), policy, waves)
    card = card_of(sample, events, policy)
    loss = card.expert.privacy_loss
    nano = round(ONE * NANO)
    assert [s.spent_nano_rho for s in loss.spent.scopes()] == [nano, nano, 4 * nano, waves * nano]
    assert [s.waves for s in loss.spent.scopes()] == [1, 1, 4, waves]
    epsilon = epsilon_of(4 * nano / NANO, 1e-6)
    assert epsilon is not None
    moved = percent_words(odds(4 * nano, None, 1e-6, charged_as_exchange=False).answered_pct)
    line = year_line(card)
    assert line.startswith("All 4 waves of 2026 so far (4 releases, failed ones included) cost ε 2.1")
    assert f"(ρ {4 * ONE:.4g}, the sum of theirs)" in line
    assert moved in line
    assert "\n" not in line


def test_every_report_has_the_line(published: Path, sample: Sample) -> None:
    card = build_card(sample.context, sample.estimates)
    line = year_line(card)
    assert line.startswith("The only wave of 2026 so far (one release")
    assert f"<p>{line}</p>" in (published / "report.html").read_text(encoding="utf-8")

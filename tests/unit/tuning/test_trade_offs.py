"""Forecasts, trade-offs, the inverse and the account behind the officer's app: from public numbers only."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.declarations import Declarations, load_declarations
from pipelines.ledger.approvals import new_officer_key
from pipelines.tuning import words
from pipelines.tuning.account import costs, ledger_state, odds_words, sign, standing
from pipelines.tuning.charts import MOST_ROWS, cost_chart, margin_chart, rows_shown
from pipelines.tuning.forecasts import KINDS, VERDICTS, moved, table_forecasts, verdict_counts
from pipelines.tuning.knobs import knobs_of, turned
from pipelines.tuning.request import write_request
from pipelines.tuning.trade_offs import epsilon_for, priority_cost, trial_plan
from privacy.ledger_state import LedgerState
from schemas.errors import BudgetRefused
from tests.conftest import ROOT

RIVERBEND = ROOT / "pipelines" / "riverbend"


@pytest.fixture(scope="module")
def declared() -> Declarations:
    return load_declarations(RIVERBEND)


def _rows(declared: Declarations, **turn: object):
    policy = turned(declared.policy, replace(knobs_of(declared.policy), **turn))
    return table_forecasts(trial_plan(declared.survey, policy), policy, declared.attributes)


def test_every_published_table_has_one_verdict(declared: Declarations) -> None:
    rows = _rows(declared)
    counts = verdict_counts(rows)
    assert sum(sum(of_kind.values()) for of_kind in counts.values()) == len(rows)
    assert set(counts) <= set(KINDS)
    assert {row.verdict for row in rows} <= set(VERDICTS)
    limit = declared.policy.precision.publish_margin_points
    assert all(row.high <= limit for row in rows if row.verdict == "publishable")
    assert any(row.verdict == "nothing known" for row in rows)


def test_more_loss_never_makes_a_topline_worse(declared: Declarations) -> None:
    little = {row.id: row.high for row in _rows(declared, spend=0.25) if row.kind == "topline"}
    much = {row.id: row.high for row in _rows(declared, spend=2.0) if row.kind == "topline"}
    assert all(much[name] <= little[name] for name in little)
    assert moved(_rows(declared, spend=0.1), _rows(declared, spend=2.0))
    assert moved(_rows(declared), _rows(declared)) == ()


def test_a_priority_costs_the_others(declared: Declarations) -> None:
    found = priority_cost(declared.survey, declared.policy, declared.attributes, ("safe_day", "age"))
    assert found.after_points < found.before_points
    assert found.others_pct > 0
    assert "Safety in your neighborhood by day" in words.priority_words(found)


def test_the_inverse_is_the_smallest_loss_that_keeps_the_target(declared: Declarations) -> None:
    table, points = "quality_of_life", 4.0
    found = epsilon_for(declared.survey, declared.policy, table, points)
    assert found.epsilon is not None
    assert found.allowed

    def margin(epsilon: float) -> float:
        return next(row.high for row in _rows(declared, spend=epsilon) if row.id == table)

    assert margin(found.epsilon) <= points < margin(found.epsilon * 0.98)
    assert f"ε {found.epsilon:.2g}" in words.needed_words(found, points)


def test_the_inverse_says_what_no_loss_or_no_cap_can_give(declared: Declarations) -> None:
    never = epsilon_for(declared.survey, declared.policy, "quality_of_life", 0.5)
    assert never.epsilon is None
    assert "No loss" in words.needed_words(never, 0.5)
    dear = epsilon_for(declared.survey, declared.policy, "quality_of_life", 2.65)
    assert dear.epsilon is not None
    assert dear.epsilon > 2
    assert not dear.allowed
    assert "do not allow" in words.needed_words(dear, 2.65)


def test_a_spend_beyond_the_caps_is_said_in_one_line(declared: Declarations) -> None:
    policy = turned(declared.policy, replace(knobs_of(declared.policy), spend=3.0))
    plan, line = words.attempt(lambda: trial_plan(declared.survey, policy))
    assert plan is None
    assert line.startswith("policy.yaml: spend.epsilon")


def test_costs_add_up_over_scopes(declared: Declarations) -> None:
    plan = trial_plan(declared.survey, declared.policy)
    wave, year, lifetime = costs(LedgerState(), plan, declared.policy)
    assert wave.before == year.before == 0.0
    assert wave.after == pytest.approx(2.0, abs=1e-3)
    assert wave.fits and year.fits and lifetime.fits
    assert wave.after_share > year.after_share > lifetime.after_share > 0
    assert [line.split(" could")[0] for line in odds_words(LedgerState(), plan)] == [
        "This release", "Everything this year, with it,", "Everything ever, with it,",
    ]  # fmt: skip


def test_signing_here_is_signing_with_the_command(tmp_path: Path) -> None:
    key, stranger = tmp_path / "officer.key", tmp_path / "stranger.key"
    officer = new_officer_key(key)
    new_officer_key(stranger)
    for name in ("survey.yaml", "policy.yaml"):
        text = (RIVERBEND / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("ed25519:" + 64 * "0", officer), encoding="utf-8")
    declared, root = load_declarations(tmp_path), tmp_path / "workspace"
    state = ledger_state(root)
    assert not root.exists()
    assert standing(state, declared).given == 0
    with pytest.raises(BudgetRefused):
        sign(root, declared, stranger)
    assert sign(root, declared, key).startswith("Approved: plan ")
    found = standing(ledger_state(root), declared)
    assert (found.given, found.needed) == (1, 1)
    assert words.standing_words(found, unsaved=False).startswith("Approved")
    assert "save first" in words.standing_words(found, unsaved=True)
    path = write_request(declared, costs(state, trial_plan(declared.survey, declared.policy), declared.policy), root)
    assert found.plan_digest in path.read_text(encoding="utf-8")


def test_charts_are_whole_and_bounded(declared: Declarations) -> None:
    rows = _rows(declared)
    assert len(rows) > MOST_ROWS
    assert len(rows_shown(rows)) == MOST_ROWS
    drawn = margin_chart(rows, 10.0).to_dict()
    assert {layer["mark"]["type"] for layer in drawn["layer"]} == {"bar", "point", "rule"}
    assert len(drawn["layer"][0]["data"]["values"]) == MOST_ROWS
    plan = trial_plan(declared.survey, declared.policy)
    assert len(cost_chart(costs(LedgerState(), plan, declared.policy)).to_dict()["layer"][0]["data"]["values"]) == 6


def test_labels_cannot_break_out_of_markdown() -> None:
    assert words.markdown_table([{"a|b": "<script>*x*"}]) == "| a|b |\n|:--|\n| &#60;script&#62;&#42;x&#42; |"

import io

from rich.console import Console

from flows.plan_tables import FEW, header_lines, kind_tables, plan_as_dict
from pipelines.planning import ScopeLeft
from privacy.ledger_state import lifetime_scope
from schemas.plan import MarginForecast, MeasuredTable, Plan, PublishedTable, TableKind


def published(name: str, kind: TableKind, share: float) -> PublishedTable:
    margin = MarginForecast(low_points=2.04, high_points=4.06, sampling_points=3.0, noise_points=1.0, base=600)
    return PublishedTable(
        attributes=(name,),
        kind=kind,
        priority=False,
        measured=share > 0,
        informative=share > 0,
        share_of_loss=share,
        forecast=margin,
    )


def plan(toplines: int) -> Plan:
    measured = MeasuredTable(
        attributes=("a",),
        shape=(3,),
        unit=1,
        l1=1,
        l2_squared=1,
        mechanism="discrete_gaussian",
        scale=2.0,
        charge_nano_rho=125_000_000,
        charge_nano_pure_epsilon=None,
    )
    return Plan(
        survey="testville",
        wave="2026",
        year=2026,
        population="testville-adults",
        unit="resident",
        shared_keys=False,
        delta=1e-6,
        noise="gaussian",
        noise_reason="the policy says so",
        spend_nano_rho=125_000_000,
        charge_nano_rho=125_000_000,
        charge_nano_pure_epsilon=None,
        epsilon=2.4,
        interaction=3.0,
        measured=(measured,),
        published=(
            *(published(f"question_{i}", "topline", 0.5 / toplines) for i in range(toplines)),
            published("pair", "crosstab", 0.0),
        ),
        survey_digest="0" * 64,
        policy_digest="1" * 64,
    )


def printed(made: Plan, *, explain: bool) -> str:
    page = io.StringIO()
    console = Console(file=page, width=110)
    for table in kind_tables(made, explain=explain):
        console.print(table)
    return page.getvalue()


def test_few_tables_are_listed_each() -> None:
    page = printed(plan(3), explain=False)
    assert all(word in page for word in ("Toplines", "question_2", "16.7%", "2.0–4.1", "3.0", "600"))


def test_many_tables_are_one_line_until_explained() -> None:
    made = plan(FEW + 1)
    page = printed(made, explain=False)
    assert "Toplines: 13" in page
    assert "50.0%" in page
    assert "question_2" not in page
    assert "question_12" in printed(made, explain=True)


def test_the_header_says_what_it_would_cost_and_what_is_left() -> None:
    left = [ScopeLeft(lifetime_scope("testville-adults"), spent_nano_rho=900_000_000, cap_nano_rho=1_000_000_000)]
    page = "\n".join(header_lines(plan(1), "f" * 64, left, (0, 1)))
    assert "would cost ε " in page
    assert "(ρ 0.125) at δ 1e-06" in page
    assert "Left in lifetime of testville-adults: ε " in page
    assert page.count("too little for this plan") == 1
    assert "Approvals: 0 of 1 given" in page


def test_without_a_ledger_nothing_is_said_to_be_left() -> None:
    page = "\n".join(header_lines(plan(1), "f" * 64, None, (0, 0)))
    assert "Nothing has been spent in this workspace yet" in page
    assert "Approvals: none needed" in page
    assert plan_as_dict(plan(1), "f" * 64, None, (0, 0))["left"] is None

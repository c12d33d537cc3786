"""The report's table of importance: what may be quoted is, and a quadrant is named only where both sides are sure."""

from dataclasses import replace

import pyarrow as pa
import pytest

from pipelines.outlet.card import build_card
from pipelines.outlet.importance import importance_pairs
from pipelines.outlet.parquet import estimates_table, summary_table
from pipelines.outlet.report import render_report
from schemas.released import SummaryRow
from tests.outlet_sample import make_sample

SAMPLE = make_sample(ratings=4)
CARD = build_card(SAMPLE.context, SAMPLE.estimates)


def figure(subject: str, statistic: str, value: float, moe: float = 3.0, **more: object) -> SummaryRow:
    row = SummaryRow(
        subject, statistic, None, None, None, "percent" if statistic == "pct_positive" else "points",
        value, value - moe, value + moe, moe, 2.0, 1.0, 0.0, 500.0, False, False, True, "",
    )  # fmt: skip
    return replace(row, **more)  # type: ignore[arg-type]


def table(satisfied: float, important: float, **more: object) -> pa.Table:
    named = {"compared_with": "item_1"}
    rows = [
        figure("item_0", "pct_positive", 50.0 + satisfied),
        figure("item_1", "pct_positive", 50.0 + important),
        figure("item_0", "importance_gap", important - satisfied, **named, significant=True),
        figure("item_0", "importance_satisfaction", 30.0, unit="percent", **named),
        figure("item_0", "satisfaction_above_average", satisfied, **named, significant=abs(satisfied) > 3),
        figure("item_0", "importance_above_average", important, **named, significant=abs(important) > 3),
    ]
    return summary_table("s", "1", [replace(row, **more) for row in rows])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("satisfied", "important", "words"),
    [(-9, 12, "first to improve"), (9, 12, "keep it up"), (-9, -12, "less urgent"), (9, -12, "satisfies more"), (2, 12, "too close")],
)  # fmt: skip
def test_quadrants(satisfied: float, important: float, words: str) -> None:
    (pair,) = importance_pairs(CARD, table(satisfied, important))
    assert words in pair.quadrant
    assert pair.satisfaction == f"{50 + satisfied}% ± 3"
    assert pair.importance == f"{50 + important}% ± 3"


def test_what_may_not_be_quoted_is_not() -> None:
    (pair,) = importance_pairs(CARD, table(-9, 12, publishable=False, reason="base", significant=False))
    assert "too close" in pair.quadrant
    assert {pair.gap, pair.rating, pair.satisfaction, pair.importance} == {"\u2212"}


def test_the_report_has_the_table_only_where_pairs_are_declared() -> None:
    attributes = {attribute.id: attribute for attribute in SAMPLE.context.attributes}
    estimates = estimates_table(SAMPLE.context.plan, attributes, SAMPLE.estimates)
    page = render_report(CARD, estimates, table(-9, 12))
    assert "first to improve" in page and 'id="importance"' in page
    assert 'id="importance"' not in render_report(CARD, estimates, summary_table("s", "1", []))

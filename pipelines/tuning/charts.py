"""Charts of a forecast: one row a table, the range of its expected margin, and the limit of the policy."""

from collections.abc import Sequence
from typing import Any

from pipelines.chart_embedding import BLUE, GREEN, GREY, ORANGE, VIOLET, embedded
from pipelines.tuning.account import ScopeCost
from pipelines.tuning.forecasts import VERDICTS, TableForecast

MOST_ROWS = 60
"""Rows of one chart; the table below it has them all."""

_COLOURS = {
    "publishable": GREEN,
    "perhaps": BLUE,
    "too wide": ORANGE,
    "too few": VIOLET,
    "nothing known": GREY,
}
"""One of each verdict; the verdict is written in the list as well."""


def rows_shown(rows: Sequence[TableForecast]) -> list[TableForecast]:
    """What one chart holds: the narrowest margins first."""
    return sorted(rows, key=lambda row: (row.low + row.high, row.label))[:MOST_ROWS]


def margin_chart(rows: Sequence[TableForecast], limit: float) -> Any:
    """Expected 95 % margins in points. A bar from the mild to the harsh assumption, dots for sampling and noise."""
    import altair as alt

    shown = rows_shown(rows)
    values: list[dict[str, Any]] = [
        {
            "table": row.label + (" ★" if row.priority else ""),
            "low": row.low,
            "high": row.high,
            "sampling": row.sampling,
            "noise": row.noise,
            "verdict": row.verdict,
            "share of loss": f"{row.share_pct:.1f} %",
        }
        for row in shown
    ]
    order = [value["table"] for value in values]
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("table:N", sort=order, title=None, axis=alt.Axis(labelLimit=320)),
        tooltip=[alt.Tooltip(f"{name}:{kind}") for name, kind in _TOOLTIP],
    )
    bars = base.mark_bar(height=9, cornerRadius=3).encode(
        x=alt.X("low:Q", title="expected 95 % margin, in points", scale=alt.Scale(domainMin=0)),
        x2="high:Q",
        color=alt.Color(
            "verdict:N",
            scale=alt.Scale(domain=list(VERDICTS), range=[_COLOURS[verdict] for verdict in VERDICTS]),
            legend=alt.Legend(orient="top", title=None),
        ),
    )
    noise = base.mark_point(filled=True, size=34, color="#16202b", stroke="#ffffff", strokeWidth=0.8).encode(
        x="noise:Q"
    )
    rule = alt.Chart(alt.Data(values=[{"limit": limit}])).mark_rule(strokeDash=[5, 4], strokeWidth=1.5, color=GREY)
    layers = alt.layer(bars, noise, rule.encode(x="limit:Q"))
    words = "Expected margins of the tables; the list below has them all"
    return embedded(layers.properties(height=max(60, 21 * len(shown))), words)


_TOOLTIP = (
    ("table", "N"),
    ("verdict", "N"),
    ("low", "Q"),
    ("high", "Q"),
    ("sampling", "Q"),
    ("noise", "Q"),
    ("share of loss", "N"),
)


def cost_chart(scopes: Sequence[ScopeCost]) -> Any:
    """What was spent and what this plan adds, as a share of each cap (in ρ, which adds up)."""
    import altair as alt

    values: list[dict[str, Any]] = []
    for scope in scopes:
        values += [
            {"scope": scope.scope, "part": "spent before", "share": scope.before_share, "order": 0},
            {"scope": scope.scope, "part": "this plan", "share": scope.after_share - scope.before_share, "order": 1},
        ]
    bars = (
        alt.Chart(alt.Data(values=values))
        .mark_bar(height=16)
        .encode(
            y=alt.Y("scope:N", sort=[scope.scope for scope in scopes], title=None, axis=alt.Axis(labelLimit=240)),
            x=alt.X("share:Q", title="share of the cap", axis=alt.Axis(format="%"), stack="zero"),
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=["spent before", "this plan"], range=[GREY, BLUE]),
                legend=alt.Legend(orient="top", title=None),
            ),
            order="order:Q",
        )
    )
    cap = (
        alt.Chart(alt.Data(values=[{"cap": 1.0}]))
        .mark_rule(strokeDash=[5, 4], strokeWidth=1.5, color=GREY)
        .encode(x="cap:Q")
    )
    words = "Share of each cap that is spent; the table above has it"
    return embedded(alt.layer(bars, cap).properties(height=alt.Step(26)), words)

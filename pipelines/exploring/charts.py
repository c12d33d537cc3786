"""Charts of released figures with their error bars, and of what noise does."""

from collections.abc import Sequence
from typing import Any

from pipelines.chart_embedding import BLUE, GREY, ORANGE, embedded
from pipelines.exploring.lesson import Draws, Worlds
from pipelines.exploring.releases import FigureRow
from pipelines.outlet.charts import value_words

_UNITS = {"percent": "per cent", "points": "points", "score": "score", "respondents": "people"}


def figure_chart(rows: Sequence[FigureRow]) -> Any:
    """A dot and a whisker a figure; pale where it is not publishable, absent where nothing is known."""
    import altair as alt

    known = [row for row in rows if row.value is not None and row.reason not in ("no_information", "undefined")]
    values: list[dict[str, Any]] = [
        {
            "who": row.name,
            "wave": row.wave,
            "value": row.value,
            "low": row.low,
            "high": row.high,
            "quotable": "yes" if row.publishable else f"no: {row.reason}",
            "faint": not row.publishable,
        }
        for row in known
    ]
    unit = _UNITS.get(known[0].unit, known[0].unit) if known else ""
    order = list(dict.fromkeys(row.name for row in known))
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("who:N", sort=order, title=None, axis=alt.Axis(labelLimit=260)),
        yOffset=alt.YOffset("wave:N"),
        color=alt.Color("wave:N", scale=alt.Scale(scheme="dark2"), legend=alt.Legend(orient="top")),
        opacity=alt.condition("datum.faint", alt.value(0.4), alt.value(1.0)),
        tooltip=["who:N", "wave:N", "value:Q", "low:Q", "high:Q", "quotable:N"],
    )
    whiskers = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=unit, scale=alt.Scale(zero=False, nice=True)), x2="high:Q"
    )
    dots = base.mark_point(filled=True, size=90).encode(x="value:Q")
    words = "; ".join(f"{row.name} {value_words(row.value or 0.0, row.unit)}" for row in known)
    return embedded(alt.layer(whiskers, dots).properties(height=alt.Step(26)), f"Estimates with 95 % margins: {words}")


def parts_chart(rows: Sequence[FigureRow]) -> Any:
    """Where each margin comes from: sampling, privacy noise, shrinkage."""
    import altair as alt

    parts = ("sampling_moe", "noise_moe", "bias_moe")
    names = {"sampling_moe": "sampling", "noise_moe": "privacy noise", "bias_moe": "shrinkage"}
    values: list[dict[str, Any]] = [
        {"who": f"{row.name} · {row.wave}", "part": names[part], "margin": getattr(row, part) or 0.0}
        for row in rows
        if row.value is not None
        for part in parts
    ]
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_bar()
        .encode(
            y=alt.Y("who:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)),
            yOffset=alt.YOffset("part:N", sort=list(names.values())),
            x=alt.X("margin:Q", title="95 % margin of this part alone"),
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=list(names.values()), range=[GREY, BLUE, ORANGE]),
                legend=alt.Legend(orient="top", title=None),
            ),
        )
        .properties(height=alt.Step(14))
    )
    return embedded(chart, "How much of each margin is sampling, privacy noise and shrinkage")


def draws_chart(found: Draws) -> Any:
    """True counts as bars, and every draw with noise as a dot."""
    import altair as alt

    truth = [{"option": o, "count": c} for o, c in zip(found.options, found.counts, strict=True)]
    dots = [
        {"option": o, "count": c}
        for noisy in found.noisy
        for o, c in zip(found.options, noisy, strict=True)
    ]  # fmt: skip
    x = alt.X("option:N", sort=list(found.options), title=None, axis=alt.Axis(labelAngle=0))
    bars = alt.Chart(alt.Data(values=truth)).mark_bar(color="#c9d8e3").encode(x=x, y=alt.Y("count:Q", title="people"))
    points = (
        alt.Chart(alt.Data(values=dots)).mark_point(filled=True, size=45, color=BLUE, opacity=0.6)
        .encode(x=x, y="count:Q")
    )  # fmt: skip
    return embedded(
        alt.layer(bars, points).properties(height=260), "Invented counts, and counts with noise around each"
    )


def worlds_chart(found: Worlds) -> Any:
    """How likely each published count is, with you and without you."""
    import altair as alt

    values = [
        {"published": k, "probability": p, "world": world}
        for world, law in (("you took part", found.with_you), ("you did not", found.without_you))
        for k, p in zip(found.published, law, strict=True)
    ]
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_line(point=True)
        .encode(
            x=alt.X("published:Q", title="published count", scale=alt.Scale(zero=False)),
            y=alt.Y("probability:Q", title="chance"),
            color=alt.Color(
                "world:N",
                scale=alt.Scale(domain=["you took part", "you did not"], range=[BLUE, ORANGE]),
                legend=alt.Legend(orient="top", title=None),
            ),
            strokeDash="world:N",
        )
        .properties(height=240)
    )
    return embedded(
        chart, "Chances of each published count, if you took part and if you did not: two curves that nearly coincide"
    )


def margins_chart(rows: Sequence[tuple[int, float, float]]) -> Any:
    """(people, sampling margin, noise margin) as lines: why small groups are the hard part."""
    import altair as alt

    values = [
        {"people": people, "margin": margin, "part": part}
        for people, sampling, noise in rows
        for part, margin in (("sampling", sampling), ("privacy noise", noise))
    ]
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_line(point=True)
        .encode(
            x=alt.X("people:Q", title="people in the group", scale=alt.Scale(type="log")),
            y=alt.Y("margin:Q", title="95 % margin of a share, in points", scale=alt.Scale(domain=[0, 50], clamp=True)),
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=["sampling", "privacy noise"], range=[GREY, BLUE]),
                legend=alt.Legend(orient="top", title=None),
            ),
            strokeDash="part:N",
        )
        .properties(height=240)
    )
    return embedded(
        chart, "Margins of a share by the size of a group: noise falls faster than sampling error, and begins higher"
    )

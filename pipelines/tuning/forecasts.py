"""A plan's tables as an officer reads them: margin, verdict, and what more would be known under another plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.attributes import Attribute
from schemas.plan import Plan, PublishedTable
from schemas.policy import Policy

Verdict = Literal["publishable", "perhaps", "too wide", "too few", "nothing known"]

VERDICTS: dict[Verdict, str] = {
    "publishable": "its margin is expected within the limit even where assumptions fail",
    "perhaps": "its margin is within the limit where assumptions hold well, or only its larger groups are publishable",
    "too wide": "its margin is expected beyond the limit",
    "too few": "its smallest group is expected below the least base, and its margin beyond the limit",
    "nothing known": "it would follow from its margins alone and say nothing about groups",
}
"""What each verdict says of a table."""

KINDS = {
    "topline": "Questions",
    "index": "Indices",
    "index_crosstab": "Indices by group",
    "crosstab": "Questions by group",
    "demographic": "Who answered",
    "demographic_pair": "Pairs of demographics",
}
"""Kinds of table in the order an officer looks at them."""


@dataclass(frozen=True)
class TableForecast:
    """One table of a plan. Margins are of 95 %, in points; `low` to `high` is the range over public assumptions."""

    id: str
    label: str
    kind: str
    priority: bool
    measured: bool
    share_pct: float
    low: float
    high: float
    sampling: float
    noise: float
    base: float
    verdict: Verdict


def verdict_of(table: PublishedTable, policy: Policy) -> Verdict:
    """Whether a table's headline figures will be publishable, as far as public numbers tell."""
    limit, least = policy.precision.publish_margin_points, policy.precision.min_expected_base
    margin = table.forecast
    if not table.informative:
        return "nothing known"
    if margin.high_points <= limit and margin.base >= least:
        return "publishable"
    if margin.low_points <= limit:
        return "perhaps"
    return "too few" if margin.base < least else "too wide"


def table_forecasts(plan: Plan, policy: Policy, attributes: Sequence[Attribute]) -> tuple[TableForecast, ...]:
    """Every published table, in the plan's order."""
    labels = {attribute.id: attribute.title() for attribute in attributes}
    return tuple(
        TableForecast(
            id=table.id,
            label=label_of(table.attributes, labels),
            kind=table.kind,
            priority=table.priority,
            measured=table.measured,
            share_pct=100 * table.share_of_loss,
            low=table.forecast.low_points,
            high=table.forecast.high_points,
            sampling=table.forecast.sampling_points,
            noise=table.forecast.noise_points,
            base=table.forecast.base,
            verdict=verdict_of(table, policy),
        )
        for table in plan.published
    )


def label_of(ids: Sequence[str], labels: Mapping[str, str]) -> str:
    """A table's name for people: what it is about, then its groups.

    >>> label_of(("district", "safety"), {"district": "District", "safety": "Safety"})
    'Safety × District'
    """
    return " × ".join(labels.get(name, name) for name in reversed(ids))


def verdict_counts(rows: Sequence[TableForecast]) -> dict[str, dict[Verdict, int]]:
    """How many tables of each kind have each verdict; kinds without tables are left out."""
    counts: dict[str, dict[Verdict, int]] = {}
    for kind in KINDS:
        of_kind = [row for row in rows if row.kind == kind]
        if of_kind:
            counts[kind] = {verdict: sum(row.verdict == verdict for row in of_kind) for verdict in VERDICTS}
    return counts


@dataclass(frozen=True)
class Moved:
    """A table whose verdict changes from one plan to another."""

    label: str
    before: str
    after: str


def moved(before: Sequence[TableForecast], after: Sequence[TableForecast]) -> tuple[Moved, ...]:
    """Tables whose verdict changes, and those that only one plan publishes."""
    old, new = {row.id: row for row in before}, {row.id: row for row in after}
    found: list[Moved] = []
    for name in dict.fromkeys((*old, *new)):
        was = old[name].verdict if name in old else "not published"
        now = new[name].verdict if name in new else "not published"
        if was != now:
            found.append(Moved((old.get(name) or new[name]).label, was, now))
    return tuple(found)

"""What the loss buys, in words: which group differences will be known and how, and which ones a priority would buy."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from schemas.plan import KnownBy

if TYPE_CHECKING:
    from flows.plan_targets import Needed
    from pipelines.declarations import Declarations
    from privacy.priorities import Priority
    from schemas.plan import Plan, PublishedTable

_NAMED = 6
"""Tables named in a line before it says how many more there are."""
_WORDS: dict[KnownBy, str] = {
    "cells": "cell by cell",
    "net score": "by their net score",
    "index": "through their index",
    "margins": "not beyond their margins",
}


def priorities_tried(declarations: "Declarations", plan: "Plan") -> "tuple[Priority, ...]":
    """Plans made for the unknown crosstabs that would gain most from being named."""
    from privacy.priorities import worthwhile_priorities

    return worthwhile_priorities(declarations.survey, declarations.for_planning(), plan)


def _by_group(tables: "Sequence[PublishedTable]") -> str:
    """The tables by name where they are few, else counted by demographic."""
    if len(tables) <= _NAMED:
        return ", ".join(table.id for table in tables)
    counts = Counter(table.attributes[0] for table in tables)
    shown = [f"{count} by {group}" for group, count in counts.most_common(_NAMED)]
    return ", ".join(shown) + (f" and {len(counts) - _NAMED} more demographics" if len(counts) > _NAMED else "")


def bought_lines(plan: "Plan", priorities: "tuple[Priority, ...] | None") -> list[str]:
    """How groups will be known; with `priorities` also what naming a crosstab would buy."""
    crosstabs = [table for table in plan.published if "crosstab" in table.kind]
    if not crosstabs:
        return ["Group differences: no table of this plan tells of any"]
    lines = [f"Group differences, in {len(crosstabs)} crosstabs:"]
    for known, words in _WORDS.items():
        tables = [table for table in crosstabs if table.known_by == known]
        if tables:
            lines.append(f"  known {words}: {len(tables)} ({_by_group(tables)})")
    if priorities is not None and any(table.known_by == "margins" for table in crosstabs):
        lines += [f"  {_priority_line(priority)}" for priority in priorities] or [
            "  none of these would be known if it were named as a priority"
        ]
    return lines


def _priority_line(priority: "Priority") -> str:
    margin = f"±{priority.after.low_points:.1f}–{priority.after.high_points:.1f} points"
    others = priority.alike - 1
    alike = f", as would each of {others} others by {priority.table.attributes[0]}" if others else ""
    return (
        f"{priority.table.id} would be known as a priority{alike}: {margin}; "
        f"toplines change by {priority.toplines_pct:+.1f} % ({priority.toplines_points:+.2f} points)"
    )


def bought_as_dict(priorities: "tuple[Priority, ...] | None", needed: "Needed | None") -> dict[str, Any]:
    """The same for a script. Null where it was not asked for."""
    found = priorities and [
        {
            "table": priority.table.id,
            "forecast": priority.after.model_dump(mode="json"),
            "alike": priority.alike,
            "toplines_pct": priority.toplines_pct,
            "toplines_points": priority.toplines_points,
        }
        for priority in priorities
    ]
    return {
        "priorities": None if priorities is None else list(found or ()),
        "needed": None if needed is None else needed.as_dict(),
    }

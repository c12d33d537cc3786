"""The tables wanted: what a survey and a policy ask to publish, how much each matters, and its minimum share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import prod

from privacy.prior import Belief, group_shares
from schemas.attributes import Attribute
from schemas.errors import DeclarationFault
from schemas.plan import TableKind, table_id
from schemas.policy import Policy, Selection

MOST_CELLS = 1_000_000
"""Cells of one table: noise is drawn at about 100,000 cells a second."""

IMPORTANCE: dict[TableKind, float] = {
    "topline": 1.0,
    "demographic": 1.0,
    "index": 1.0,
    "demographic_pair": 0.0625,
    "index_crosstab": 0.0625,
    "crosstab": 0.0625,
}
"""Weight of the mean squared error of a table's figures, so that no kind is important by its number of cells. What a
table gets goes with the square root of its weight.

Toplines come first; demographics count as much, for they are the bases of every group figure; a pair of demographics
serves calibration only, with a quarter of a topline's share. Figures of a group weigh 1/16: with five even groups, an
index × group table or an unnamed crosstab gets 1.25 toplines' share where it can be known.
"""
PRIORITY_IMPORTANCE = 0.25
"""A crosstab that the officer names: twice the share of an unnamed one."""

FLOOR = 0.2
"""Minimum share of a table that must be measured, as a part of an equal split among those: such a table has at most
√5 times the noise of an equal split, and most of the loss stays free for the optimum."""
FLOOR_NAMED = 0.75
"""The same for index and priority tables, which group differences are learned from: at most √(4/3) times the noise of
an equal split. The objective is flat there, and ties go to crosstabs (DESIGN §5)."""


@dataclass(frozen=True)
class WantedTable:
    """A table to publish.

    `weight`: of its mean cell variance in the objective. `floor`: minimum share of the loss, in equal splits among the
    tables with a floor. `optional`: measured only where that pays (crosstabs under `others: forecast`).
    """

    attributes: tuple[Attribute, ...]
    kind: TableKind
    priority: bool
    weight: float
    floor: float
    optional: bool

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(attribute.id for attribute in self.attributes)


def head_and_groups(attributes: tuple[Attribute, ...]) -> tuple[Attribute, tuple[Attribute, ...]]:
    """The attribute a table's figures are about, and those whose cells are its groups."""
    head = next((a for a in attributes if not a.is_group), attributes[0])
    return head, tuple(a for a in attributes if a is not head)


def _groups_squared(attributes: tuple[Attribute, ...], belief: Belief, least_base: int) -> float:
    """How much larger a group's squared error is than that of its cells, relative to everybody's.

    The squared effective number of groups, (1/Σp²)²; groups below the least publishable base do not count.
    """
    _, groups = head_and_groups(attributes)
    effective = prod(1 / sum(share**2 for share in group_shares(group, belief)) for group in groups)
    publishable = belief.responses / max(least_base, 1)
    return min(effective, max(publishable, 1.0)) ** 2


def _chosen(selection: Selection, candidates: list[Attribute], field: str, kind: str) -> list[Attribute]:
    if selection == "none":
        return []
    if selection == "all":
        return candidates
    known = {attribute.id for attribute in candidates}
    for name in selection:
        if name not in known:
            raise DeclarationFault(
                "name_unknown", f"{name!r} is not {kind} of the survey", where=f"policy.yaml: {field}"
            )
    wanted = set(selection) | {f"{name}__mean" for name in selection}
    return [attribute for attribute in candidates if attribute.id in wanted]


def _priority(policy: Policy, attributes: tuple[Attribute, ...]) -> Iterator[tuple[Attribute, ...]]:
    order = {attribute.id: position for position, attribute in enumerate(attributes)}
    for position, names in enumerate(policy.workload.crosstabs.priority):
        where = f"policy.yaml: workload.crosstabs.priority.{position}"
        for name in names:
            if name not in order:
                raise DeclarationFault("name_unknown", f"{name!r} is not in the survey", where=where)
        if len(set(names)) != len(names):
            raise DeclarationFault("name_twice", "an attribute is named twice", where=where, do="Name it once")
        axes = tuple(attributes[i] for i in sorted(order[name] for name in names))
        if sum(axis.kind == "score" for axis in axes) > 1:
            raise DeclarationFault(
                "scores_crossed", "two means cannot be crossed", where=where, do="Keep one index or mean"
            )
        if prod(axis.size for axis in axes) > MOST_CELLS:
            do = "Use fewer or coarser attributes"
            raise DeclarationFault("table_too_large", f"has more than {MOST_CELLS} cells", where=where, do=do)
        yield axes


def _priority_kind(axes: tuple[Attribute, ...]) -> TableKind:
    if any(axis.origin == "index" for axis in axes):
        return "index_crosstab"
    return "demographic_pair" if len(axes) == 2 and all(axis.origin == "demographic" for axis in axes) else "crosstab"


_EMPHASIS: dict[TableKind, str] = {
    "topline": "toplines",
    "index": "indices",
    "index_crosstab": "indices",
    "demographic": "demographics",
    "demographic_pair": "demographics",
    "crosstab": "others",
}


def _maker(policy: Policy, belief: Belief) -> Callable[[tuple[Attribute, ...], TableKind, bool, bool], WantedTable]:
    emphasis: dict[str, float] = {**policy.workload.emphasis}

    def make(axes: tuple[Attribute, ...], kind: TableKind, priority: bool, optional: bool) -> WantedTable:
        named = priority or kind in ("index", "index_crosstab")
        importance = max(IMPORTANCE[kind], PRIORITY_IMPORTANCE) if priority else IMPORTANCE[kind]
        factor = emphasis.get("priority" if priority else _EMPHASIS[kind], 1.0)
        figures = _groups_squared(axes, belief, policy.precision.min_expected_base) if "crosstab" in kind else 1.0
        floor = 0.0 if optional else FLOOR_NAMED if named else FLOOR
        return WantedTable(axes, kind, priority, importance * factor * figures, floor, optional)

    return make


def wanted_tables(policy: Policy, attributes: tuple[Attribute, ...], belief: Belief) -> tuple[WantedTable, ...]:
    """Every table of the release, each once: one-way tables, demographic pairs, then crosstabs, in the survey's order.

    Raises: DeclarationFault: the policy names what the survey does not have, or asks for nothing.
    """
    workload = policy.workload
    make = _maker(policy, belief)
    demographics = [a for a in attributes if a.origin == "demographic"]
    questions = [a for a in attributes if a.origin in ("question", "numeric_mean")]
    toplines = _chosen(workload.toplines, questions, "workload.toplines", "a question")
    indices = _chosen(workload.indices, [a for a in attributes if a.origin == "index"], "workload.indices", "an index")
    priority = list(_priority(policy, attributes))
    named = {_names(axes) for axes in priority}

    wanted: list[WantedTable] = [make((a,), "demographic", False, False) for a in attributes if a.is_group]
    wanted += [make((a,), "topline", False, False) for a in toplines]
    wanted += [make((a,), "index", False, False) for a in indices]
    wanted += [make(axes, _priority_kind(axes), True, False) for axes in priority]
    pairs = list(combinations(demographics, 2)) if workload.demographics == "pairs" else []
    wanted += [make(axes, "demographic_pair", False, False) for axes in pairs if _names(axes) not in named]
    crossed = [(d, index) for index in indices for d in demographics]
    wanted += [make(axes, "index_crosstab", False, False) for axes in crossed if _names(axes) not in named]
    if workload.crosstabs.others != "none":
        optional = workload.crosstabs.others == "forecast"
        rest = [(d, q) for q in toplines if q.origin == "question" for d in demographics]
        wanted += [make(axes, "crosstab", False, optional) for axes in rest if _names(axes) not in named]
    if not wanted:
        raise DeclarationFault("nothing_wanted", "asks for no table at all", where="policy.yaml: workload")
    return _each_once(wanted)


def _names(axes: tuple[Attribute, ...]) -> tuple[str, ...]:
    return tuple(axis.id for axis in axes)


def _each_once(tables: list[WantedTable]) -> tuple[WantedTable, ...]:
    return tuple({table_id(table.ids): table for table in tables}.values())

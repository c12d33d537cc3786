"""The tables wanted: what a survey and a policy ask to publish, how much each matters, and its minimum share."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
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
    "index_crosstab": 1.0,
    "crosstab": 1.0,
}
"""Weight of the mean squared error of a table's figures, so that no kind is important by its number of cells. What a
table gets goes with the square root of its weight.

Demographics count as much as toplines, for they are the bases of every group figure; a pair of demographics serves
calibration only, with a quarter of a topline's share. What crosstabs and differences weigh was chosen on real surveys
(docs/decisions/0022-what-crosstabs-weigh.md).
"""
PRIORITY_IMPORTANCE = 4.0
"""A crosstab that the officer names: twice the share of an unnamed one."""
DIFFERENCE_IMPORTANCE = 4.4
"""The same for how groups differ on a question, as its net score tells, times the effective number of groups: noise is
weighed against the sampling error of the same figure, whose variance goes with that number. Named ones count four
times.
"""
INDEX_DIFFERENCE = 8
"""An index's difference counts this much more: one small table tells of all its items, and of what all items share."""

FLOOR = 0.2
"""Minimum share of a table that must be measured, as a part of an equal split among those: such a table has at most
√5 times the noise of an equal split, and most of the loss stays free for the optimum."""
FLOOR_NAMED = 0.75
"""The same for priority tables: at most √(4/3) times the noise of an equal split. The objective is flat there, and ties
go to crosstabs (DESIGN §5)."""


@dataclass(frozen=True)
class NetCandidate:
    """A net score by group that may be measured for a published crosstab (at `position` among the tables).

    `blocks`: the indices whose common effect it tells of; an index tells of its own. `weight`, `floor`, `optional`: as
    of a table, for the mean variance of a group's net score in respondents².
    """

    group: Attribute
    head: Attribute
    net: Attribute
    position: int
    blocks: tuple[str, ...]
    weight: float
    floor: float
    optional: bool

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        return self.group, self.net


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


def _effective_groups(attributes: tuple[Attribute, ...], belief: Belief, least_base: int) -> float:
    """1/Σp², at most the number of groups of the least publishable base.

    A group's squared error is larger than that of its cells, relative to everybody's, by the square of this number.
    """
    _, groups = head_and_groups(attributes)
    effective = prod(1 / sum(share**2 for share in group_shares(group, belief)) for group in groups)
    publishable = belief.responses / max(least_base, 1)
    return min(effective, max(publishable, 1.0))


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


def net_candidates(
    tables: tuple[WantedTable, ...],
    nets: tuple[Attribute, ...],
    blocks: Mapping[str, tuple[str, ...]],
    policy: Policy,
    belief: Belief,
) -> tuple[NetCandidate, ...]:
    """One for every published crosstab of a demographic with a question or index that has a net score."""
    by_head = {net.of: net for net in nets}
    emphasis: dict[str, float] = {**policy.workload.emphasis}
    found: list[NetCandidate] = []
    for position, table in enumerate(tables):
        head, groups = head_and_groups(table.attributes)
        net = by_head.get(head.id)
        if net is None or len(groups) != 1 or not groups[0].is_group or "crosstab" not in table.kind:
            continue
        if len(group_shares(groups[0], belief)) < 2:
            continue
        factor = emphasis.get("priority" if table.priority else _EMPHASIS[table.kind], 1.0)
        named = 4 if table.priority else INDEX_DIFFERENCE if head.id in blocks else 1
        importance = DIFFERENCE_IMPORTANCE * named * factor
        groups_count = _effective_groups(table.attributes, belief, policy.precision.min_expected_base)
        inside = (head.id,) if head.id in blocks else tuple(i for i, items in blocks.items() if head.id in items)
        floor = FLOOR_NAMED if table.priority else FLOOR if table.kind == "index_crosstab" else 0.0
        found.append(
            NetCandidate(groups[0], head, net, position, inside[:1], importance * groups_count / 4, floor, floor == 0.0)
        )
    return tuple(found)


def _maker(policy: Policy, belief: Belief) -> Callable[[tuple[Attribute, ...], TableKind, bool, bool], WantedTable]:
    emphasis: dict[str, float] = {**policy.workload.emphasis}

    def make(axes: tuple[Attribute, ...], kind: TableKind, priority: bool, optional: bool) -> WantedTable:
        named = priority
        importance = max(IMPORTANCE[kind], PRIORITY_IMPORTANCE) if priority else IMPORTANCE[kind]
        factor = emphasis.get("priority" if priority else _EMPHASIS[kind], 1.0)
        effective = _effective_groups(axes, belief, policy.precision.min_expected_base)
        figures = effective**2 if "crosstab" in kind else 1.0
        floor = 0.0 if optional else FLOOR_NAMED if named else FLOOR
        return WantedTable(axes, kind, priority, importance * factor * figures, floor, optional)

    return make


def with_optional_details(
    tables: tuple[WantedTable, ...], nets: tuple[NetCandidate, ...], policy: Policy
) -> tuple[WantedTable, ...]:
    """Crosstabs whose net score may be measured need not be counted cell by cell, unless the policy asks for all."""
    if policy.workload.crosstabs.others == "all":
        return tables
    spared = {net.position for net in nets}
    return tuple(
        replace(table, floor=0.0, optional=True) if position in spared else table
        for position, table in enumerate(tables)
    )


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

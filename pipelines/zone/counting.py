"""Exact counts of the planned tables, by plain portable SQL over integer codes. What comes out is `Exact`."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import duckdb
import numpy as np
from numpy.typing import NDArray

from privacy.measure import Exact
from schemas.attributes import MICRO, Attribute, zone_columns
from schemas.plan import MeasuredTable


@dataclass(frozen=True)
class _Axis:
    attribute: Attribute
    columns: tuple[str, ...]


def table_query(axes: tuple[_Axis, ...], relation: str) -> tuple[str, list[tuple[int, ...]]]:
    """The SQL of one table and, for each of its sums, the positions on the multi axes that it counts.

    One GROUP BY over the single-choice columns (and a score's special cell); a multi adds one sum per cell, a score
    adds sums of what goes to `high`.
    """
    keys: list[str] = []
    score = next((axis.columns[0] for axis in axes if axis.attribute.kind == "score"), None)
    for axis in axes:
        if axis.attribute.kind == "single":
            keys.append(axis.columns[0])
        elif axis.attribute.kind == "score":
            keys.append(f"CAST(CASE WHEN {axis.columns[0]} < 0 THEN -{axis.columns[0]} ELSE 0 END AS UTINYINT)")
    multis = [axis for axis in axes if axis.attribute.kind == "multi"]
    ticks = list(product(*(range(len(axis.columns)) for axis in multis)))
    sums: list[str] = []
    for positions in ticks:
        ticked = [f"{axis.columns[cell]}::BIGINT" for axis, cell in zip(multis, positions, strict=True)]
        count = f"sum({' * '.join(ticked)})" if ticked else "count(*)"
        sums.append(f"({count})::BIGINT")
        if score is not None:
            high = " * ".join([*ticked, f"(CASE WHEN {score} > 0 THEN {score} ELSE 0 END)::BIGINT"])
            sums.append(f"(sum({high}))::BIGINT")
    select = ", ".join(f"{expression} AS c{i}" for i, expression in enumerate([*keys, *sums]))
    grouped = f" GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}" if keys else ""
    return f"SELECT {select} FROM {relation}{grouped}", ticks


def _fill(
    table: MeasuredTable, axes: tuple[_Axis, ...], ticks: list[tuple[int, ...]], columns: list[NDArray[np.int64]]
) -> NDArray[np.int64]:
    counts = np.zeros(table.shape, dtype=np.int64)
    key_axes = [i for i, axis in enumerate(axes) if axis.attribute.kind != "multi"]
    multi_axes = [i for i, axis in enumerate(axes) if axis.attribute.kind == "multi"]
    score_axis = next((i for i, axis in enumerate(axes) if axis.attribute.kind == "score"), None)
    keys = dict(zip(key_axes, columns[: len(key_axes)], strict=True))
    sums = iter(columns[len(key_axes) :])
    for positions in ticks:
        people = next(sums)
        place = [np.zeros(1, dtype=np.int64)] * len(axes)
        for axis, position in zip(multi_axes, positions, strict=True):
            place[axis] = np.array([position])
        for axis, position in keys.items():
            place[axis] = position
        if score_axis is None:
            np.add.at(counts, tuple(place), people)
            continue
        high = next(sums)
        special = keys[score_axis]
        answered = special == 0
        np.add.at(counts, tuple(place), np.where(answered, high, people * MICRO))
        place[score_axis] = np.where(answered, 1, special)
        np.add.at(counts, tuple(place), np.where(answered, people * MICRO - high, 0))
    return counts


def count_tables(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    attributes: tuple[Attribute, ...],
    tables: tuple[MeasuredTable, ...],
) -> Exact[Mapping[str, NDArray[np.int64]]]:
    """Exact counts of every measured table, in its integer units and shape, zero cells included.

    `attributes`: those of the zone, then net scores. A net score is a weighted sum over the table of what it is of.
    """
    by_id = {attribute.id: attribute for attribute in attributes}
    axis_of = {a.id: _Axis(a, zone_columns(position, a)) for position, a in enumerate(attributes)}
    counted: dict[str, NDArray[np.int64]] = {}
    for table in _of_cells(tables, by_id):
        axes = tuple(axis_of[name] for name in table.attributes)
        query, ticks = table_query(axes, relation)
        fetched = connection.execute(query).fetchnumpy()
        columns = [np.ma.filled(column, 0).astype(np.int64) for column in fetched.values()]
        counted[table.id] = _fill(table, axes, ticks, columns)
    return Exact({table.id: _netted(table, by_id, counted) for table in tables})


def _net_in(table: MeasuredTable, by_id: Mapping[str, Attribute]) -> Attribute | None:
    last = by_id[table.attributes[-1]]
    return last if last.kind == "net" else None


def _source(table: MeasuredTable, net: Attribute, by_id: Mapping[str, Attribute]) -> MeasuredTable:
    of = net.of or ""
    axes = {"attributes": (*table.attributes[:-1], of), "shape": (*table.shape[:-1], by_id[of].size)}
    return table.model_copy(update=axes)


def _of_cells(tables: tuple[MeasuredTable, ...], by_id: Mapping[str, Attribute]) -> list[MeasuredTable]:
    """The tables to count: those of cells, and those that net scores are sums over, each once."""
    found: dict[str, MeasuredTable] = {}
    for table in tables:
        net = _net_in(table, by_id)
        source = table if net is None else _source(table, net, by_id)
        found.setdefault(source.id, source)
    return list(found.values())


def _netted(
    table: MeasuredTable, by_id: Mapping[str, Attribute], counted: Mapping[str, NDArray[np.int64]]
) -> NDArray[np.int64]:
    net = _net_in(table, by_id)
    if net is None:
        return counted[table.id]
    weights = np.array(net.weights, dtype=np.int64)
    return (counted[_source(table, net, by_id).id] @ weights).reshape(table.shape)

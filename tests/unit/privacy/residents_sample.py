"""What one resident, or one worst resident, can put into a table, by the declared meaning of attributes."""

import numpy as np
from numpy.typing import NDArray

from schemas.attributes import MICRO, Attribute, Cell, CellRole

Cells = NDArray[np.int64]


def single(name: str, size: int) -> Attribute:
    return _attribute(name, "single", size)


def multi(name: str, options: int, at_most: int) -> Attribute:
    """`options` option cells and two exclusive ones."""
    return _attribute(name, "multi", options + 2, at_most=at_most)


def score(name: str, specials: int) -> Attribute:
    return _attribute(name, "score", specials + 2, unit=MICRO)


def _attribute(name: str, kind: str, size: int, **more: int) -> Attribute:
    cells = tuple(Cell(code=str(c), label=str(c), role=CellRole.SUBSTANTIVE) for c in range(size))
    origin = "index" if kind == "score" else "question"
    return Attribute.model_validate({"id": name, "kind": kind, "origin": origin, "label": name, "cells": cells, **more})


def possible_answers(attribute: Attribute) -> list[Cells]:
    """Cell vectors a resident may have on one attribute, the extremes among them."""
    rows = np.eye(attribute.size, dtype=np.int64) * attribute.unit
    found = list(rows)
    if attribute.kind == "multi":
        for ticks in range(2, attribute.at_most + 1):
            options = attribute.size - 2
            found += [rows[np.arange(start, start + ticks) % options].sum(axis=0) for start in range(options)]
    if attribute.kind == "score":
        for part in (1, MICRO // 3, MICRO // 2, MICRO - 1):
            found.append(rows[0] // MICRO * part + rows[1] // MICRO * (MICRO - part))
    return found


def contribution(answers: list[Cells]) -> Cells:
    """The table of one resident: the outer product of the cell vectors of each attribute."""
    table = answers[0]
    for answer in answers[1:]:
        table = np.multiply.outer(table, answer)
    return table


def norms(change: Cells) -> tuple[int, int]:
    """L1 and squared L2 as Python integers, without overflow."""
    cells = [abs(int(cell)) for cell in change.ravel()]
    return sum(cells), sum(cell * cell for cell in cells)

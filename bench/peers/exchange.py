"""Files between the driver and a peer, which has an environment of its own: this module needs NumPy only."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Task:
    """Codes of each attribute (respondents), how many cells it has, and the privacy all tables share.

    `rho` is the largest whose conversion at `delta` is `epsilon`; `table_epsilon` converts its even part for one table.
    """

    demographics: list[str]
    questions: list[str]
    sizes: dict[str, int]
    codes: dict[str, np.ndarray]
    epsilon: float
    delta: float
    rho: float
    table_epsilon: float

    @property
    def tables(self) -> list[tuple[str, ...]]:
        """The declared cell set: all one-way tables, then every demographic × question."""
        ones: list[tuple[str, ...]] = [(name,) for name in self.sizes]
        return ones + [(d, q) for d in self.demographics for q in self.questions]

    def shape(self, table: tuple[str, ...]) -> tuple[int, ...]:
        """Cells of a table along each attribute."""
        return tuple(self.sizes[name] for name in table)


def write_task(path: Path, task: Task) -> None:
    """Rows of a survey, for a temporary folder."""
    np.savez(
        path, demographics=np.array(task.demographics), questions=np.array(task.questions),
        sizes=np.array(list(task.sizes.values())), epsilon=task.epsilon, delta=task.delta, rho=task.rho,
        table_epsilon=task.table_epsilon, **{f"codes_{name}": codes for name, codes in task.codes.items()},
    )  # fmt: skip


def read_task() -> Task:
    """Of the first command-line argument."""
    with np.load(sys.argv[1]) as file:
        demographics, questions = file["demographics"].tolist(), file["questions"].tolist()
        names = demographics + questions
        return Task(
            demographics, questions, dict(zip(names, file["sizes"].tolist(), strict=True)),
            {name: file[f"codes_{name}"] for name in names},
            float(file["epsilon"]), float(file["delta"]), float(file["rho"]), float(file["table_epsilon"]),
        )  # fmt: skip


def write_tables(tables: dict[tuple[str, ...], np.ndarray]) -> None:
    """To the second command-line argument: estimated counts by table id."""
    np.savez(sys.argv[2], **{"*".join(name): np.asarray(table, dtype=float) for name, table in tables.items()})


def from_rows(task: Task, table: tuple[str, ...], cells: list[tuple[int, ...]], counts: list[float]) -> np.ndarray:
    """A table of an answer in rows; a cell that was not returned is 0."""
    found = np.zeros(task.shape(table))
    for cell, count in zip(cells, counts, strict=True):
        found[cell] = count
    return found

"""Gaussian or Laplace: the best split of each, compared at the policy's ε, and the tables as they will be measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from privacy.allocate import Design, Floats, allocate, design_of
from privacy.charges import apportion, measured_table
from privacy.prior import Belief
from privacy.sensitivity import table_sensitivity, table_unit
from privacy.spending import Spending
from privacy.workload import NetCandidate, WantedTable
from schemas.attributes import Attribute
from schemas.errors import DeclarationFault
from schemas.plan import NANO, MeasuredTable, Mechanism, nano
from schemas.policy import Policy

Noise = Literal["gaussian", "laplace"]


@dataclass(frozen=True)
class Problem:
    """What both families start from. `columns`: axes of what may be measured, tables first, then net scores; `l1` and
    `l2_squared`: their sensitivities in respondents. `weight`: of everything published together.
    """

    columns: tuple[tuple[Attribute, ...], ...]
    weight: float
    design: Design
    l1: Floats
    l2_squared: Floats
    shared_keys: bool
    responses_per_unit: int = 1

    def table(self, position: int, mechanism: Mechanism, nano_loss: int) -> MeasuredTable:
        """A wanted table as it is measured at this loss."""
        return measured_table(
            self.columns[position],
            mechanism,
            nano_loss,
            shared_keys=self.shared_keys,
            responses_per_unit=self.responses_per_unit,
        )


@dataclass(frozen=True)
class Choice:
    """The family chosen, why, and the measured tables in the order of the workload.

    `spend_nano_rho`: what it may spend; for Laplace the smaller of what its pure ε can cost and the smallest cap.
    """

    noise: Noise
    reason: str
    spend_nano_rho: int
    measured: tuple[MeasuredTable, ...]


@dataclass(frozen=True)
class _Split:
    """Losses (ρ or pure ε) of the tables at the positions `measured`; `error`: root of the weighted mean cell variance
    of everything published, in respondents.
    """

    measured: NDArray[np.int64]
    losses: Floats
    error: float


def problem_of(
    tables: Sequence[WantedTable],
    nets: Sequence[NetCandidate],
    attributes: Mapping[str, Attribute],
    belief: Belief,
    *,
    shared_keys: bool,
    responses_per_unit: int = 1,
) -> Problem:
    """The wanted tables and net scores with their sensitivities, ready to be allocated."""
    columns = tuple(candidate.attributes for candidate in (*tables, *nets))
    bounds = [
        table_sensitivity(axes, shared_keys=shared_keys, responses_per_unit=responses_per_unit) for axes in columns
    ]
    units = [table_unit(axes) for axes in columns]
    return Problem(
        columns=columns,
        weight=sum(candidate.weight for candidate in (*tables, *nets)),
        design=design_of(tables, nets, attributes, belief),
        l1=np.array([bound.l1 / unit for bound, unit in zip(bounds, units, strict=True)]),
        l2_squared=np.array([bound.l2_squared / unit**2 for bound, unit in zip(bounds, units, strict=True)]),
        shared_keys=shared_keys,
        responses_per_unit=responses_per_unit,
    )


def choose_noise(problem: Problem, policy: Policy, spending: Spending) -> Choice:
    """The family the policy asks for; with `auto` the one with the smaller expected error at the policy's ε."""
    asked = policy.spend.noise
    if asked == "gaussian" or spending.nano_epsilon is None:
        return _gaussian(problem, spending, _gaussian_split(problem, spending), "policy.yaml asks for Gaussian noise")
    limit = Laplace(problem, spending.nano_epsilon, spending.nano_rho_cap)
    laplace = limit.split()
    used = _used(laplace, limit)
    if asked == "laplace":
        return limit.choice(laplace, f"policy.yaml asks for Laplace noise{used}")
    if spending.pure_scope is not None:
        return limit.choice(
            laplace, f"caps.{spending.pure_scope} bounds pure epsilon, which Gaussian noise has not{used}"
        )
    gaussian = _gaussian_split(problem, spending)
    numbers = (
        f"at epsilon {policy.spend.epsilon:g} the expected error of a cell, weighted over all tables, is "
        f"{gaussian.error:.3g} people with Gaussian and {laplace.error:.3g} with Laplace noise{used}"
    )
    if gaussian.error <= laplace.error:
        return _gaussian(problem, spending, gaussian, numbers)
    return limit.choice(laplace, numbers)


def _error(problem: Problem, measured: NDArray[np.int64], precisions: Floats) -> float:
    everywhere = np.zeros(len(problem.columns))
    everywhere[measured] = precisions
    return sqrt(problem.design.objective(everywhere) / problem.weight)


def _gaussian_split(problem: Problem, spending: Spending) -> _Split:
    rho = spending.nano_rho / NANO
    found = allocate(problem.design, 2 * rho / problem.l2_squared, power=1)
    return _Split(found.measured, rho * found.shares, _error(problem, found.measured, found.precisions))


def _gaussian(problem: Problem, spending: Spending, split: _Split, reason: str) -> Choice:
    parts = apportion(split.losses, spending.nano_rho)
    measured = tuple(
        problem.table(position, "discrete_gaussian", part)
        for position, part in zip(split.measured.tolist(), parts, strict=True)
    )
    return Choice("gaussian", reason, spending.nano_rho, measured)


@dataclass(frozen=True)
class Laplace:
    """Laplace noise under two bounds: Σ ε_B ≤ the policy's pure ε, and Σ ε_B²/2 ≤ the smallest cap in ρ, for the
    ledger books both.
    """

    problem: Problem
    nano_epsilon: int
    nano_rho: int

    def split(self) -> _Split:
        """The better of two: best for the bound on ε and then scaled down to the bound on ρ, and the reverse."""
        epsilon, rho = self.nano_epsilon / NANO, self.nano_rho / NANO
        design, l1 = self.problem.design, self.problem.l1
        found = allocate(design, epsilon**2 / (2 * l1**2), power=2)
        losses = epsilon * found.shares
        cost = float(np.sum(losses**2) / 2)
        if cost <= rho:
            return self._split(found.measured, losses)
        by_epsilon = self._split(found.measured, losses * sqrt(rho / cost))
        found = allocate(design, rho / l1**2, power=1)
        losses = np.sqrt(2 * rho * found.shares)
        by_rho = self._split(found.measured, losses * min(1.0, epsilon / float(np.sum(losses))))
        return min(by_epsilon, by_rho, key=lambda split: split.error)

    def _split(self, measured: NDArray[np.int64], losses: Floats) -> _Split:
        precisions = losses**2 / (2 * self.problem.l1[measured] ** 2)
        return _Split(measured, losses, _error(self.problem, measured, precisions))

    def choice(self, split: _Split, reason: str) -> Choice:
        """The tables as measured. Scales are coarsened until the charges, rounded up, keep both bounds."""
        total = min(self.nano_epsilon, floor(float(np.sum(split.losses)) * NANO))
        while True:
            measured = self._tables(split, total)
            over = sum(table.charge_nano_rho for table in measured) - self.nano_rho
            if over <= 0:
                most = nano(Fraction(self.nano_epsilon, NANO) ** 2 / 2) + len(measured)
                return Choice("laplace", reason, min(self.nano_rho, most), measured)
            total = floor(total * (1 - max(over / (2 * self.nano_rho), 1e-6)))
            if total <= len(measured):
                raise DeclarationFault(
                    "spend_too_small", "the caps are too small for Laplace noise", where="policy.yaml: caps"
                )

    def _tables(self, split: _Split, total: int) -> tuple[MeasuredTable, ...]:
        parts = apportion(split.losses / np.sum(split.losses), total)
        return tuple(
            self.problem.table(position, "discrete_laplace", part)
            for position, part in zip(split.measured.tolist(), parts, strict=True)
        )


def _used(split: _Split, limit: Laplace) -> str:
    used, whole = float(np.sum(split.losses)), limit.nano_epsilon / NANO
    return "" if used > 0.999 * whole else f"; the caps in rho let Laplace noise use epsilon {used:.3g} of {whole:.3g}"

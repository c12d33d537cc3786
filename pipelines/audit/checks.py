"""The checks of an audit, each a list of figures with bounds: sensitivity, noise, two samples, one run of canaries.

Each check goes the way of a response: export, intake, deduplication, encryption, counting, measurement. A finding is a
figure beyond its bound; by chance that happens with probability ALARM a figure.

Claim: docs/claims/audit.md.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, inf, prod
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.audit.residents import (
    Resident,
    audited_survey,
    hostile,
    invented,
    placed,
    worst,
    write_contacts,
    write_export,
)
from pipelines.zone.audit_room import AuditZone, Tables
from privacy.audit import (
    Likelihood,
    centre_deviation,
    correlation_deviation,
    epsilon_at_least,
    epsilon_chance,
    factor_seen,
    most_deviations,
    one_run_p_value,
    scale_deviation,
    shift_variation,
    variation_at_least,
    variation_claimed,
)
from privacy.charges import measured_table
from privacy.mechanisms import draw
from schemas.attributes import Attribute, CellRole, attributes_of
from schemas.nets import with_nets
from schemas.plan import NANO, MeasuredTable, Plan
from schemas.survey import Survey

ALARM = 1e-8
"""Probability that a figure of a sound build is beyond its bound by chance."""
_OTHERS = 12
_HUGE = 2**60
_NEIGHBOURS = 3
_HOSTILE = ("1e18", "-1e18", "NaN", "")
_MOST_CELLS = 200
_MOST_ROUNDS = 50


@dataclass(frozen=True)
class AuditFigure:
    """One figure: it holds when it is on its bound's side."""

    check: str
    name: str
    value: float
    relation: Literal["<=", ">="]
    bound: float

    @property
    def holds(self) -> bool:
        return self.value <= self.bound if self.relation == "<=" else self.value >= self.bound


class Audit:
    """One audit of a survey and its plan, in a folder of its own, which its caller removes.

    `runs`: measurements a side. The exact tables of the synthetic residents are known, so they may be compared.
    """

    def __init__(self, folder: Path, survey: Survey, plan: Plan, runs: int) -> None:
        self.survey = audited_survey(survey)
        self.plan = plan
        self.runs = runs
        self._export = folder / "export.csv"
        self._others = [invented(self.survey, f"other{i}") for i in range(_OTHERS)]
        self._unit = self.survey.residents.responses_per_unit
        answers = worst(self.survey, "victim").answers
        self._victims = [Resident(f"victim{i}", answers, home="victim") for i in range(self._unit)]
        known = [*self._others, *self._victims, *(Resident(f"canary{i}", {}) for i in range(_MOST_CELLS))]
        contacts = write_contacts(folder / "contacts.csv", self.survey, known)
        zone = folder / "zone"
        zone.mkdir(mode=0o700)
        self._zone = AuditZone(zone, self.survey, contacts)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        return with_nets(self.survey, attributes_of(self.survey))

    def _counted(self, residents: list[Resident]) -> Tables:
        """What the mechanisms are given for these residents."""
        write_export(self._export, self.survey, residents)
        self._zone.take(self._export)
        return self._zone.without_noise(self.plan, self._zone.counted(self.plan))

    def _measured(self, residents: list[Resident]) -> list[Tables]:
        write_export(self._export, self.survey, residents)
        self._zone.take(self._export)
        exact = self._zone.counted(self.plan)
        return [self._zone.measured(self.plan, exact) for _ in range(self.runs)]

    @cached_property
    def _without(self) -> tuple[Tables, list[Tables]]:
        """The exact tables without the victim, and `runs` measurements of them."""
        return self._counted(self._others), self._measured(self._others)

    def sensitivity(self) -> Iterator[AuditFigure]:
        """No resident moves a table further than its noise is made for."""
        without = self._without[0]
        beyond = 0
        units = [self._victims]
        units += [[hostile(self.survey, "hostile", value)] for value in _HOSTILE]
        units += [[invented(self.survey, f"neighbour{i}")] for i in range(_NEIGHBOURS)]
        if not self._keyless:
            crowd = [Resident(f"crowd{i}", self._victims[0].answers, home="victim") for i in range(self._unit > 1)]
            units.append([replace(resident, times=5) for resident in [*self._victims, *crowd]])
        met: set[str] = set()
        for unit in units:
            counted = self._counted([*self._others, *unit])
            for table in self.plan.measured:
                l1, l2_squared = _moved(counted[table.id], without[table.id])
                most_l1, most_l2 = (n // (1 + self.plan.shared_keys) for n in (table.l1, table.l2_squared))
                beyond += l1 > most_l1 or l2_squared > most_l2
                if (l1, l2_squared) == (most_l1, most_l2):
                    met.add(table.id)
        yield AuditFigure("sensitivity", "tables moved further than declared", beyond, "<=", 0)
        yield AuditFigure("sensitivity", "tables that somebody moves as far as declared", len(met), ">=", 1)

    def noise(self) -> Iterator[AuditFigure]:
        """Noise has its table's scale, neither less nor more; is centred, fresh, and made of whole numbers."""
        exact, runs = self._without
        tables = self.plan.measured
        noise = {t.id: np.stack([run[t.id] - exact[t.id] for run in runs]) for t in tables}
        scales = [scale_deviation(t.mechanism, t.scale, noise[t.id]) for t in tables]
        centres = [centre_deviation(t.mechanism, t.scale, noise[t.id]) for t in tables]
        most = most_deviations(len(tables), ALARM)
        yield AuditFigure("noise", "largest deviation of a table's spread, in sd", _largest(scales), "<=", most)
        yield AuditFigure("noise", "largest deviation of a table's centre, in sd", _largest(centres), "<=", most)
        flat = np.concatenate([noise[t.id].reshape(len(runs), -1) / t.scale for t in tables], axis=1)
        again = correlation_deviation(flat[:-1], flat[1:])
        yield AuditFigure("noise", "correlation of one run with the next, in sd", abs(again), "<=", most)
        width = flat.shape[1] // 2
        between = correlation_deviation(flat[:, :width], flat[:, width : 2 * width])
        yield AuditFigure("noise", "correlation between tables of a run, in sd", abs(between), "<=", most)
        odd = max(_odd_share(table) for table in _one_of_each(tables))
        yield AuditFigure("noise", "imbalance of odd and even at 2^60, in sd", odd, "<=", most_deviations(2, ALARM))

    def two_samples(self) -> Iterator[AuditFigure]:
        """Whole releases with and without one resident cannot be told apart better than the claimed loss allows."""
        exact_without, runs_without = self._without
        with_ = [*self._others, *(replace(victim, times=1 if self._keyless else 3) for victim in self._victims)]
        exact_with, runs_with = self._counted(with_), self._measured(with_)
        tests = {
            t.id: Likelihood(t.mechanism, t.scale, exact_with[t.id], exact_without[t.id]) for t in self.plan.measured
        }
        hits_with, hits_without = (_likelier_with(tests, runs) for runs in (runs_with, runs_without))
        found = variation_at_least(hits_with, hits_without, self.runs, ALARM)
        claimed = variation_claimed(*self._loss)
        yield AuditFigure("two samples", "total variation, at least", round(found, 4), "<=", round(claimed, 4))
        pure = self._loss[1]
        if pure is not None:
            epsilon = max(0.0, epsilon_at_least(hits_with, hits_without, self.runs, ALARM))
            yield AuditFigure("two samples", "pure ε, at least", round(epsilon, 4), "<=", pure)

    @property
    def _loss(self) -> tuple[float, float | None]:
        """ρ and pure ε of all the plan's tables; for one resident, where keys may be shared, what an exchange costs."""
        pure = self.plan.charge_nano_pure_epsilon
        return self.plan.charge_nano_rho / NANO, None if pure is None else pure / NANO

    @property
    def _keyless(self) -> bool:
        return self.survey.residents.key == "none"

    def power(self) -> float:
        """The factor on sensitivity or scale that the two samples would see nine times in ten."""
        return factor_seen(self._loss[0], variation_claimed(*self._loss), self.runs, ALARM)

    def one_run(self) -> Iterator[AuditFigure]:
        """Canaries in cells of their own, each in by a coin: nobody guesses from the noisy cells who is in too well.

        Once through everything with the plan's whole loss on one table; again, with other coins, until there are `runs`
        guesses or _MOST_ROUNDS rounds.
        """
        table, cells = self._canary_table()
        if table is None:
            return
        canaries = [
            placed(self.survey, Resident(f"canary{i}", invented(self.survey, f"canary{i}").answers), cell)
            for i, cell in enumerate(cells)
        ]
        canaries = [replace(canary, times=1 if self._keyless else 4) for canary in canaries]
        positions = [tuple(cell[name] for name in table.attributes) for cell in cells]
        charges = {"charge_nano_rho": table.charge_nano_rho, "charge_nano_pure_epsilon": table.charge_nano_pure_epsilon}
        plan = self.plan.model_copy(update={"measured": (table,), **charges})
        seen: list[tuple[int, bool]] = []
        for _ in range(min(ceil(self.runs / len(canaries)), _MOST_ROUNDS)):
            coins = [bool(secrets.randbits(1)) for _ in canaries]
            write_export(self._export, self.survey, [c for c, inside in zip(canaries, coins, strict=True) if inside])
            self._zone.take(self._export)
            noisy = self._zone.measured(plan, self._zone.counted(plan))[table.id]
            seen += [(int(noisy[position]), inside) for position, inside in zip(positions, coins, strict=True)]
        chance = (1 + shift_variation(table.mechanism, table.scale, table.l1)) / 2
        pure = table.charge_nano_pure_epsilon
        if pure is None:
            yield _guessed(seen, 0, 1, chance, ALARM)
            return
        chance = min(chance, epsilon_chance(pure / NANO))
        away = max(1, round(table.scale))
        yield _guessed(seen, 0, 1, chance, ALARM / 2)
        yield _guessed(seen, -away, 1 + away, chance, ALARM / 2)

    def _canary_table(self) -> tuple[MeasuredTable | None, list[dict[str, int]]]:
        """A single-choice table with many cells, given the plan's whole loss, and the cells of canaries."""
        found: tuple[Attribute, ...] = ()
        for table in self.plan.measured:
            axes = tuple(a for a in self.attributes if a.id in table.attributes)
            usable = all(a.kind == "single" and a.origin in ("question", "demographic") and not _made(a) for a in axes)
            if usable and prod(map(_places, axes)) > prod(map(_places, found)) * bool(found):
                found = axes
        if not found:
            return None, []
        pure = self.plan.charge_nano_pure_epsilon
        loss = self.plan.charge_nano_rho if pure is None else pure
        mechanism = self.plan.measured[0].mechanism
        table = measured_table(found, mechanism, loss, shared_keys=self.plan.shared_keys, responses_per_unit=self._unit)
        shape = tuple(_places(axis) for axis in found)
        indices = [np.unravel_index(i, shape) for i in range(min(prod(shape), _MOST_CELLS))]
        return table, [{axis.id: int(at) for axis, at in zip(found, index, strict=True)} for index in indices]


def _places(attribute: Attribute) -> int:
    """Cells that a declared answer puts a resident into; they come first."""
    return sum(not cell.code.startswith("_") for cell in attribute.cells)


def _made(attribute: Attribute) -> bool:
    """Whether its cells are no codes that an export holds: bins of a number, points of a scale of eleven."""
    scores = [cell.score for cell in attribute.cells if cell.role is CellRole.SUBSTANTIVE]
    return attribute.origin == "question" and not attribute.positive and all(s is not None for s in scores)


def _moved(one: NDArray[np.int64], two: NDArray[np.int64]) -> tuple[int, int]:
    cells = [abs(cell) for cell in (one - two).ravel().tolist()]
    return sum(cells), sum(cell * cell for cell in cells)


def _largest(deviations: list[float]) -> float:
    return round(max((abs(d) for d in deviations), default=inf), 2)


def _likelier_with(tests: Mapping[str, Likelihood], runs: list[Tables]) -> int:
    return sum(sum(test.of(run[name]) for name, test in tests.items()) > 0 for run in runs)


def _one_of_each(tables: tuple[MeasuredTable, ...]) -> list[MeasuredTable]:
    return list({table.mechanism: table for table in tables}.values())


def _guessed(seen: list[tuple[int, bool]], low: int, high: int, chance: float, alarm: float) -> AuditFigure:
    """Guess 'in' from `high` on and 'out' up to `low`; between them nobody guesses."""
    guesses = [(value >= high) == inside for value, inside in seen if value >= high or value <= low]
    name = f"p-value of {sum(guesses)} of {len(guesses)} guesses right, out of {len(seen)} canaries"
    return AuditFigure("one run", name, one_run_p_value(sum(guesses), len(guesses), chance), ">=", alarm)


def _odd_share(table: MeasuredTable, draws: int = 256) -> float:
    """How far from even the odd ones are among draws around 2^60, where a float would have lost its last digits."""
    odd = sum(noisy & 1 for noisy in draw(table.mechanism, max(table.scale, 4.0), [_HUGE] * draws))
    return abs(odd - draws / 2) / (draws / 4) ** 0.5

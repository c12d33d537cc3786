"""What is compared at equal privacy: from the exact tables of a survey to estimates of every table of the cell set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from math import prod, sqrt

import numpy as np
from numpy.typing import NDArray

from bench.surveys import Coded, favourable, substantive
from privacy.accountant import rho_of
from privacy.components import component_of, spread
from privacy.estimate import Estimates, estimate
from privacy.group_prior import group_prior
from privacy.measure import Exact, measure
from privacy.mechanisms import draw
from privacy.plan import make_plan
from privacy.project import onto_simplex, product_table
from privacy.residual import variance_factor
from schemas.ledger import Charge
from schemas.nets import NET
from schemas.plan import table_id
from schemas.policy import Policy

DELTA = 1e-6
LEAST_GROUP = 40
PLURALS = {"index": "indices"}
Floats = NDArray[np.float64]
Tables = Mapping[str, Floats]
_DIGEST = "0" * 64


@dataclass(frozen=True)
class Truth:
    """Exact tables of the declared cell set, by table id: all one-way tables, and every demographic × question."""

    data: Coded
    tables: Tables = field(repr=False)

    @staticmethod
    def of(data: Coded) -> Truth:
        """Count the cell set."""
        names = [(a.id,) for a in (*data.demographics, *data.questions)]
        names += [(d.id, q.id) for d in data.demographics for q in data.questions]
        return Truth(data, {table_id(n): data.table(*n).astype(float) for n in names})

    def score(self, found: Tables) -> dict[str, float]:
        """Mean squared errors: of cells of toplines and crosstabs, table by table; of the differences between a group's
        and everybody's % favourable in groups of at least 40 answers (as shares), and the square of the true ones.
        """
        top = [((found[q.id] - self.tables[q.id]) ** 2).mean() for q in self.data.questions]
        cross: list[float] = []
        wrong = away = count = 0.0
        for d in self.data.demographics:
            for q in self.data.questions:
                name = table_id((d.id, q.id))
                cross.append(((found[name] - self.tables[name]) ** 2).mean())
                answers, good = substantive(q), favourable(q)
                shown = substantive(d) & (self.tables[name][:, answers].sum(axis=1) >= LEAST_GROUP)
                true = differences(self.tables[name], answers, good)[shown]
                wrong += float(((differences(found[name], answers, good)[shown] - true) ** 2).sum())
                away += float((true**2).sum())
                count += len(true)
        scale = max(count, 1.0)
        return {
            "topline": float(np.mean(top)),
            "crosstab": float(np.mean(cross)),
            "difference": wrong / scale,
            "spread": away / scale,
        }


def differences(table: Floats, answers: NDArray[np.bool_], good: NDArray[np.bool_]) -> Floats:
    """Each group's share of favourable answers less everybody's; 0 for a group without answers."""
    base, hits = table[:, answers].sum(axis=1), table[:, good].sum(axis=1)
    whole = hits.sum() / base.sum() if base.sum() > 0 else 0.0
    return np.where(base > 1e-9, np.clip(hits / np.where(base > 1e-9, base, 1.0), 0, 1) - whole, 0.0)


def equal_sigma(truth: Truth, epsilon: float) -> float:
    """Noise of every cell when each table of the cell set gets the same share of the loss."""
    return sqrt(len(truth.tables) / (2 * rho_of(epsilon, DELTA)))


def equal_noise(truth: Truth, epsilon: float) -> Tables:
    """Every table through OpenDP's discrete Gaussian, with the same scale; as drawn."""
    names = list(truth.tables)
    cells = np.concatenate([truth.tables[name].ravel() for name in names]).astype(int)
    noisy = np.array(draw("discrete_gaussian", equal_sigma(truth, epsilon), cells.tolist()), dtype=float)
    parts = np.split(noisy, np.cumsum([truth.tables[name].size for name in names])[:-1])
    return {name: part.reshape(truth.tables[name].shape) for name, part in zip(names, parts, strict=True)}


def clipped(tables: Tables) -> Tables:
    """Negative cells are 0."""
    return {name: np.maximum(table, 0.0) for name, table in tables.items()}


def residual_planner(truth: Truth, epsilon: float, rng: np.random.Generator) -> Tables:
    """ResidualPlanner's optimum (Xiao et al., NeurIPS 2023) for the mean cell variance, all tables of equal weight.

    A residual component with noise variance v costs ∏ (n − 1)/n over its axes, divided by v, in 2ρ.
    """
    axes = {name: tuple(name.split("*")) for name in truth.tables}
    sizes = {a.id: a.size for a in (*truth.data.demographics, *truth.data.questions)}
    wanted: dict[tuple[str, ...], float] = {}
    for table in axes.values():
        for size in range(len(table) + 1):
            for part in combinations(table, size):
                wanted[part] = wanted.get(part, 0.0) + variance_factor(table, part, sizes)
    costs = {part: prod((sizes[i] - 1) / sizes[i] for i in part) for part in wanted}
    scale = sum(sqrt(wanted[part] * costs[part]) for part in wanted) / (2 * rho_of(epsilon, DELTA))
    noise: dict[tuple[str, ...], Floats] = {}
    for part, importance in wanted.items():
        variance = sqrt(costs[part] / importance) * scale
        raw = rng.normal(scale=sqrt(variance), size=tuple(sizes[i] for i in part))
        noise[part] = component_of(np.asarray(raw), part, part)
    return {
        name: truth.tables[name] + sum(spread(noise[p], p, table, sizes) for p in noise if set(p) <= set(table))
        for name, table in axes.items()
    }


def null_release(truth: Truth, epsilon: float) -> Tables:
    """All loss on one-way tables, projected onto feasible counts; crosstabs are their products: no group differs."""
    ones = {n: t for n, t in truth.tables.items() if t.ndim == 1}
    sigma = sqrt(len(ones) / (2 * rho_of(epsilon, DELTA)))
    noisy = {
        n: np.array(draw("discrete_gaussian", sigma, t.astype(int).tolist()), dtype=float) for n, t in ones.items()
    }
    weights = np.array([1 / len(t) for t in noisy.values()])
    total = max(float(weights @ [t.sum() for t in noisy.values()] / weights.sum()), 1.0)
    found = {n: onto_simplex((t - t.mean() + total / len(t))[None], np.array([total]))[0] for n, t in noisy.items()}
    for d in truth.data.demographics:
        for q in truth.data.questions:
            found[table_id((d.id, q.id))] = product_table(found[d.id], found[q.id])
    return found


def policy_of(epsilon: float, **workload: object) -> Policy:
    """A policy that spends ε in one release, with the numbers that the starting policy suggests."""
    cap = {"epsilon": epsilon}
    return Policy.model_validate(
        {
            "population": "bench",
            "unit": {"protects": "resident"},
            "delta": DELTA,
            "caps": dict.fromkeys(("release", "wave", "year", "lifetime"), cap),
            "spend": {"epsilon": epsilon, "noise": "gaussian"},
            "workload": {"demographics": "single"} | workload,
            "precision": {"publish_margin_points": 10, "min_expected_base": 40},
            "prior": {"interaction": 3},
        }
    )


class Hearsafe:
    """hearsafe under one policy: the plan once, then release after release, through OpenDP's own draws."""

    def __init__(self, truth: Truth, policy: Policy) -> None:
        self.truth, self.policy = truth, policy
        self.plan = make_plan(truth.data.survey, policy, survey_digest=_DIGEST, policy_digest=_DIGEST)
        self._exact = {t.id: truth.data.measured(t) for t in self.plan.measured}
        self._charge = Charge(
            release_id="bench", population="bench", year=2026, survey="bench", wave="1", plan_digest=_DIGEST,
            survey_digest=_DIGEST, policy_digest=_DIGEST, snapshot_id="bench", attempt=1,
            charge_nano_rho=self.plan.charge_nano_rho, charge_nano_pure_epsilon=self.plan.charge_nano_pure_epsilon,
            mechanism="discrete_gaussian", measured_tables=len(self.plan.measured), delta=DELTA,
        )  # fmt: skip
        self._prior = group_prior(truth.data.survey, self.plan)

    def release(self) -> Estimates:
        """One release's estimates."""
        released = measure(self.plan, Exact(self._exact), self._charge)
        return estimate(self.plan, self.truth.data.attributes, released, self._prior)

    def tables(self, estimates: Estimates) -> Tables:
        """The cell set from a release's estimates."""
        return {name: estimates.tables[name].counts for name in self.truth.tables}

    def shares(self) -> str:
        """How the loss is split, in words."""
        kinds = {t.attributes: t.kind for t in self.plan.published}
        found: dict[str, float] = {}
        for table in self.plan.measured:
            kind = (
                "net scores"
                if table.attributes[-1].endswith(NET)
                else PLURALS.get(kinds[table.attributes], f"{kinds[table.attributes]}s")
            )
            found[kind] = found.get(kind, 0) + 100 * table.charge_nano_rho / self.plan.charge_nano_rho
        return ", ".join(f"{kind.replace('_', ' ')} {share:.0f} %" for kind, share in found.items())

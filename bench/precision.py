"""Precision at equal privacy, side by side on real surveys."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from bench.surveys import Coded, Workload, coded, favourable, substantive
from privacy.accountant import rho_of
from privacy.estimate import estimate
from privacy.group_prior import group_prior
from privacy.measure import Exact, measure
from privacy.plan import make_plan
from privacy.project import onto_simplex, product_table
from schemas.ledger import Charge
from schemas.plan import table_id
from schemas.policy import Policy

DELTA = 1e-6
Tables = Mapping[str, NDArray[np.float64]]
DIGEST = "0" * 64


def policy_of(epsilon: float, **workload: object) -> Policy:
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


@dataclass(frozen=True)
class Truth:
    """Exact tables of the declared cell set, by table id."""

    data: Coded
    tables: Tables

    @staticmethod
    def of(data: Coded) -> Truth:
        names = [(a.id,) for a in (*data.demographics, *data.questions)]
        names += [(d.id, q.id) for d in data.demographics for q in data.questions]
        return Truth(data, {table_id(n): data.table(*n).astype(float) for n in names})

    def score(self, found: Tables) -> dict[str, float]:
        data = self.data
        top = [((found[q.id] - self.tables[q.id]) ** 2).mean() for q in data.questions]
        cross, wrong, spread, count = [], 0.0, 0.0, 0
        for d in data.demographics:
            for q in data.questions:
                name = table_id((d.id, q.id))
                estimated, exact = found[name], self.tables[name]
                cross.append(((estimated - exact) ** 2).mean())
                answers, good = substantive(q), favourable(q)
                shown = substantive(d) & (exact[:, answers].sum(axis=1) >= 40)
                away = _differences(exact, answers, good)[shown]
                said = _differences(estimated, answers, good)[shown]
                wrong += float(((said - away) ** 2).sum())
                spread += float((away**2).sum())
                count += len(away)
        return {
            "topline": float(np.mean(top)),
            "crosstab": float(np.mean(cross)),
            "difference": wrong / max(count, 1),
            "spread": spread / max(count, 1),
        }


def _differences(
    table: NDArray[np.float64], answers: NDArray[np.bool_], good: NDArray[np.bool_]
) -> NDArray[np.float64]:
    base, hits = table[:, answers].sum(axis=1), table[:, good].sum(axis=1)
    whole = hits.sum() / base.sum() if base.sum() > 0 else 0.0
    return np.where(base > 1e-9, np.clip(hits / np.where(base > 1e-9, base, 1.0), 0, 1) - whole, 0.0)


def equal_noise(truth: Truth, epsilon: float, rng: np.random.Generator, clip: bool) -> Tables:
    sigma = sqrt(len(truth.tables) / (2 * rho_of(epsilon, DELTA)))
    noisy = {name: table + rng.normal(scale=sigma, size=table.shape) for name, table in truth.tables.items()}
    return {name: np.maximum(table, 0) for name, table in noisy.items()} if clip else noisy


def null_release(truth: Truth, epsilon: float, rng: np.random.Generator) -> Tables:
    ones = {n: t for n, t in truth.tables.items() if t.ndim == 1}
    sigma = sqrt(len(ones) / (2 * rho_of(epsilon, DELTA)))
    noisy = {n: t + rng.normal(scale=sigma, size=t.shape) for n, t in ones.items()}
    weights = np.array([1 / len(t) for t in noisy.values()])
    total = float(weights @ [t.sum() for t in noisy.values()] / weights.sum())
    found = {n: onto_simplex((t - t.mean() + total / len(t))[None], np.array([total]))[0] for n, t in noisy.items()}
    for d in truth.data.demographics:
        for q in truth.data.questions:
            found[table_id((d.id, q.id))] = product_table(found[d.id], found[q.id])
    return found


class Hearsafe:
    def __init__(self, truth: Truth, policy: Policy) -> None:
        self.truth, self.policy = truth, policy
        started = time.perf_counter()
        self.plan = make_plan(truth.data.survey, policy, survey_digest=DIGEST, policy_digest=DIGEST)
        self.seconds = time.perf_counter() - started
        self.exact = {t.id: truth.data.measured(t) for t in self.plan.measured}
        self.charge = Charge(
            release_id="bench", population="bench", year=2026, survey="bench", wave="1", plan_digest=DIGEST,
            survey_digest=DIGEST, policy_digest=DIGEST, snapshot_id="bench", attempt=1,
            charge_nano_rho=self.plan.charge_nano_rho, charge_nano_pure_epsilon=self.plan.charge_nano_pure_epsilon,
            mechanism="discrete_gaussian", measured_tables=len(self.plan.measured), delta=DELTA,
        )  # fmt: skip
        self.prior = group_prior(truth.data.survey, policy)

    def shares(self) -> str:
        kinds = {t.attributes: t.kind for t in self.plan.published}
        found: dict[str, float] = {}
        for t in self.plan.measured:
            kind = "net" if t.attributes[-1].endswith("__net") else kinds[t.attributes]
            found[kind] = found.get(kind, 0) + t.charge_nano_rho / self.plan.charge_nano_rho
        return " ".join(f"{k} {v:.2f}" for k, v in found.items())

    def run(self, rng: np.random.Generator):
        draw = lambda mechanism, scale, cells: [
            int(c + e) for c, e in zip(cells, np.rint(rng.normal(scale=scale, size=len(cells))))
        ]
        released = measure(self.plan, Exact(self.exact), self.charge, draw)
        estimates = estimate(self.plan, self.truth.data.attributes, released, self.prior)
        return estimates

    def tables(self, estimates) -> Tables:
        found = {}
        for name in self.truth.tables:
            found[name] = estimates.tables[name].counts
        return found


WORKLOADS = (
    Workload("Bloomington", "bloomington-2017", 8, 3),
    Workload("Bloomington", "bloomington-2017", 40, 5),
    Workload("Bloomington", "bloomington-2017", None, 5),
    Workload("Somerville", "somerville-2011", 9, 6),
    Workload("Tampa Bay", "tampa-bay-2024", None, 5),
    Workload("Tampa Bay", "tampa-bay-2024", 8, 3),
    Workload("Somerville", "somerville-2011", 8, 3),
)

if __name__ == "__main__":
    reps = int(sys.argv[1])
    which = [int(i) for i in sys.argv[2].split(",")] if len(sys.argv) > 2 else range(len(WORKLOADS))
    for w in which:
        truth = Truth.of(coded(WORKLOADS[w]))
        for epsilon in (1.0, 3.0, 8.0):
            rng = np.random.default_rng(1)
            equal = sqrt(len(truth.tables) / (2 * rho_of(epsilon, DELTA)))

            def show(name, scores, extra=""):
                m = {k: np.mean([s[k] for s in scores]) for k in scores[0]}
                sk = [1 - s["difference"] / s["spread"] for s in scores]
                print(
                    f"{WORKLOADS[w].label} eps {epsilon:g} {name:22} top {sqrt(m['topline']) / equal:.3f} cross {sqrt(m['crosstab']):.2f} diff {100 * sqrt(m['difference']):.2f} skill {np.mean(sk):.3f}±{np.std(sk) / sqrt(len(sk)):.3f} {extra}",
                    flush=True,
                )

            show("null", [truth.score(null_release(truth, epsilon, rng)) for _ in range(reps)])
            for name, wl in (
                ("default", {}),
                ("toplines", {"emphasis": {"toplines": 400, "demographics": 40}}),
                ("groups", {"emphasis": {"others": 4, "indices": 4}}),
            ):
                h = Hearsafe(truth, policy_of(epsilon, **wl))
                t = time.perf_counter()
                scores = [truth.score(h.tables(h.run(rng))) for _ in range(reps)]
                show(name, scores, f"plan {h.seconds:.2f}s run {(time.perf_counter() - t) / reps:.2f}s {h.shares()}")

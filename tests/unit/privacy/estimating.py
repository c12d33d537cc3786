"""A small synthetic city for the estimation tests: a survey, microdata, exact tables, a plan, noisy measurements."""

from collections.abc import Iterable, Mapping

import numpy as np

from privacy.estimate import Estimates, estimate
from privacy.measure import Exact, Measurements, Released, measure
from schemas.attributes import MICRO, Attribute, CellRole, attributes_of
from schemas.ledger import Charge
from schemas.plan import MarginForecast, MeasuredTable, Plan, PublishedTable, TableKind
from schemas.policy import Policy
from schemas.survey import Survey

RATING = {"1": "Excellent", "2": "Good", "3": "Fair", "4": "Poor", "5": {"label": "Don't know", "role": "no_opinion"}}
SURVEY = {
    "survey": "riverbend",
    "title": "Riverbend",
    "population": "riverbend-adults",
    "wave": {"id": "2026", "year": 2026},
    "expected": {"responses": 3000},
    "residents": {"key": "none"},
    "sources": [{"id": "web", "format": "delimited"}],
    "missing": {"": "not_answered", "NA": "not_asked"},
    "demographics": [
        {"id": "age", "column": "age", "categories": {"1": "Young", "2": "Middle", "3": "Old"}, "targets": {"1": 0.4, "2": 0.35, "3": 0.25}},
        {"id": "district", "column": "d", "categories": {"N": "North", "S": "South"}, "targets": {"N": 0.45, "S": 0.5, "not_answered": 0.05}},
        {"id": "tenure", "column": "t", "categories": {"own": "Own", "rent": "Rent"}},
    ],
    "questions": [
        {"id": "quality", "column": "q1", "type": "rating", "options": RATING, "positive": ["1", "2"]},
        {"id": "services", "column": "q2", "type": "multi", "at_most": 2, "options": {"a": "A", "b": "B", "c": "C"}},
        {"id": "years", "column": "q3", "type": "numeric", "bounds": [0, 90], "bins": [0, 5, 20, 90]},
        {"id": "recommend", "column": "q4", "type": "nps"},
        {"id": "channel", "column": "q5", "type": "choice", "options": {"x": "X", "y": "Y"}},
    ],
    "indices": [{"id": "safety", "items": ["quality"]}],
}  # fmt: skip
POLICY = {
    "population": "riverbend-adults",
    "unit": {"protects": "response"},
    "delta": 1e-6,
    "caps": {name: {"epsilon": 10} for name in ("release", "wave", "year", "lifetime")},
    "spend": {"epsilon": 2, "noise": "auto"},
    "precision": {"publish_margin_points": 10, "min_expected_base": 40},
    "prior": {"interaction": 3},
}


def riverbend(**changes: object) -> Survey:
    return Survey.model_validate(SURVEY | changes)


def policy(**changes: object) -> Policy:
    return Policy.model_validate(POLICY | changes)


def by_id(survey: Survey) -> dict[str, Attribute]:
    return {attribute.id: attribute for attribute in attributes_of(survey)}


def simulate(attributes: Mapping[str, Attribute], people: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Attribute id → (people, cells) units. Answers differ by the first demographic; `__mean` agrees with its bins."""
    lean = rng.integers(0, 3, people)
    found: dict[str, np.ndarray] = {}
    for name, attribute in attributes.items():
        size = attribute.size
        units = np.zeros((people, size), dtype=np.int64)
        substantive = len(attribute.roles(CellRole.SUBSTANTIVE))
        if attribute.origin == "numeric_mean":
            bins = found[name.removesuffix("__mean")]
            with_number = bins[:, : bins.shape[1] - (size - 2)].sum(axis=1) > 0
            score = rng.integers(0, MICRO + 1, people)
            units[:, 0] = np.where(with_number, score, 0)
            units[:, 1] = np.where(with_number, MICRO - score, 0)
            units[:, 2:] = bins[:, bins.shape[1] - (size - 2) :] * MICRO
        elif attribute.kind == "score":
            score = np.where(rng.random(people) < 0.1, -1, rng.integers(0, MICRO + 1, people))
            units[:, 0], units[:, 1] = np.maximum(score, 0), np.where(score < 0, 0, MICRO - score)
            units[:, 2] = (score < 0) * MICRO
        elif attribute.kind == "multi":
            specials = size - substantive
            special = rng.random(people) < 0.3
            units[special, substantive + rng.integers(0, specials, people)[special]] = 1
            for row in np.flatnonzero(~special):
                ticks = rng.integers(1, attribute.at_most + 1)
                units[row, rng.choice(substantive, size=ticks, replace=False)] = 1
        else:
            weights = np.array(
                [rng.dirichlet(np.r_[np.full(substantive, 3.0), np.full(size - substantive, 0.4)]) for _ in range(3)]
            )
            cell = (weights[lean].cumsum(axis=1) < rng.random(people)[:, None]).sum(axis=1).clip(0, size - 1)
            units[np.arange(people), cell] = 1
        found[name] = units
    return found


def exact_table(rows: Mapping[str, np.ndarray], table: tuple[str, ...]) -> np.ndarray:
    letters = "abc"[: len(table)]
    spec = ",".join(f"n{x}" for x in letters) + "->" + letters
    return np.einsum(spec, *(rows[name] for name in table)).astype(np.int64)


def kind_of(attributes: Mapping[str, Attribute], table: tuple[str, ...]) -> TableKind:
    heads = [attributes[name] for name in table if not attributes[name].is_group]
    if not heads:
        return "demographic" if len(table) == 1 else "demographic_pair"
    index = any(head.origin == "index" for head in heads)
    return ("index" if index else "topline") if len(table) == 1 else ("index_crosstab" if index else "crosstab")


FORECAST = MarginForecast(low_points=1, high_points=2, sampling_points=1, noise_points=1, base=100)


def plan_of(
    attributes: Mapping[str, Attribute],
    measured: Mapping[tuple[str, ...], float],
    published: Iterable[tuple[str, ...]],
) -> Plan:
    """`measured`: noise standard deviation of each table, in respondents."""
    order = list(attributes)
    tables = []
    for table, sd in measured.items():
        assert list(table) == sorted(table, key=order.index)
        unit = int(np.prod([attributes[name].unit for name in table]))
        tables.append(
            MeasuredTable(
                attributes=table, shape=tuple(attributes[name].size for name in table), unit=unit, l1=unit, l2_squared=unit**2,
                mechanism="discrete_gaussian", scale=sd * unit, charge_nano_rho=1, charge_nano_pure_epsilon=None,
            )
        )  # fmt: skip
    shown = [
        PublishedTable(
            attributes=table, kind=kind_of(attributes, table), priority=False, measured=table in measured,
            informative=table in measured, share_of_loss=0.0, forecast=FORECAST,
        )
        for table in published
    ]  # fmt: skip
    return Plan(
        survey="riverbend", wave="2026", year=2026, population="riverbend-adults", unit="response", shared_keys=False, delta=1e-6,
        noise="gaussian", noise_reason="", spend_nano_rho=1, charge_nano_rho=1, charge_nano_pure_epsilon=None, epsilon=1.0,
        interaction=3.0, measured=tuple(tables), published=tuple(shown), survey_digest="0" * 64, policy_digest="1" * 64,
    )  # fmt: skip


CHARGE = Charge(
    release_id="r", population="p", year=2026, survey="s", wave="1", plan_digest="2" * 64, survey_digest="0" * 64,
    policy_digest="1" * 64, snapshot_id="x", attempt=1, charge_nano_rho=1, charge_nano_pure_epsilon=None,
    mechanism="discrete_gaussian", measured_tables=1, delta=1e-6,
)  # fmt: skip


def released(plan: Plan, tables: Mapping[str, np.ndarray], rng: np.random.Generator) -> Released[Measurements]:
    """Tables with rounded normal noise of the plan's scale."""

    def draw(mechanism: str, scale: float, cells: list[int]) -> list[int]:
        return [int(c + e) for c, e in zip(cells, np.rint(rng.normal(scale=scale, size=len(cells))), strict=True)]

    return measure(plan, Exact(tables), CHARGE, draw)


def estimated(
    attributes: Mapping[str, Attribute],
    rows: Mapping[str, np.ndarray],
    measured: Mapping[tuple[str, ...], float],
    published: Iterable[tuple[str, ...]],
    rng: np.random.Generator,
) -> tuple[Plan, Estimates]:
    plan = plan_of(attributes, measured, published)
    exact = {table.id: exact_table(rows, table.attributes) for table in plan.measured}
    return plan, estimate(plan, attributes, released(plan, exact, rng), None)

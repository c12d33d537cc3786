"""A synthetic release for tests of the outlet: invented survey, invented respondents, real noise, naive estimates.

The estimates here are plain normalised noisy counts, not those of privacy.estimate: the outlet must publish whatever
it is given. Size is free, so that the largest surveys can be timed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipelines.outlet.context import ReleaseContext, spent_summary
from privacy.estimate import Estimates, TableEstimate, estimate
from privacy.group_prior import group_prior
from privacy.measure import Exact, Measurements, Released, measure
from privacy.mechanisms import privacy_map
from privacy.plan import make_plan
from privacy.sensitivity import table_sensitivity, table_unit
from privacy.summary import summarise
from schemas.attributes import MICRO, Attribute, CellRole, attributes_of
from schemas.canonical import digest
from schemas.card import ApprovalOnCard
from schemas.ledger import Charge, Event, EventKind, Head
from schemas.nets import with_nets
from schemas.plan import MarginForecast, MeasuredTable, Plan, PublishedTable, nano, table_id
from schemas.policy import Policy
from schemas.released import SummaryRow
from schemas.survey import Survey

MARKUP = 'Trust in <b>the</b> "council" & <script>alert(1)</script>'
_ITEMS = (
    "Overall quality of life", "As a place to raise children", "As a place to retire", "Overall appearance", "Sense of community",
    "Feeling of safety in your neighbourhood by day", "Feeling of safety in your neighbourhood after dark", "Safety in the town centre",
    "Street repair", "Street cleaning", "Snow removal", "Bus services", "Ease of travel by bicycle", "Public parking",
    "Drinking water", "Waste collection", "Recycling", "Public library services", "City parks", "Recreation centres",
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """Everything `publish` takes."""

    context: ReleaseContext
    released: Released[Measurements]
    estimates: Estimates
    summary: list[SummaryRow]
    sign: Callable[[bytes], str]


def _translated(texts: dict[str, str], languages: tuple[str, ...]) -> dict[str, str]:
    """The text in further languages: itself, marked."""
    first = next(iter(texts.values()))
    return texts | {tag: f"{tag}: {first}" for tag in languages if tag not in texts}


def sample_survey(ratings: int = 14, language: str = "en", languages: tuple[str, ...] = ()) -> Survey:
    scale = {
        "1": "Excellent",
        "2": "Good",
        "3": "Fair",
        "4": "Poor",
        "5": {"label": "Don't know", "role": "no_opinion"},
    }
    questions: list[dict[str, object]] = [
        {
            "id": f"item_{i}",
            "column": f"Q{i}",
            "type": "rating",
            "text": _translated(
                {language: _ITEMS[i % len(_ITEMS)] + ("" if i < len(_ITEMS) else f", part {i // len(_ITEMS) + 1}")},
                languages,
            ),
            "options": scale,
            "positive": ["1", "2"],
        }
        for i in range(ratings)
    ]
    questions[-1]["text"] = {language: MARKUP}
    questions += [
        {"id": "main_concern", "column": "C1", "type": "choice", "text": "Most important issue for the next two years",
         "base": "everybody who lives here all year",
         "options": {"a": "Housing costs", "b": "Traffic", "c": "Jobs", "d": "Crime", "e": {"label": "Not sure", "role": "no_opinion"}}},
        {"id": "services_used", "column": "M1", "type": "multi", "at_most": 3, "text": "Services used in the last twelve months",
         "options": {"lib": "Library", "park": "Parks", "bus": "Bus", "rec": "Recreation centre", "perm": "Building permits"}},
        {"id": "years_here", "column": "Y1", "type": "numeric", "bounds": [0, 90], "bins": [0, 2, 5, 10, 20, 90], "unit": "years",
         "text": "Years lived here"},
        {"id": "recommend", "column": "N1", "type": "nps", "text": "How likely are you to recommend living here?"},
    ]  # fmt: skip
    return Survey.model_validate(
        {
            "survey": "riverbend-sample",
            "title": _translated({language: "Riverbend Community Survey"}, languages),
            "population": "riverbend-adults",
            "wave": {"id": "2026", "year": 2026},
            "expected": {"responses": 1500, "invited": 6000},
            "residents": {"key": ["Email"], "normalise": "email"},
            "sources": [{"id": "web", "format": "delimited"}],
            "demographics": [
                {"id": "age", "column": "D1", "label": "Age", "categories": {"1": "18 to 34", "2": "35 to 54", "3": "55 and over"},
                 "targets": {"1": 0.31, "2": 0.36, "3": 0.33}},
                {"id": "district", "column": "D2", "label": "District",
                 "categories": {"N": "North", "S": "South", "E": "East", "W": "West"}},
                {"id": "tenure", "column": "D3", "label": "Housing", "categories": {"own": "Owns", "rent": "Rents"}},
                {"id": "gender", "column": "D4", "label": "Gender", "categories": {"f": "Woman", "m": "Man", "x": "Another term"}},
                {"id": "children", "column": "D5", "label": "Children at home", "categories": {"y": "Yes", "n": "No"}},
            ],
            "questions": questions,
            "indices": [
                {"id": "quality", "label": "Quality of the community", "items": [f"item_{i}" for i in range(min(5, ratings))]},
                *([{"id": "safety", "label": "Safety", "items": ["item_5", "item_6", "item_7"]}] if ratings > 8 else []),
            ],
        }
    )  # fmt: skip


def sample_policy(needed: int = 0) -> Policy:
    officers = ["ed25519:" + "ab" * 32] if needed else []
    return Policy.model_validate(
        {
            "population": "riverbend-adults",
            "unit": {"protects": "resident"},
            "delta": 1e-6,
            "caps": {s: {"epsilon": e} for s, e in (("release", 40), ("wave", 40), ("year", 60), ("lifetime", 100))},
            "spend": {"epsilon": 2, "noise": "auto"},
            "precision": {"publish_margin_points": 10, "min_expected_base": 40},
            "prior": {"interaction": 3},
            "approvals": {"needed": needed, "officers": officers},
            "retention": {"close_wave_days": 30, "destroy_zone_days": 365},
        }
    )


def sample_plan(attributes: tuple[Attribute, ...], noise: str, sd: float) -> Plan:
    mechanism = "discrete_gaussian" if noise == "gaussian" else "discrete_laplace"
    groups = [a for a in attributes if a.is_group]
    subjects = [a for a in attributes if not a.is_group]
    wanted = [((a,), _kind(a)) for a in attributes]
    wanted += [((g, s), "index_crosstab" if s.origin == "index" else "crosstab") for s in subjects for g in groups]
    measured: list[MeasuredTable] = []
    for axes, kind in wanted:
        if kind == "crosstab" and axes[0].id in ("gender", "children"):
            continue
        bound = table_sensitivity(axes, shared_keys=False)
        scale = sd * table_unit(axes) * (1 if noise == "gaussian" else 1 / sqrt(2))
        rho, pure = privacy_map(mechanism, scale, bound.l1, bound.l2_squared)  # type: ignore[arg-type]
        measured.append(
            MeasuredTable(
                attributes=tuple(a.id for a in axes), shape=tuple(a.size for a in axes), unit=table_unit(axes), l1=bound.l1,
                l2_squared=bound.l2_squared, mechanism=mechanism, scale=scale, charge_nano_rho=nano(rho),
                charge_nano_pure_epsilon=None if pure is None else nano(pure),
            )
        )  # fmt: skip
    ids = {t.id for t in measured}
    none = MarginForecast(low_points=1, high_points=2, sampling_points=1, noise_points=1, base=100)
    published = tuple(
        PublishedTable(
            attributes=tuple(a.id for a in axes), kind=kind, priority=False, measured=table_id(tuple(a.id for a in axes)) in ids,
            informative=table_id(tuple(a.id for a in axes)) in ids, share_of_loss=0.0, forecast=none,
        )
        for axes, kind in wanted
    )  # fmt: skip
    pures = [t.charge_nano_pure_epsilon for t in measured]
    total = sum(t.charge_nano_rho for t in measured)
    return Plan(
        survey="riverbend-sample", wave="2026", year=2026, population="riverbend-adults", unit="resident", shared_keys=False,
        delta=1e-6, noise=noise, noise_reason=f"{noise.title()} noise has the smaller expected error at the policy's epsilon",
        spend_nano_rho=total, charge_nano_rho=total, charge_nano_pure_epsilon=None if None in pures else sum(p or 0 for p in pures),
        epsilon=None, interaction=3.0, measured=tuple(measured), published=published, survey_digest="1" * 64, policy_digest="2" * 64,
    )  # fmt: skip


def _kind(attribute: Attribute) -> str:
    return {"demographic": "demographic", "verified": "demographic", "index": "index"}.get(attribute.origin, "topline")


def _answers(attributes: tuple[Attribute, ...], people: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Attribute id → (people × cells) integer units."""
    found: dict[str, np.ndarray] = {}
    district = None
    for number, a in enumerate(attributes):
        body = np.linspace(1.2, 0.4, a.size) + rng.uniform(0, 0.9, a.size)
        body[[i for i, c in enumerate(a.cells) if c.code.startswith("_")]] *= 0.08
        weights = np.tile(body / body.sum(), (people, 1))
        if not a.is_group and district is not None and number % 3 == 0:
            weights[district == 0, 0] *= 3
            weights /= weights.sum(axis=1, keepdims=True)
        picked = (weights.cumsum(axis=1) > rng.uniform(size=(people, 1))).argmax(axis=1)
        cells = np.zeros((people, a.size), dtype=np.int64)
        cells[np.arange(people), picked] = 1
        if a.kind == "score":
            high = (rng.beta(4, 3, people) * MICRO).astype(np.int64)
            cells = np.zeros((people, a.size), dtype=np.int64)
            cells[:, 0], cells[:, 1] = high, MICRO - high
        if a.kind == "multi":
            second = (picked + 1) % 5
            cells[np.arange(people)[picked < 5], second[picked < 5]] = 1
        if a.id == "district":
            district = picked
        found[a.id] = cells
    return found


_LETTERS = {1: ["pi->i"], 2: ["pi,pj->ij"], 3: ["pi,pj,pk->ijk"]}


def make_sample(
    *,
    ratings: int = 14,
    people: int = 1480,
    noise: str = "gaussian",
    sd: float = 9.0,
    needed: int = 0,
    language: str = "en",
    languages: tuple[str, ...] = (),
    seed: int = 7,
    planned: bool = False,
) -> Sample:
    """`planned`: with the real plan, estimates and summary instead of the naive ones (then `noise` and `sd` say nothing)."""
    survey, policy = sample_survey(ratings, language, languages), sample_policy(needed)
    attributes = attributes_of(survey)
    plan = (
        make_plan(survey, policy, survey_digest="1" * 64, policy_digest="2" * 64)
        if planned
        else sample_plan(attributes, noise, sd)
    )
    answers = _answers(attributes, people, np.random.default_rng(seed))
    attributes = with_nets(survey, attributes)
    answers |= {a.id: (answers[a.of] @ np.array(a.weights))[:, None] for a in attributes if a.of is not None}
    exact = {
        t.id: np.einsum(*_LETTERS[len(t.attributes)], *(answers[a] for a in t.attributes)).astype(np.int64)
        for t in plan.measured
    }
    charge = Charge(
        release_id=digest({"sample": ratings})[:32], population=plan.population, year=2026, survey=plan.survey, wave="2026",
        plan_digest=digest(plan), survey_digest="1" * 64, policy_digest="2" * 64, snapshot_id="snapshot", attempt=1,
        charge_nano_rho=plan.charge_nano_rho, charge_nano_pure_epsilon=plan.charge_nano_pure_epsilon,
        mechanism="discrete_gaussian" if plan.noise == "gaussian" else "discrete_laplace", measured_tables=len(plan.measured),
        delta=1e-6, approval_seqs=(4,) if needed else (),
    )  # fmt: skip
    charged = Event(
        seq=5, prev_hash="0" * 64, kind=EventKind.CHARGED, time="2026-11-03T09:30:00Z", body=charge.model_dump(mode="json"),
        hash="3" * 64, signature="00",
    )  # fmt: skip
    key = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    context = ReleaseContext(
        survey=survey, policy=policy, plan=plan, attributes=attributes, charged=charged,
        sealed=Head(ledger_id="ledger-1", seq=6, hash="4" * 64), ledger_id="ledger-1", ledger_public_key=public,
        spent=spent_summary([charged], charge, policy),
        approvals=(ApprovalOnCard(officer="ab" * 32, time="2026-11-02T00:00:00Z"),) if needed else (),
        isolation=("no network", "clean environment"),
    )  # fmt: skip
    released = measure(plan, Exact(exact), charge)
    by_id = {a.id: a for a in attributes}
    if planned:
        estimates = estimate(plan, by_id, released, group_prior(survey, plan))
        summary = summarise(survey, policy, plan, by_id, estimates)
    else:
        estimates = _estimates(plan, by_id, released, people)
        summary = _summary(survey, by_id, estimates)
    return Sample(context, released, estimates, summary, lambda content: key.sign(content).hex())


def _estimates(
    plan: Plan, attributes: dict[str, Attribute], released: Released[Measurements], people: int
) -> Estimates:
    measured = {t.id: t for t in plan.measured}
    total = float(
        next(
            np.maximum(released.value.tables[t.id], 0).sum() / t.unit for t in plan.measured if t.attributes == ("age",)
        )
    )
    tables: dict[str, TableEstimate] = {}
    for p in plan.published:
        axes = [attributes[a] for a in p.attributes]
        if p.id in measured:
            counts = np.maximum(released.value.tables[p.id] / measured[p.id].unit, 0.0)
            variance = np.full(counts.shape, measured[p.id].noise_sd ** 2)
        else:
            ones = [tables[a].counts for a in p.attributes]
            counts = np.multiply.outer(*ones) / max(total, 1.0)
            variance = np.full(counts.shape, 4.0)
        if all(a.kind != "multi" for a in axes):
            counts = counts * total / max(counts.sum(), 1.0)
        tables[p.id] = TableEstimate(
            attributes=p.attributes,
            kind=p.kind,
            counts=counts,
            noise_variance=variance,
            measured=p.measured,
            informative=p.informative,
        )
    return Estimates(total=total, total_variance=81.0, tables=tables)


def _row(
    subject: str, statistic: str, unit: str, value: float, base: float, spread: float, **more: object
) -> SummaryRow:
    sampling = spread / sqrt(max(base, 1.0))
    noise = spread * 18 / max(base, 1.0)
    moe = sqrt(sampling**2 + noise**2)
    limit = 10 if unit in ("percent", "points") else 0.5
    reason = "base" if base < 40 else "margin" if moe > limit else ""
    low, high = value - moe, value + moe
    if unit == "percent":
        low, high = max(low, 0.0), min(high, 100.0)
    row = SummaryRow(
        subject=subject, statistic=statistic, option=None, group_attribute=None, group=None, unit=unit, value=value, low=low, high=high,
        moe=moe, sampling_moe=sampling, noise_moe=noise, bias_moe=0.0, base=base, weighted=False, model_based=False,
        publishable=reason == "", reason=reason,
    )  # fmt: skip
    return replace(row, **more)  # type: ignore[arg-type]


def _statistics(a: Attribute, counts: np.ndarray, total: float, **group: object) -> list[SummaryRow]:
    inside = a.roles(CellRole.SUBSTANTIVE)
    base = float(counts[list(inside)].sum()) if a.kind != "multi" else total
    share = counts / max(base, 1.0)
    if a.kind == "score":
        return [_row(a.id, "index" if a.origin == "index" else "mean", "score" if a.origin != "index" else "percent",
                     float(a.low + (a.high - a.low) * share[0]) * (100 if a.origin == "index" else 1), base, 98 if a.origin == "index" else 5, **group)]  # fmt: skip
    rows = [
        _row(a.id, "pct", "percent", min(100.0, 100 * float(share[i])), base, 98, option=a.cells[i].code, **group)
        for i in inside
    ]
    if a.positive:
        good = sum(float(share[a.index_of(code)]) for code in a.positive)
        rows.append(_row(a.id, "pct_positive", "percent", 100 * good, base, 98, **group))
        scores = np.array([a.cells[i].score or 0.0 for i in inside])
        rows.append(_row(a.id, "mean", "score", float((scores * share[list(inside)]).sum()), base, 1.8, **group))
        if not group:
            rows.append(_row(a.id, "pct_positive", "percent", min(100.0, 100 * good + 1.7), base, 110, weighted=True))
    if outside := a.roles(CellRole.NO_OPINION):
        rows.append(
            _row(
                a.id,
                "pct_no_opinion",
                "percent",
                100 * float(counts[list(outside)].sum()) / max(total, 1.0),
                total,
                98,
                **group,
            )
        )
    if a.id == "recommend":
        net = 100 * float(share[9:11].sum() - share[0:7].sum())
        rows.append(_row(a.id, "nps", "points", net, base, 150, **group))
    return rows


def _summary(survey: Survey, attributes: dict[str, Attribute], estimates: Estimates) -> list[SummaryRow]:
    rows: list[SummaryRow] = []
    for table in estimates.tables.values():
        subject = attributes[table.attributes[-1]]
        if len(table.attributes) == 1:
            rows += _statistics(subject, table.counts, estimates.total)
            continue
        group = attributes[table.attributes[0]]
        for i, cell in enumerate(group.cells):
            if cell.role is not CellRole.SUBSTANTIVE:
                continue
            found = _statistics(
                subject,
                table.counts[i],
                float(estimates.tables[group.id].counts[i]),
                group_attribute=group.id,
                group=cell.code,
            )
            if not table.informative:
                found = [replace(r, publishable=False, reason="no_information", model_based=True) for r in found]
            rows += found
    return rows

"""Declarations of any size for the planner's tests."""

from typing import Any

from privacy.plan import make_plan
from schemas.plan import Plan
from schemas.policy import Policy
from schemas.survey import Survey

ZERO = "0" * 64


def small_survey(
    *,
    questions: int = 6,
    groups: tuple[int, ...] = (3, 2),
    indices: int = 1,
    responses: int = 600,
    extra: tuple[dict[str, Any], ...] = (),
    verified: bool = False,
    household: int = 0,
    targets: dict[str, float] | None = None,
) -> Survey:
    """`q0 …` ratings of four points and don't know, `g0 …` demographics, `x0 …` indices over all questions."""
    options = {"1": "Good", "2": "Fair", "3": "Poor", "4": "Bad", "5": {"label": "Don't know", "role": "no_opinion"}}
    rating = {"type": "rating", "options": options, "positive": ["1", "2"]}
    demographics: list[dict[str, Any]] = [
        {"id": f"g{i}", "column": f"G{i}", "categories": {str(c): f"Group {c}" for c in range(size)}}
        for i, size in enumerate(groups)
    ]
    if targets is not None:
        demographics[0]["targets"] = targets
    residents: dict[str, Any] = {"key": ["Email"]}
    if verified:
        residents["verified_by"] = {"format": "generic", "match": "Email"}
    if household:
        residents["household"] = {"key": ["Address"], "at_most": household}
    return Survey.model_validate(
        {
            "survey": "sample",
            "title": "Sample",
            "population": "adults",
            "wave": {"id": "1", "year": 2026},
            "expected": {"responses": responses},
            "residents": residents,
            "sources": [{"id": "web", "format": "delimited"}],
            "demographics": demographics,
            "questions": [*({"id": f"q{i}", "column": f"Q{i}", **rating} for i in range(questions)), *extra],
            "indices": [{"id": f"x{i}", "items": [f"q{j}" for j in range(questions)]} for i in range(indices)],
        }
    )


MULTI = {"id": "used", "type": "multi", "column": "U", "at_most": 3, "options": {c: c for c in "abcde"}}
NUMERIC = {"id": "years", "type": "numeric", "column": "Y", "bounds": [0, 90], "bins": [0, 5, 20, 90]}
RANKING = {"id": "first", "type": "ranking", "columns": ["F1", "F2"], "options": {c: c for c in "abcde"}}
NPS = {"id": "recommend", "type": "nps", "column": "R"}


def small_policy(
    *,
    spend: dict[str, Any] | None = None,
    noise: str = "gaussian",
    cap: dict[str, Any] | None = None,
    workload: dict[str, Any] | None = None,
    shared_keys: bool = False,
    protects: str = "resident",
    interaction: float = 3.0,
    delta: float = 1e-6,
    least_base: int = 40,
) -> Policy:
    """Spends ε = 3 unless told; caps are wide unless told."""
    cap = {"rho": 1e6} if cap is None else cap
    return Policy.model_validate(
        {
            "population": "adults",
            "unit": {"protects": protects, "shared_keys": shared_keys},
            "delta": delta,
            "caps": dict.fromkeys(("release", "wave", "year", "lifetime"), cap),
            "spend": {**({"epsilon": 3} if spend is None else spend), "noise": noise},
            "workload": workload or {},
            "precision": {"publish_margin_points": 10, "min_expected_base": least_base},
            "prior": {"interaction": interaction},
        }
    )


def plan_of(survey: Survey, policy: Policy) -> Plan:
    """The plan, with digests that stand for the declarations'."""
    return make_plan(survey, policy, survey_digest=ZERO, policy_digest=ZERO)

"""Policies and declarations that only tests write: noise so small that it rounds to nothing."""

import json
from pathlib import Path
from typing import Any

from tests.real.oracle import read_declaration
from tests.real.surveys import RealSurvey

VANISHING_RHO = 1_000_000


def vanishing_policy(survey: RealSurvey, workload: dict[str, Any]) -> dict[str, Any]:
    """ρ = 10⁶: no meaning as privacy, every use as a check of arithmetic. No officer is asked."""
    declaration = read_declaration(survey.folder)
    keyless = declaration["residents"]["key"] == "none"
    return {
        "population": declaration["population"],
        "unit": {"protects": "response" if keyless else "resident"},
        "delta": 1.0e-6,
        "caps": {scope: {"rho": VANISHING_RHO} for scope in ("release", "wave", "year", "lifetime")},
        "spend": {"rho": VANISHING_RHO, "noise": "gaussian"},
        "workload": workload,
        "precision": {"publish_margin_points": 100, "min_expected_base": 0},
        "prior": {"interaction": 1000},
    }


def write_declarations(folder: Path, declaration: dict[str, Any], policy: dict[str, Any]) -> Path:
    """survey.yaml and policy.yaml of a test, in a new folder; JSON is YAML."""
    folder.mkdir(parents=True)
    for name, content in (("survey.yaml", declaration), ("policy.yaml", policy)):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    return folder

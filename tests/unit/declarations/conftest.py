from collections.abc import Callable
from pathlib import Path

import pytest

SURVEY = """\
survey: testville
title: {en: Testville survey}
population: testville-adults
wave: {id: 2026, year: 2026}
expected: {responses: 3000}
residents:
  key: [Email]
  normalise: email
sources:
  - {id: web, format: delimited}
missing: {"": not_answered, -99: not_asked}
demographics:
  - {id: district, column: District, categories: {N: North, S: South}, targets: {N: 0.5, S: 0.5}}
  - {id: age, column: Age, categories: {1: 18 to 44, 2: 45 and over}}
questions:
  - id: quality
    column: Q1
    type: rating
    options: {1: Good, 2: Poor, 3: {label: Don't know, role: no_opinion}}
    positive: [1]
  - {id: years, column: Q2, type: numeric, bounds: [0, 90], bins: [0, 5, 90]}
indices:
  - {id: living, items: [quality]}
"""

POLICY = """\
population: testville-adults
unit: {protects: resident}
delta: 1.0e-6
caps: {release: {epsilon: 2}, wave: {epsilon: 2}, year: {epsilon: 4}, lifetime: {epsilon: 10}}
spend: {epsilon: 2, noise: gaussian}
workload:
  toplines: all
  crosstabs: {priority: [[quality, district]]}
precision: {publish_margin_points: 10, min_expected_base: 40}
prior: {interaction: 3}
"""

Declare = Callable[..., Path]


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    """Writes a valid pair of declarations, with some text of either replaced. Returns: their folder."""

    def write(survey: dict[str, str] | None = None, policy: dict[str, str] | None = None) -> Path:
        for name, text, changes in (("survey.yaml", SURVEY, survey), ("policy.yaml", POLICY, policy)):
            written = text
            for old, new in (changes or {}).items():
                assert old in written
                written = written.replace(old, new)
            (tmp_path / name).write_text(written)
        return tmp_path

    return write

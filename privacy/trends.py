"""How figures changed since earlier waves, from what was released of them: their ids, wordings and codes may differ.

Where both waves define a statistic alike, the released figure of then is used. Where codes are mapped so that they do
not (options merged, another set of favourable ones), the figure of then is made again from its released estimates by
today's definition; it has no weighted form.

Claim: docs/claims/comparisons.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import erfc, inf, sqrt

import numpy as np

from privacy.compared import Kind, Part, combined
from privacy.components import Floats
from privacy.intervals import Z95, CellNoise, figure_errors, interval, reasons
from privacy.statistics import Figure, FigureSet
from schemas.attributes import Attribute, CellRole
from schemas.card import CardAttribute, CardCell
from schemas.questions import ChoiceQuestion, MultiQuestion, RatingQuestion, ThemesQuestion
from schemas.released import SummaryRow
from schemas.survey import EarlierWave, Survey

CHANGE = "_change"
"""Ending of the statistic: the figure less the one of the earlier wave."""
FALSE_DISCOVERIES = 0.05
"""Expected share of changes that are none among those published as significant."""
_CODED = ("pct", "pct_positive", "mean")
_TICKED = ("pct",)
_WHOLE = ("mean", "nps", "index")
_SPECIAL = (CellRole.NONE, CellRole.NOT_ANSWERED, CellRole.NOT_ASKED, CellRole.INVALID)


@dataclass(frozen=True)
class EarlierTopline:
    """What an earlier release says of a question for everybody.

    `counts`: of the attribute's cells, in respondents, each with noise variance `cell_variance`; the total's is
    `total_variance`. `figures`: rows of its summary by statistic, option and weighting.
    """

    release_id: str
    attribute: CardAttribute
    counts: Floats
    cell_variance: float
    total_variance: float
    measured: bool
    figures: Mapping[tuple[str, str | None, bool], SummaryRow]


def unmapped(declared: EarlierWave, then: CardAttribute, now: Attribute) -> list[str]:
    """Substantive codes of the earlier wave that have no counterpart today: the base would not be the same."""
    known = {cell.code for cell in now.cells}
    return [c.code for c in _options(then) if c.role is CellRole.SUBSTANTIVE and _today(declared, c.code) not in known]


def trend_rows(
    survey: Survey,
    attributes: Mapping[str, Attribute],
    rows: Sequence[SummaryRow],
    earlier: Mapping[tuple[str, str], EarlierTopline],
    margin_points: float,
    least_base: float,
) -> list[SummaryRow]:
    """One row for each figure for everybody and each declared earlier wave that has its counterpart.

    `earlier`: by question or index of today, and wave. Significant are as many changes as keep the false discoveries at
    5 % by the rule of Benjamini and Hochberg (1995), among weighted and among unweighted ones.
    """
    questions = {question.id: question for question in survey.questions}
    found: list[SummaryRow] = []
    for row in rows:
        if row.group is not None or row.subject not in survey.trends:
            continue
        question, now = questions.get(row.subject), attributes[row.subject]
        for wave, declared in survey.trends[row.subject].items():
            then = earlier[row.subject, wave]
            if isinstance(question, RatingQuestion | ChoiceQuestion):
                before = _coded(row, now, declared, then, least_base)
            elif isinstance(question, MultiQuestion | ThemesQuestion):
                before = _ticked(row, declared, then)
            else:
                before = then.figures.get((row.statistic, None, row.weighted)) if row.statistic in _WHOLE else None
            if before is None:
                continue
            change = None if row.value is None or before.value is None else row.value - before.value
            kind = _kind(row, attributes)
            found.append(combined(kind, change, [Part(row, 1.0), Part(before, -1.0)], margin_points, wave))
    for weighted in (False, True):
        family = [i for i, row in enumerate(found) if row.weighted is weighted and row.publishable]
        marks = discoveries([_p_value(found[i]) for i in family])
        for position, mark in zip(family, marks, strict=True):
            found[position] = replace(found[position], significant=mark)
    return found


def _kind(row: SummaryRow, attributes: Mapping[str, Attribute]) -> Kind:
    statistic = f"{row.statistic}{CHANGE}"
    if row.unit != "score":
        width = 200.0 if row.statistic == "nps" else 100.0
        return Kind(statistic, "points", -width, width, same_people=False)
    mean = attributes.get(f"{row.subject}__mean")
    scores = [cell.score for cell in attributes[row.subject].cells if cell.score is not None]
    low, high = (min(scores), max(scores)) if mean is None else (mean.low, mean.high)
    points = 100 / (high - low) if high > low else inf
    return Kind(statistic, "score", low - high, high - low, same_people=False, points=points)


def discoveries(p_values: Sequence[float]) -> list[bool]:
    """Benjamini and Hochberg: the k smallest, k the largest with p_(k) ≤ k/n of the rate.

    >>> discoveries([0.04, 0.001, 0.9])
    [False, True, False]
    """
    count = len(p_values)
    ordered = sorted(p_values)
    passed = [p for k, p in enumerate(ordered, start=1) if p <= FALSE_DISCOVERIES * k / count]
    return [bool(passed) and p <= passed[-1] for p in p_values]


def _p_value(row: SummaryRow) -> float:
    """Two-sided, of no change, with the whole margin as 1.96 standard deviations; so bias makes it larger."""
    if row.value is None or row.moe is None:
        return 1.0
    return erfc(abs(row.value) / (row.moe / Z95) / sqrt(2)) if row.moe > 0 else float(row.value == 0)


def _options(then: CardAttribute) -> list[CardCell]:
    return [cell for cell in then.cells if cell.role not in _SPECIAL]


def _today(declared: EarlierWave, code: str) -> str:
    return declared.codes.get(code, code)


def _ticked(row: SummaryRow, declared: EarlierWave, then: EarlierTopline) -> SummaryRow | None:
    """Of a multi, options are renamed one by one: who ticked two that became one is not known."""
    if row.statistic not in _TICKED:
        return None
    codes = [c.code for c in _options(then.attribute) if _today(declared, c.code) == row.option]
    return then.figures.get((row.statistic, codes[0], row.weighted)) if len(codes) == 1 else None


def _coded(
    row: SummaryRow, now: Attribute, declared: EarlierWave, then: EarlierTopline, least_base: float
) -> SummaryRow | None:
    """The figure of then under today's definition; None where it has none."""
    if row.statistic not in _CODED:
        return None
    today = {cell.code: cell for cell in now.cells}
    pairs = [(cell, today.get(_today(declared, cell.code))) for cell in then.attribute.cells]
    base = [known is not None and known.role is CellRole.SUBSTANTIVE for _, known in pairs]
    same = base == [cell.role is CellRole.SUBSTANTIVE for cell, _ in pairs]
    if row.statistic == "pct":
        values = [100.0 * (known is not None and known.code == row.option) for _, known in pairs]
        codes = [cell.code for (cell, _), value in zip(pairs, values, strict=True) if value]
        if not codes:
            return None
        option = codes[0] if len(codes) == 1 else None
    elif row.statistic == "pct_positive":
        values = [100.0 * (known is not None and known.code in now.positive) for _, known in pairs]
        same = same and {cell.code for (cell, _), v in zip(pairs, values, strict=True) if v} == {
            *then.attribute.positive
        }
        option = None
    else:
        values = [0.0 if known is None or not inside else known.score or 0.0
                  for (_, known), inside in zip(pairs, base, strict=True)]  # fmt: skip
        same = same and all(
            not inside or cell.score == value for (cell, _), value, inside in zip(pairs, values, base, strict=True)
        )
        option = None
    if same and (row.statistic != "pct" or option is not None):
        return then.figures.get((row.statistic, option, row.weighted))
    if row.weighted:
        return None
    return _made_again(row, values, base, then, least_base)


def _made_again(
    row: SummaryRow, values: list[float], base: list[bool], then: EarlierTopline, least_base: float
) -> SummaryRow:
    """A figure of the released estimates, with the errors it would have had in that release."""
    substantive = [value for value, inside in zip(values, base, strict=True) if inside] or [0.0]
    least, most = (0.0, 100.0) if row.unit == "percent" else (min(substantive), max(substantive))
    inside = tuple(float(part) for part in base)
    figures = FigureSet(
        [Figure(row.subject, row.subject, row.statistic, row.option, "percent" if row.unit == "percent" else "score",
                tuple(v * b for v, b in zip(values, inside, strict=True)), inside, least, most)],
        len(values),
    )  # fmt: skip
    size = len(values)
    level = then.total_variance / size**2
    shape = max(then.cell_variance - level, 0.0) / (1 - 1 / size) if size > 1 else 0.0
    errors = figure_errors(figures, then.counts[:, None], CellNoise(level, shape, size), np.zeros(1), 0.0)
    spans = interval(errors, figures)
    reason = str(reasons(errors, spans, figures, then.measured, inf, least_base)[0, 0])
    known = reason != "undefined"

    def number(values: Floats) -> float | None:
        return float(values[0, 0]) if known else None

    return replace(
        row,
        value=number(errors.value),
        low=number(spans.low),
        high=number(spans.high),
        moe=number(spans.moe),
        sampling_moe=number(spans.sampling_moe),
        noise_moe=number(spans.noise_moe),
        bias_moe=number(spans.bias_moe),
        base=float(errors.base[0, 0]),
        model_based=not then.measured,
        publishable=not reason,
        reason=reason,
    )

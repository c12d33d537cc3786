"""How figures changed since earlier waves, from what was released of them: their ids, wordings and codes may differ.

Where both waves define a statistic alike, the released figure of then is used. Where codes are mapped so that they do
not (options merged, another set of favourable ones), the figure of then is made again by today's definition from the
released shares of its options.

Claim: docs/claims/comparisons.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import erfc, hypot, inf, sqrt

import numpy as np

from privacy.compared import CARRIED, Kind, Part, combined
from privacy.intervals import PLUS_FOUR, Z95
from schemas.attributes import Attribute, Cell, CellRole
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

    `figures`: rows of its summary by statistic, option and weighting.
    """

    release_id: str
    attribute: CardAttribute
    figures: Mapping[tuple[str, str | None, bool], SummaryRow]


def unmapped(declared: EarlierWave, then: CardAttribute, now: Attribute) -> list[str]:
    """Codes of the earlier wave that would change the base: answers without a counterpart today, and what was no answer
    then and is one today.
    """
    today = {cell.code: cell.role is CellRole.SUBSTANTIVE for cell in now.cells}
    found: list[str] = []
    for cell in _options(then):
        counterpart = today.get(_today(declared, cell.code))
        was_answer = cell.role is CellRole.SUBSTANTIVE
        if counterpart is None if was_answer else counterpart is True:
            found.append(cell.code)
    return found


def trend_rows(
    survey: Survey,
    attributes: Mapping[str, Attribute],
    rows: Sequence[SummaryRow],
    earlier: Mapping[tuple[str, str], EarlierTopline],
    margin_points: float,
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
                before = _coded(row, now, declared, then)
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


def _coded(row: SummaryRow, now: Attribute, declared: EarlierWave, then: EarlierTopline) -> SummaryRow | None:
    """The figure of then under today's definition; None where it has none."""
    if row.statistic not in _CODED:
        return None
    answers = [cell for cell in then.attribute.cells if cell.role is CellRole.SUBSTANTIVE]
    today = {cell.code: cell for cell in now.cells}
    became = {cell.code: today[_today(declared, cell.code)] for cell in answers}
    inside = {code: cell.role is CellRole.SUBSTANTIVE for code, cell in became.items()}
    values = {code: _value(row, cell, now) for code, cell in became.items()}
    same, option = all(inside.values()), None
    if row.statistic == "pct":
        chosen = [code for code, value in values.items() if value]
        if not chosen:
            return None
        same, option = same and len(chosen) == 1, chosen[0]
    elif row.statistic == "pct_positive":
        same = same and {code for code, value in values.items() if value} == set(then.attribute.positive)
    else:
        same = same and all(cell.score == values[cell.code] for cell in answers)
    if same:
        return then.figures.get((row.statistic, option, row.weighted))
    shares = {code: then.figures.get(("pct", code, row.weighted)) for code, counts in inside.items() if counts}
    known = {code: share for code, share in shares.items() if share is not None}
    return _made_again(row, values, known) if known and len(known) == len(shares) else None


def _value(row: SummaryRow, cell: Cell, now: Attribute) -> float:
    """What an answer is worth in today's statistic."""
    if row.statistic == "pct":
        return 100.0 * (cell.code == row.option)
    return 100.0 * (cell.code in now.positive) if row.statistic == "pct_positive" else cell.score or 0.0


def _made_again(row: SummaryRow, values: Mapping[str, float], shares: Mapping[str, SummaryRow]) -> SummaryRow:
    """The mean of `values` over released shares in per cent. How their errors go together was not released, so noise
    and bias add in full; sampling follows from the shares, times the design effect that theirs have.
    """
    codes = list(shares)
    worth = np.array([values[code] for code in codes])
    pct = np.array([np.nan if (share := shares[code].value) is None else share for code in codes])
    lead = shares[codes[0]]
    whole = float(pct.sum()) / 100
    defined = bool(whole > 0) and lead.base is not None
    base = (lead.base or 0.0) * whole if defined else 0.0
    part = pct / (100 * whole) if defined else np.zeros(len(codes))
    value = float(part @ worth)
    slopes = np.abs(worth - value) / (100 * whole) if defined else np.zeros(len(codes))
    least, most = (0.0, 100.0) if row.unit == "percent" else (float(worth.min()), float(worth.max()))
    spread = float(part @ (worth - value) ** 2)
    sampling = _sampling_moe(spread, value, (least, most), base) * max(_design(shares[code]) for code in codes)
    noise = float(slopes @ [shares[code].noise_moe or 0.0 for code in codes])
    bias = float(slopes @ [shares[code].bias_moe or 0.0 for code in codes])
    moe = min(hypot(sampling, noise) + bias, most - least)
    reason = next((r for r in CARRIED if any(share.reason == r for share in shares.values())), "")
    reason = reason if defined else "undefined"
    known = reason != "undefined"
    return replace(
        row,
        value=value if known else None,
        low=max(value - moe, least) if known else None,
        high=min(value + moe, most) if known else None,
        moe=moe if known else None,
        sampling_moe=sampling if known else None,
        noise_moe=noise if known else None,
        bias_moe=bias if known else None,
        base=base,
        model_based=any(share.model_based for share in shares.values()),
        publishable=not reason,
        reason=reason,
    )


def _sampling_moe(spread: float, value: float, ends: tuple[float, float], base: float) -> float:
    """As in `privacy.intervals.figure_errors`, from the variance of one respondent's value."""
    added = PLUS_FOUR / 2 * sum((end - value) ** 2 for end in ends)
    return Z95 * sqrt((spread * base + added) / (base + PLUS_FOUR) / (base + PLUS_FOUR))


def _design(share: SummaryRow) -> float:
    """How much wider than that of a simple random sample the sampling error of a released share is."""
    if share.value is None or share.base is None or share.sampling_moe is None:
        return 1.0
    plain = _sampling_moe(share.value * (100 - share.value), share.value, (0.0, 100.0), share.base)
    return max(share.sampling_moe / plain, 1.0)

"""What Riverbend's respondents think: a rating is a base level, plus what their group feels, plus who they are.

Group effects are large enough for a report to find: women and the South feel less safe after dark, renters lack
housing, the West lacks buses and sidewalks, low incomes trust the city less. Respondents are older and own more often
than residents do, so weighting moves the figures too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.riverbend.draws import logistic, picks, uniforms

Codes = NDArray[np.str_]

DEMOGRAPHICS: Mapping[str, Mapping[str, float]] = {
    "D1": {"1": 0.17, "2": 0.32, "3": 0.31, "4": 0.20},
    "D2": {"1": 0.56, "2": 0.43, "3": 0.01},
    "D3": {"N": 0.34, "S": 0.18, "E": 0.27, "W": 0.21},
    "D4": {"1": 0.70, "2": 0.30},
    "D5": {"1": 0.17, "2": 0.27, "3": 0.28, "4": 0.20, "9": 0.08},
}
"""Column → code → share among respondents (not among residents)."""

_QUALITY_STEPS = (1.9, -0.4, -2.2)
_SAFETY_STEPS = (1.5, -0.3, -0.9, -2.2)


@dataclass(frozen=True)
class Rating:
    """One rating column: its level, who has no opinion (share), and what moves it by group (column, code → shift)."""

    column: str
    level: float
    no_opinion: float
    shifts: Mapping[tuple[str, str], float]
    steps: tuple[float, ...] = _QUALITY_STEPS


_HOME = {("D3", "N"): 0.4, ("D3", "S"): -0.5, ("D1", "4"): 0.4, ("D5", "1"): -0.3}
_HOUSING = {("D4", "2"): -1.1, ("D5", "1"): -0.7, ("D5", "4"): 0.6, ("D1", "1"): -0.5}
_NIGHT = {("D2", "1"): -0.8, ("D3", "S"): -0.9, ("D3", "N"): 0.4, ("D1", "4"): -0.4}
_DAY = {("D3", "S"): -0.5, ("D2", "1"): -0.2}
_STREETS = {("D3", "W"): -0.7, ("D3", "E"): 0.2}
_BUSES = {("D3", "W"): -1.0, ("D4", "2"): 0.4, ("D1", "1"): -0.3}
_TRUST = {("D5", "1"): -0.6, ("D4", "2"): -0.4, ("D3", "S"): -0.5, ("D1", "4"): 0.3}
_CULTURE = {("D1", "4"): 0.4, ("D3", "W"): -0.3}

RATINGS = (
    Rating("Q1_1", 1.1, 0.01, _HOME),
    Rating("Q1_2", 1.2, 0.01, _HOME),
    Rating("Q1_3", 0.9, 0.12, _HOME),
    Rating("Q1_4", 0.4, 0.15, _HOME),
    Rating("Q1_5", -1.5, 0.07, _HOUSING),
    Rating("Q2_1", 2.1, 0.01, _DAY, _SAFETY_STEPS),
    Rating("Q2_2", 0.8, 0.02, _NIGHT, _SAFETY_STEPS),
    Rating("Q2_3", 0.1, 0.08, _NIGHT, _SAFETY_STEPS),
    Rating("Q3_1", 0.7, 0.10, _TRUST),
    Rating("Q3_2", 2.0, 0.18, {}),
    Rating("Q3_3", 1.3, 0.02, {("D3", "W"): -0.5}),
    Rating("Q3_4", 0.9, 0.03, {("D3", "E"): -0.9}),
    Rating("Q3_5", 0.5, 0.15, {("D1", "4"): -0.8, ("D1", "1"): 0.3}),
    Rating("Q3_6", 1.5, 0.03, _CULTURE),
    Rating("Q3_7", 2.0, 0.12, _CULTURE),
    Rating("Q3_8", 0.9, 0.22, _CULTURE),
    Rating("Q4_1", -0.8, 0.01, _STREETS),
    Rating("Q4_2", 0.5, 0.03, _STREETS),
    Rating("Q4_3", -0.1, 0.20, _STREETS),
    Rating("Q4_4", -0.2, 0.28, _BUSES),
    Rating("Q4_5", -0.6, 0.01, {("D3", "N"): -0.5}),
    Rating("Q5_1", 0.2, 0.08, _TRUST),
    Rating("Q5_2", -0.3, 0.12, _TRUST),
    Rating("Q5_3", 0.1, 0.11, _TRUST),
    Rating("Q5_4", 0.0, 0.06, _TRUST),
)
OTHERS = ("Q6", "Q7", "Q8", "Q9", "Q10")
QUESTIONS = (*(rating.column for rating in RATINGS), *OTHERS)


def answers(count: int) -> dict[str, Codes]:
    """Every demographic and question column of `count` respondents, as codes ("" blank, "-99" seen and skipped)."""
    people = {column: _demographic(column, count) for column in DEMOGRAPHICS}
    mood = 0.7 * logistic("mood", count)
    rated = {rating.column: _rated(rating, people, mood) for rating in RATINGS}
    leaving = _shift(people, {("D4", "2"): 0.8, ("D1", "1"): 0.7, ("D1", "4"): -0.9}) - 0.5 * mood
    return {
        **people,
        **rated,
        "Q6": _services(people, count),
        "Q7": _news(people["D1"]),
        "Q8": np.select([leaving + logistic("Q8", count) > 1.3, uniforms("Q8/unsure", count) < 0.09], ["1", "3"], "2"),
        "Q9": _years(people["D1"], people["D4"]),
        "Q10": np.clip(np.round(7.4 + 1.1 * mood + 1.0 * logistic("Q10", count)), 0, 10).astype(int).astype(str),
    }


def _demographic(column: str, count: int) -> Codes:
    shares = DEMOGRAPHICS[column]
    codes = np.array(list(shares))[picks(column, count, list(shares.values()))]
    return np.where(uniforms(f"{column}/blank", count) < 0.015, "", codes)


def _shift(people: Mapping[str, Codes], shifts: Mapping[tuple[str, str], float]) -> NDArray[np.float64]:
    total = np.zeros(len(people["D1"]))
    for (column, code), shift in shifts.items():
        total += shift * (people[column] == code)
    return total


def _rated(rating: Rating, people: Mapping[str, Codes], mood: NDArray[np.float64]) -> Codes:
    count = len(mood)
    felt = rating.level + _shift(people, rating.shifts) + mood + logistic(rating.column, count)
    worse = sum((felt < step).astype(int) for step in rating.steps)
    codes = (worse + np.ones(count, dtype=int)).astype(str)
    no_opinion = str(len(rating.steps) + 2)
    draw = uniforms(f"{rating.column}/open", count)
    return np.select([draw < 0.008, draw < 0.02, draw < 0.02 + rating.no_opinion], ["", "-99", no_opinion], codes)


def _services(people: Mapping[str, Codes], count: int) -> Codes:
    liked = (0.48, 0.62, 0.22, 0.41, 0.09, 0.17, 0.24, 0.05)
    bus = np.where(people["D4"] == "2", 0.18, 0.0) - np.where(people["D3"] == "W", 0.1, 0.0)
    ticks = [uniforms(f"Q6/{i}", count) < share + (bus if i == 2 else 0.0) for i, share in enumerate(liked)]
    joined = [",".join(str(i + 1) for i, ticked in enumerate(row) if ticked) for row in zip(*ticks, strict=True)]
    return np.array(joined)


def _news(age: Codes) -> Codes:
    by_age = {"1": (0.1, 0.1, 0.55, 0.15, 0.1), "4": (0.42, 0.36, 0.07, 0.11, 0.04)}
    usual = (0.27, 0.22, 0.31, 0.14, 0.06)
    codes = np.full(len(age), "", dtype="<U1")
    for code in np.unique(age):
        drawn = picks(f"Q7/{code}", len(age), by_age.get(str(code), usual))
        codes = np.where(age == code, (drawn + 1).astype(str), codes)
    return codes


def _years(age: Codes, tenure: Codes) -> Codes:
    typical = np.select([age == "1", age == "2", age == "3"], [5.0, 11.0, 19.0], 27.0) * np.where(
        tenure == "2", 0.5, 1.0
    )
    years = np.minimum(np.round(-typical * np.log(uniforms("Q9", len(age)))), 90).astype(int).astype(str)
    draw = uniforms("Q9/open", len(age))
    return np.select([draw < 0.01, draw < 0.013], ["", "1987"], years)

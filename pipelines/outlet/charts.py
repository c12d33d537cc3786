"""Numbers as words and bars: rounding without false precision, and positions on a scale for CSS charts."""

from math import ceil, floor
from typing import NamedTuple

from pipelines.outlet.language import MINUS, N_, general, gettext, number, percent

REASON_WORDS = {
    "margin": N_("margin too wide"),
    "base": N_("too few answers"),
    "belief": N_("rests more on belief than on measurement"),
    "no_information": N_("no information beyond the overall result"),
    "undefined": N_("no answers to base it on"),
}
"""Short words for the codes of `reason`, for a narrow column; the long ones are schemas.released.REASONS."""


def reason_words(reason: str) -> str:
    """Why a figure may not be quoted, in the language spoken; a code of a later version as it is."""
    return gettext(REASON_WORDS[reason]) if reason in REASON_WORDS else reason


UP, DOWN = "▲ ", "▼ "
"""Beginnings of a note that says a direction."""


class Scale(NamedTuple):
    """Ends of a chart's axis, in the unit of its figures."""

    low: float
    high: float


PERCENT = Scale(0.0, 100.0)
POINTS = Scale(-100.0, 100.0)


class Bar(NamedTuple):
    """One row of a chart, ready to print. Positions are per cent of the axis."""

    label: str
    value: str
    margin: str
    at: str
    low: str
    high: str
    note: str
    """Reason or comparison in words; empty where there is nothing to say."""
    grey: bool
    base: str
    anchor: str = ""
    target: str = ""


def _whole(x: float) -> int:
    return floor(x + 0.5)


def value_words(value: float, unit: str, scale: Scale = PERCENT) -> str:
    """A figure as printed: whole per cent and points, one decimal for means (two on a scale of 1 or less).

    >>> value_words(55.6, "percent"), value_words(-12.4, "points"), value_words(2.345, "score", Scale(1, 4))
    ('56%', '−12', '2.3')
    """
    if unit == "percent":
        return percent(_whole(value))
    if unit == "points":
        whole = _whole(value)
        return f"+{whole}" if whole > 0 else number(whole)
    if unit == "respondents":
        return about(value)
    return number(value, _decimals(scale))


def signed_words(value: float, unit: str, scale: Scale = PERCENT) -> str:
    """A difference as printed, always with its sign.

    >>> signed_words(7.2, "percent"), signed_words(-0.31, "score", Scale(1, 4)), signed_words(0.2, "points")
    ('+7', '−0.3', '0')
    """
    words = value_words(value, "score" if unit == "score" else "points", scale)
    return words if words[0] in f"+{MINUS}" or not any(digit in words for digit in "123456789") else f"+{words}"


def margin_words(moe: float, unit: str, scale: Scale = PERCENT) -> str:
    """A margin to the precision of its figure, never printed as 0.

    >>> margin_words(3.4, "percent"), margin_words(0.02, "score", Scale(1, 4))
    ('± 3', '± 0.1')
    """
    if unit in ("percent", "points"):
        return f"± {max(1, _whole(moe))}"
    if unit == "respondents":
        return f"± {number(max(1, ceil(moe)))}"
    decimals = _decimals(scale)
    return f"± {number(max(10**-decimals, moe), decimals)}"


def _decimals(scale: Scale) -> int:
    return 2 if scale.high - scale.low <= 1 else 1


def about(count: float) -> str:
    """A noisy number of people, rounded to what it can bear.

    >>> about(1234.0), about(587.2), about(41.0)
    ('1,230', '590', '40')
    """
    step = 5 if count < 100 else 10 if count < 10_000 else 100
    return number(_whole(max(count, 0.0) / step) * step)


def position(value: float, scale: Scale) -> str:
    """Where a value lies on an axis, in per cent with at most one decimal, held inside the axis."""
    share = 100 * (value - scale.low) / (scale.high - scale.low) if scale.high > scale.low else 0.0
    return f"{min(max(share, 0.0), 100.0):.1f}".removesuffix(".0")


def epsilon_words(epsilon: float | None) -> str:
    """A printed ε, rounded up: a loss is never shown smaller than it is.

    >>> epsilon_words(1.9999999), epsilon_words(None)
    ('2', 'no meaningful ε')
    """
    if epsilon is None:
        return gettext("no meaningful ε")
    decimals = 2 if epsilon < 100 else 0
    return general(ceil(epsilon * 10**decimals - 1e-6) / 10**decimals)

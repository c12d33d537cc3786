"""What a loss means for one resident's secret, as movements of a 50:50 belief."""

from dataclasses import dataclass
from math import ceil, log, sqrt

from privacy.accountant import posterior_odds
from schemas.plan import NANO

_CERTAIN_PCT = 99.9
"""Movements are never printed as more certain than this: beyond it the sentence says 'almost certainty'."""


@dataclass(frozen=True)
class Odds:
    """How far results can move a belief of 50 %, in per cent rounded up to a tenth.

    `took_part_pct`: the belief that somebody took part at all. `answered_pct`: the belief that a known participant
    gave one answer and not another. `failure`: chance over the noise that more is said than that; 0 for pure ε.
    """

    took_part_pct: float
    answered_pct: float
    failure: float


def _pct(epsilon: float) -> float:
    return min(ceil(posterior_odds(0.5, min(epsilon, 700.0)) * 1000 - 1e-9) / 10, 100.0)


def _tail(rho: float, delta: float) -> float:
    return rho + 2 * sqrt(rho * log(1 / delta))


def odds(nano_rho: int, nano_pure_epsilon: int | None, delta: float, *, charged_as_exchange: bool) -> Odds:
    """Movements that a loss allows.

    Pure ε bounds the ratio of likelihoods by e^ε always. ρ-zCDP bounds it by e^(ρ + 2√(ρ ln 1/δ)) but for a chance of
    δ (Bun and Steinke 2016, lemma 3.5): a statement on the odds themselves, which (ε, δ) alone is not, so it is a
    little larger than the ε printed at δ. Another answer instead of one is an exchange: Δ₁ doubles (2ε), Δ₂² doubles
    (2ρ); `charged_as_exchange` (shared keys) says that the loss covers one already.

    >>> odds(0, 1_000_000_000, 1e-6, charged_as_exchange=False).took_part_pct
    73.2
    """
    factor = 1 if charged_as_exchange else 2
    if nano_pure_epsilon is not None:
        epsilon = nano_pure_epsilon / NANO
        return Odds(_pct(epsilon), _pct(factor * epsilon), 0.0)
    rho = nano_rho / NANO
    return Odds(_pct(_tail(rho, delta)), _pct(_tail(factor * rho, delta)), delta)


def percent_words(percent: float) -> str:
    """A movement for a sentence: a whole per cent, rounded up, or words where that would read 100.

    >>> percent_words(88.1), percent_words(99.95)
    ('at most 89 %', 'almost certainty')
    """
    return "almost certainty" if percent > _CERTAIN_PCT else f"at most {min(ceil(percent - 1e-9), 99.9):g} %"

"""Differences marked significant have the wrong sign as rarely as promised, and sure ones are found."""

import numpy as np
import pytest

from privacy.discoveries import FALSE_SIGNS, false_sign_rate, significant


@pytest.mark.parametrize("spread", [0.5, 1.0, 3.0])
def test_wrong_signs_are_as_rare_as_promised(spread: float) -> None:
    rng = np.random.default_rng(1)
    true = rng.normal(scale=spread, size=40_000)
    seen = true + rng.normal(size=len(true))
    kept = spread**2 / (spread**2 + 1)
    rates = [false_sign_rate(kept * value, np.sqrt(kept)) for value in seen.tolist()]
    chosen = np.array(significant(rates))
    wrong = np.mean(np.sign(seen[chosen]) != np.sign(true[chosen])) if chosen.any() else 0.0
    assert wrong < FALSE_SIGNS * 1.15
    if spread == 3.0:
        assert chosen.mean() > 0.6


def test_nothing_is_found_where_nothing_is_known() -> None:
    assert significant([0.5, 0.4, 0.3]) == [False, False, False]
    assert significant([]) == []


def test_a_doubtful_one_may_come_in_by_the_company_it_keeps() -> None:
    assert significant([0.001] * 9 + [0.4]) == [True] * 10

"""Which differences are published as significant: as many as keep the expected share of wrong signs at 5 %.

Each difference has a local false sign rate, the posterior probability that its sign is wrong. The list is the longest
one, surest first, whose mean rate is at most 5 %.

Source: Stephens 2017, "False discovery rates: a new deal", section 2; Müller et al. 2004 (the rule is optimal).
Claim: docs/claims/estimate.md.
"""

from collections.abc import Sequence
from math import erfc, sqrt

import numpy as np

FALSE_SIGNS = 0.05
"""Largest expected share of wrong signs among the differences published as significant."""


def false_sign_rate(mean: float, sd: float) -> float:
    """Probability that a normal quantity has the other sign than its mean.

    >>> round(false_sign_rate(1.0, 1.0), 3), false_sign_rate(0.0, 1.0)
    (0.159, 0.5)
    """
    return erfc(abs(mean) / sd / sqrt(2)) / 2 if sd > 0 else float(mean == 0) / 2


def significant(rates: Sequence[float]) -> list[bool]:
    """Whether each difference is on the list.

    >>> significant([0.001, 0.4, 0.02])
    [True, False, True]
    """
    order = np.argsort(rates, kind="stable")
    means = np.cumsum(np.asarray(rates)[order]) / np.arange(1, len(rates) + 1)
    count = int(np.max(np.flatnonzero(means <= FALSE_SIGNS), initial=-1)) + 1
    chosen = set(order[:count].tolist())
    return [position in chosen for position in range(len(rates))]

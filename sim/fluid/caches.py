"""What the caches of the Ps hold: slots that a P takes of a class, and spans that it begins."""

from __future__ import annotations

from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
QUANTILES: Final = np.array([[NormalDist().inv_cdf((i + 0.5) / 64)] for i in range(64)])
"""Of the normal distribution, a row each. So many that what caches hold is right to some percent
(tests/fluid/test_caches.py); 16 miss by up to 12 %."""
MOST_STRETCHES: Final = 1e6
"""Of a P in a cycle; more scatter as little."""
LEAST_SCATTER: Final = 1e-6
"""Variance in squares of the mean; less is a rounding error."""
NEVER_TAKEN: Final = 1e-6
"""Chance, or slots, that are as good as none: a rounding error."""


def taken_by_holders(per_p: Floats, stretches: float) -> tuple[Floats, Floats]:
    """The chance that a P has taken slots of a class, and how many it has then, at quantiles.

    A P takes `per_p` of each class on average, in so many stretches that are independent of each
    other, and in each of these a class comes by chance: a compound Poisson number. With n stretches
    of s slots each it is none with probability exp(-n (1 - exp(-s))), and
    E[X^2] = E[X]^2 (1 + 1 / (n s) + 1 / n).
    """
    many = min(max(stretches, NEVER_TAKEN), MOST_STRETCHES)
    held = np.maximum(-np.expm1(many * np.expm1(-per_p / many)), NEVER_TAKEN)
    square = 1 + 1 / np.maximum(per_p, NEVER_TAKEN) + 1 / many
    return held, _by_chance(per_p / held, 1 / np.maximum(held * square - 1, LEAST_SCATTER))


def _by_chance(mean: Floats, shape: Floats) -> Floats:
    """Quantities with gamma distributions of these means, at their quantiles.

    The cube root of such a quantity is nearly normal (Wilson and Hilferty, 1931).
    """
    root = QUANTILES / (3 * np.sqrt(shape)) + (1 - 1 / (9 * shape))
    np.maximum(root, 0.0, out=root)
    quantities: Floats = root * root * root
    quantities *= mean * len(root) / np.add.reduce(quantities)
    return quantities


def spans_begun(taken: Floats, per_span: Floats) -> Floats:
    """Spans that have been begun, on average, when so many slots have been taken.

    Slots are whole: the next span is begun when one more than the last has been taken.
    """
    begun = np.maximum(np.ceil((taken - 0.5) / per_span), 1.0)
    mean: Floats = np.add.reduce(begun) / len(begun)
    return mean

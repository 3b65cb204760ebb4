"""Waiting for a lock, from how often and how long it is held (mean value analysis)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def mean_wait(
    hold: float, acquisitions: ArrayLike, elapsed: float, customers: int
) -> NDArray[np.float64]:
    """Mean wait per acquisition when `customers` share a lock, in the unit of `hold`.

    Each customer thinks, then holds the lock for `hold`; the think time makes `acquisitions`, one
    number a lock, happen in `elapsed` if nobody waits. Exact mean value analysis of that closed
    network for exponential times (Reiser and Lavenberg 1980): no wait for one customer, saturation
    for many.
    """
    number = np.asarray(acquisitions, dtype=np.float64)
    response = queue = np.zeros_like(number)
    if customers <= 1 or elapsed <= 0 or hold <= 0:
        return response
    with np.errstate(divide="ignore"):  # who never comes thinks for ever
        think = np.maximum(customers * elapsed / number - hold, 0.0)
    for present in range(1, customers + 1):
        response = hold * (1 + queue)
        queue = present * response / (response + think)
    return response - hold

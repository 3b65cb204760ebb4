"""Waiting for a lock, from how often and how long it is held (mean value analysis)."""

from __future__ import annotations


def mean_wait(hold: float, acquisitions: float, elapsed: float, customers: int) -> float:
    """Mean wait per acquisition when `customers` share a lock, in the unit of `hold`.

    Each customer thinks, then holds the lock for `hold`; the think time makes `acquisitions`
    happen in `elapsed` if nobody waits. Exact mean value analysis of that closed network for
    exponential times (Reiser and Lavenberg 1980): no wait for one customer, saturation for many.
    """
    if customers <= 1 or acquisitions <= 0 or elapsed <= 0 or hold <= 0:
        return 0.0
    think = max(customers * elapsed / acquisitions - hold, 0.0)
    queue = response = 0.0
    for present in range(1, customers + 1):
        response = hold * (1 + queue)
        queue = present * response / (response + think)
    return response - hold

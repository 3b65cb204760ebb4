"""Waiting for a lock, from how often and how long it is held (mean value analysis)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.kernels import native

Floats = NDArray[np.float64]


class SeenByArrivals(NamedTuple):
    """What somebody meets who comes to a lock; one number a lock."""

    busy: Floats
    """Probability that it is held."""
    wait: Floats
    """Mean wait, in the unit of the hold."""


def seen_by_arrivals(
    hold: float, acquisitions: ArrayLike, elapsed: ArrayLike, customers: ArrayLike
) -> SeenByArrivals:
    """What each acquisition meets when `customers` share a lock, and all hold it equally long.

    Each customer thinks, then holds the lock for `hold`; the think time makes `acquisitions` happen
    in `elapsed` if nobody waits. All but `hold` are one number a lock, or one for all. Mean value
    analysis of that closed network: an arrival sees it as the others leave it, and of a hold that
    it meets half is left. No wait for one customer, saturation for many; a part of a customer is
    there for so much of the time.

    Source: Reiser and Lavenberg, "Mean-value analysis of closed multichain queuing networks", 1980;
    the residual hold after Reiser, "A queueing network analysis of computer communication networks
    with window flow control", 1979.
    """
    number, elapsed = np.asarray(acquisitions, dtype=np.float64), np.asarray(elapsed)
    if hold <= 0 or not np.all(elapsed):
        return SeenByArrivals(np.zeros_like(number), np.zeros_like(number))
    with np.errstate(divide="ignore"):  # who never comes thinks for ever
        think = np.maximum(np.maximum(customers, 1) * (elapsed / number) - hold, 0.0)
    if isinstance(customers, int):
        return _all_there(hold, think, customers)
    return _some_in_part(hold, think, np.asarray(customers))


def _all_there(hold: float, think: Floats, customers: int) -> SeenByArrivals:
    """What the last of so many customers meets who all are there."""
    if native is not None and think.ndim:
        return SeenByArrivals(*native.all_there(hold, think, customers))
    response, busy = np.full_like(think, hold), np.zeros_like(think)
    for others in range(1, customers):
        rate = others / (response + think)
        busy = np.minimum(rate * hold, 1.0)
        response = hold * (1 + rate * response - busy / 2)
    return SeenByArrivals(busy, response - hold)


def _some_in_part(hold: float, think: Floats, customers: Floats) -> SeenByArrivals:
    """The same where a lock has a number of customers of its own, the last of them in part."""
    most = math.ceil(customers.max(initial=1))
    if native is not None and think.ndim and customers.ndim:
        return SeenByArrivals(*native.some_in_part(hold, think, customers, most))
    response, seen = np.full_like(think, hold), SeenByArrivals(*np.zeros((2, *think.shape)))
    for present in range(2, most + 1):
        rate = (present - 1) / (response + think)
        busy = np.minimum(rate * hold, 1.0)
        response = hold * (1 + rate * response - busy / 2)
        there = np.minimum(np.maximum(customers - present + 1, 0), 1)
        seen = SeenByArrivals(
            (1 - there) * seen.busy + there * busy,
            (1 - there) * seen.wait + there * (response - hold),
        )
    return seen


def waiting_for_servers(customers: int, servers: int, service: float, think: float) -> float:
    """How many of so many customers wait for one of the servers, on average.

    Each thinks, on average so long, and is then served for `service`, whatever the laws of both are
    where servers are shared: the machine repairman's network, M/M/c//N (Baskett, Chandy, Muntz and
    Palacios 1975). Both times are positive, in one unit.
    """
    there, logs, waiting = _ways_to_be_served(customers, servers)
    logs = logs + math.log(service / think) * there
    chance = np.exp(logs - logs.max())
    return float(chance @ waiting) / float(chance.sum())


@lru_cache(maxsize=64)
def _ways_to_be_served(customers: int, servers: int) -> tuple[Floats, Floats, Floats]:
    """Who may be at the servers, the logarithm of in how many ways, and who of them waits."""
    there = np.arange(customers + 1.0)
    ratios = (customers - there[1:] + 1) / np.minimum(there[1:], servers)
    logs = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
    return there, logs, np.maximum(there - servers, 0.0)

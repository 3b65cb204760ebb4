"""Distributions of sizes and durations, all sampled by inverse transform.

One uniform number gives one value, so the same stream drives every setting of a comparison and
a larger mean stretches the very same draws (common random numbers).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError
from sim.registry import Registry
from sim.workload.normal import normal_quantile

distributions: Final = Registry("distribution")
_Z99: Final = 2.3263478740408408  # standard normal quantile of 0.99
_LEAST: Final = 2.0**-54  # random numbers are 0 or above this; at 0 the normal is infinite

Floats = NDArray[np.float64]


class Distribution(Protocol):
    """A non-negative quantity in the unit of the key that it stands behind."""

    def quantile(self, u: Floats) -> Floats:
        """Values at the probabilities `u` in [0, 1)."""

    def mean(self) -> float:
        """The expectation."""


@distributions.register("constant")
@dataclass(frozen=True)
class Constant:
    """Always the same value; written as the bare value."""

    value: float
    """The value."""

    def quantile(self, u: Floats) -> Floats:
        return np.full(u.shape, float(self.value))

    def mean(self) -> float:
        return float(self.value)


@distributions.register("uniform")
@dataclass(frozen=True)
class Uniform:
    """Every value between `low` and `high` equally often."""

    low: float
    """Least value."""
    high: float
    """Largest value."""

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise UserError(f"expected low <= high, got {self.low} and {self.high}")

    def quantile(self, u: Floats) -> Floats:
        return self.low + u * (self.high - self.low)

    def mean(self) -> float:
        return (self.low + self.high) / 2


@distributions.register("exponential")
@dataclass(frozen=True)
class Exponential:
    """Memoryless with the given mean: `average`."""

    average: float
    """Its mean, and its standard deviation."""

    def quantile(self, u: Floats) -> Floats:
        return -self.average * np.log1p(-u)

    def mean(self) -> float:
        return float(self.average)


@distributions.register("lognormal")
@dataclass(frozen=True)
class Lognormal:
    """The usual shape of service times and sizes, by its median and 99th percentile."""

    median: float
    """Half of the values are below."""
    p99: float
    """99 % of the values are below."""

    def __post_init__(self) -> None:
        if not 0 < self.median <= self.p99:
            raise UserError(f"expected 0 < median <= p99, got {self.median} and {self.p99}")

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm."""
        return math.log(self.p99 / self.median) / _Z99

    def quantile(self, u: Floats) -> Floats:
        z = normal_quantile(np.maximum(u, _LEAST))
        return self.median * np.exp(self.sigma * z)

    def mean(self) -> float:
        return self.median * math.exp(self.sigma**2 / 2)


@distributions.register("pareto")
@dataclass(frozen=True)
class Pareto:
    """A heavy tail: P(X > x) = (minimum / x) ** alpha, cut at `maximum`."""

    minimum: float
    """Least value, and the most frequent."""
    alpha: float
    """Exponent of the tail: the smaller, the heavier."""
    maximum: float
    """Where the tail is cut."""

    def __post_init__(self) -> None:
        if not (0 < self.minimum < self.maximum and self.alpha > 0):
            raise UserError("expected 0 < minimum < maximum and alpha > 0")

    def quantile(self, u: Floats) -> Floats:
        top = float((self.minimum / self.maximum) ** self.alpha)
        return self.minimum * (1 - u * (1 - top)) ** (-1 / self.alpha)

    def mean(self) -> float:
        a, low, high = self.alpha, self.minimum, self.maximum
        top = float((low / high) ** a)
        if a == 1:
            return low * math.log(high / low) / (1 - top)
        return float(low * a / (a - 1) * (1 - (low / high) ** (a - 1)) / (1 - top))


@distributions.register("choice")
@dataclass(frozen=True)
class Choice:
    """One of the `values`, with the given `weights` (equal when left out)."""

    values: tuple[float, ...]
    """What may come."""
    weights: tuple[float, ...] = ()
    """Relative frequency of each, in the same order."""

    def __post_init__(self) -> None:
        if not self.values:
            raise UserError("expected at least one value")
        if self.weights and len(self.weights) != len(self.values):
            raise UserError(
                "expected as many weights as values, "
                f"got {len(self.weights)} and {len(self.values)}"
            )
        if self.weights and (min(self.weights) < 0 or sum(self.weights) <= 0):
            raise UserError("expected weights of at least 0 with a positive sum")

    def _probabilities(self) -> Floats:
        weights = np.asarray(self.weights or (1.0,) * len(self.values), dtype=np.float64)
        return np.asarray(weights / weights.sum())

    def quantile(self, u: Floats) -> Floats:
        edges = np.cumsum(self._probabilities())
        index = np.minimum(np.searchsorted(edges, u, side="right"), len(self.values) - 1)
        return np.asarray(self.values, dtype=np.float64)[index]

    def mean(self) -> float:
        return float(np.dot(self._probabilities(), self.values))

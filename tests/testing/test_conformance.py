"""The conformance kit passes everything that is registered, and catches what breaks a promise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import sim.config  # noqa: F401  registers all policies
from sim.go.barrier import barriers
from sim.go.barrier.hybrid import Hybrid
from sim.go.marker import markers
from sim.go.marker.classic import Classic
from sim.go.pacer import pacers
from sim.go.pacer.go127 import Go127Pacer
from sim.registry import REGISTRIES
from sim.testing import (
    check_arrivals,
    check_barrier,
    check_distribution,
    check_marker,
    check_pacer,
)
from sim.units import MS, SECOND
from sim.workload.arrivals import Bursts, Poisson, Recorded, Regular, Varying, arrivals
from sim.workload.distributions import (
    Choice,
    Constant,
    Exponential,
    Lognormal,
    Pareto,
    Uniform,
    distributions,
)

DISTRIBUTIONS: dict[str, list[Any]] = {
    "constant": [Constant(0.0), Constant(4096.0)],
    "uniform": [Uniform(0.0, 5.0), Uniform(7.0, 7.0)],
    "exponential": [Exponential(250_000.0)],
    "lognormal": [Lognormal(300.0, 4000.0), Lognormal(5.0, 5.0)],
    "pareto": [Pareto(16.0, 1.0, 1e6), Pareto(16.0, 1.2, 1e6), Pareto(1.0, 3.0, 2.0)],
    "choice": [Choice((64.0, 4096.0, 32.0), (5.0, 1.0, 0.0)), Choice((1.0, 2.0))],
}
ARRIVALS: dict[str, list[tuple[Any, float | None]]] = {
    "poisson": [(Poisson(2000.0), 2000.0)],
    "regular": [(Regular(333.3), 333.3)],
    "bursts": [
        (Bursts(100.0, 5000.0, 10 * MS, 100 * MS), None),
        (Bursts(0.0, 1e3, MS, 2 * MS), 500),
    ],
    "varying": [
        (Varying((0.0, 3e3, 1e3, 0.0), MS), 1000),
        (Varying((700.0,), SECOND), 700),
    ],
    "recorded": [(Recorded((0, 5, 5, SECOND)), None)],
}


def test_every_policy_that_is_registered_is_checked_here() -> None:
    assert set(REGISTRIES) == {"arrivals", "barrier", "distribution", "marker", "pacer"}
    assert set(DISTRIBUTIONS) == set(distributions.names())
    assert set(ARRIVALS) == set(arrivals.names())


@pytest.mark.parametrize("name", pacers.names())
def test_pacers(name: str) -> None:
    check_pacer(pacers.get(name))


@pytest.mark.parametrize("name", markers.names())
def test_markers(name: str) -> None:
    check_marker(markers.get(name)())


@pytest.mark.parametrize("name", barriers.names())
def test_barriers(name: str) -> None:
    check_barrier(barriers.get(name)())


@pytest.mark.parametrize("one", [one for ones in DISTRIBUTIONS.values() for one in ones], ids=str)
def test_distributions(one: Any) -> None:
    check_distribution(one)


@pytest.mark.parametrize(
    ("one", "rate"), [one for ones in ARRIVALS.values() for one in ones], ids=str
)
def test_arrivals(one: Any, rate: float | None) -> None:
    check_arrivals(one, rate)


# -- what is caught ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wrong(Uniform):
    """A uniform distribution with one fault."""

    fault: str = ""

    def quantile(self, u: Any) -> Any:
        values = super().quantile(u)
        match self.fault:
            case "nan":
                return np.where(u > 0.5, np.nan, values)
            case "negative":
                return values - self.low - 1
            case "descending":
                return values[::-1]
            case "shape":
                return values[:1]
            case "writes":
                u[:] = 0.5
                return np.full(u.shape, 0.5)
            case "batch":
                return values if len(u) != 1 else values + 1
        return values

    def mean(self) -> float:
        return self.high if self.fault == "mean" else super().mean()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("nan", "Wrong: quantiles are finite, got nan at 0.5"),
        ("negative", r"Wrong: quantiles are not negative, got -1.0 at 0.0"),
        ("descending", "Wrong: quantiles are ascending"),
        ("shape", "Wrong: quantile gives one value for every probability"),
        ("writes", "Wrong: quantile leaves the probabilities as they are"),
        ("batch", "Wrong: values drawn one by one are those drawn together"),
        ("mean", "Wrong: the mean is that of the values: between 1.4.* and 1.5.*, got 2"),
    ],
)
def test_faults_of_distributions(fault: str, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_distribution(Wrong(1.0, 2.0, fault))


class OwnChance:
    """Draws from somewhere else than its stream."""

    def __init__(self) -> None:
        self.drawn = 0

    def times(self, rng: np.random.Generator) -> Iterator[Any]:
        while True:
            self.drawn += 1
            yield np.arange(10, dtype=np.int64) * self.drawn + 1_000_000 * self.drawn


class Floating:
    def times(self, rng: np.random.Generator) -> Iterator[Any]:
        yield np.asarray([0.5, 1.5])


class Backwards:
    def times(self, rng: np.random.Generator) -> Iterator[Any]:
        yield np.asarray([5, 9])
        yield np.asarray([8])


class Nobody:
    def times(self, rng: np.random.Generator) -> Iterator[Any]:
        yield from ()


@pytest.mark.parametrize(
    ("process", "sentence"),
    [
        (OwnChance(), "the same stream gives the same instants"),
        (Floating(), "blocks of int64, got float64"),
        (Backwards(), r"instants ascend, within and between blocks, got \[8\] after \[9\]"),
        (Nobody(), "somebody arrives"),
    ],
)
def test_faults_of_arrivals(process: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_arrivals(process)


def test_a_wrong_rate_is_told_with_its_confidence() -> None:
    with pytest.raises(AssertionError, match=r"2200 a second are 2\d{4} \+- 7\d\d arrivals in"):
        check_arrivals(Poisson(2000.0), rate=2200.0)


class Lazy(Classic):
    """Forgets objects without pointers."""

    def count(
        self, kinds: Any, live: Any, spans: Any, scattered: Any, *, vector_kernel: bool
    ) -> Any:
        counts = super().count(kinds, live, spans, scattered, vector_kernel=vector_kernel)
        counts.noscan_objects = 0.0
        return counts


class HalfBlind(Classic):
    """Follows every other pointer."""

    def count(
        self, kinds: Any, live: Any, spans: Any, scattered: Any, *, vector_kernel: bool
    ) -> Any:
        counts = super().count(kinds, live, spans, scattered, vector_kernel=vector_kernel)
        counts.pointers /= 2
        return counts


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        (Lazy(), "Lazy: all .* objects without pointers are marked, got 0"),
        (HalfBlind(), "HalfBlind: all .* pointers are followed once"),
    ],
)
def test_faults_of_markers(marker: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_marker(marker)


class Both(Hybrid):
    shaded_pointers = 1.5  # type: ignore[assignment]


def test_faults_of_barriers() -> None:
    with pytest.raises(AssertionError, match="Both: shaded_pointers is a count of pointers, got"):
        check_barrier(Both())


class Forgetful(Go127Pacer):
    def update(self, d_heap_live: int, d_heap_scan: int) -> None:
        if not self.marking:
            super().update(d_heap_live, d_heap_scan)


class Eager(Go127Pacer):
    def trigger(self) -> tuple[int, int]:
        goal = self.heap_goal()
        return goal + 1, goal


class Stuck(Go127Pacer):
    def revise(self) -> None:
        self.assist_work_per_byte = float("nan")


class Shared(Go127Pacer):
    calls: list[int] = []  # noqa: RUF012

    def heap_goal(self) -> int:
        self.calls.append(1)
        return super().heap_goal() + len(self.calls)


class Always(Go127Pacer):
    def trigger(self) -> tuple[int, int]:
        return min(super().trigger()[0], 1 << 30), self.heap_goal()


@pytest.mark.parametrize(
    ("cls", "sentence"),
    [
        (Forgetful, "update adds to heap_live while marking, too"),
        (Eager, "'Eager' returned the trigger"),
        (Stuck, "'Stuck' returned the assist ratio nan"),
        (Shared, "Shared: a fresh pacer gives the same answers"),
        (Always, "GOGC=off never collects, got the trigger 1073741824"),
    ],
)
def test_faults_of_pacers(cls: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_pacer(cls)

"""When the warm-up of a run is over: MSER-5, on the quantities that matter.

Sources: White, "An effective truncation heuristic for bias reduction in simulation output", 1997
(the marginal standard error rule, MSER); White, Cobb and Spratt, "A comparison of five steady-state
truncation heuristics for simulation", 2000 (batches of five, MSER-5; cutting more than half says
that the run is too short).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.results.result import Result
from sim.units import Nanoseconds

BATCH: Final = 5
"""Values in a batch."""
LEAST: Final = 10
"""Values, or batches, below which nobody can tell a trend from chance."""
MAX_BATCHES: Final = 200
"""Batches of requests: there may be very many, and their tail is long."""
LAST: Final = 5
"""Values at the end that MSER may not be left with: so few are alike by chance."""


class WarmUp(NamedTuple):
    """Where a warm-up ends, and how that is known."""

    end_ns: Nanoseconds
    reason: str


class Series(NamedTuple):
    """A quantity over a run: at each instant its value since the instant before."""

    name: str
    at_ns: NDArray[np.int64]
    measured: NDArray[np.float64]


def find_warm_up(run: Result, load_ns: Nanoseconds) -> WarmUp:
    """The instant from which live heap, GC CPU and latency no longer depend on the start.

    Load began at `load_ns`. Of each quantity MSER cuts what makes the standard error of the rest's
    mean largest; the latest of these instants counts. A quantity with few values, or of which more
    than half would go, has no say.
    """
    ends: dict[str, int] = {}
    unsteady = []
    for series in quantities(run, load_ns):
        batched = _batches(series)
        if len(batched.measured) < LEAST:
            continue
        cut = mser(batched.measured)
        if cut is None:
            unsteady.append(series.name)
        else:
            ends[series.name] = int(batched.at_ns[cut - 1]) if cut else load_ns
    never = f"no steady part was found of {', '.join(unsteady)}" if unsteady else ""
    if not ends:
        return WarmUp(load_ns, never or "too short to find a warm-up")
    last = max(ends, key=lambda name: ends[name])
    return WarmUp(ends[last], "; ".join(filter(None, [f"{last} is steady from there on", never])))


def quantities(run: Result, load_ns: Nanoseconds) -> Iterator[Series]:
    """What must be steady: live heap and GC CPU by cycle, latency in order of arrival."""
    cycles, requests = run.cycles, run.requests
    cycles = cycles[cycles["start_ns"] >= load_ns]
    if len(cycles):
        ends = cycles["end_ns"].to_numpy()
        cpu = cycles[["assist_ns", "dedicated_ns", "fractional_ns", "stw_cpu_ns"]].sum(axis=1)
        elapsed = np.diff(ends, prepend=load_ns)
        yield Series("live heap", ends, cycles["heap_marked"].to_numpy(dtype=float))
        yield Series("GC CPU", ends, cpu.to_numpy(dtype=float) / np.maximum(elapsed, 1))
    if len(requests):
        came = requests.sort_values("arrival_ns", kind="stable")
        yield Series("latency", came["arrival_ns"].to_numpy(), _latency(came))


def mser(values: NDArray[np.float64]) -> int | None:
    """How many of the first values to leave out; None if it were more than half of them.

    The number d that makes the variance of the others, divided by their number n - d, least.
    """
    count = len(values)
    centred = values - values.mean()
    left = np.arange(count, 0, -1)
    sums, squares = (np.cumsum(part[::-1])[::-1] for part in (centred, centred**2))
    # Rounding leaves a constant series a little more than zero, or less.
    variance = np.maximum(squares / left - (sums / left) ** 2, np.finfo(float).eps * squares[0])
    best = int(np.argmin((variance / left)[: max(count - LAST, 1)]))
    return best if best <= count // 2 else None


def _batches(series: Series) -> Series:
    """Means of batches: of five values, of more where there were too many, of one if too few."""
    count = len(series.measured)
    size = max(BATCH, -(-count // MAX_BATCHES)) if count >= BATCH * LEAST else 1
    whole = count // size
    means = series.measured[: whole * size].reshape(whole, size).mean(axis=1)
    return Series(series.name, series.at_ns[size - 1 : whole * size : size], means)


def _latency(requests: pd.DataFrame) -> NDArray[np.float64]:
    return (requests["end_ns"] - requests["arrival_ns"]).to_numpy(dtype=float)

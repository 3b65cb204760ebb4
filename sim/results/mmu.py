"""Minimum mutator utilisation: the worst that a program can meet in any window of a given length.

Source: internal/trace/gc.go, MutatorUtilizationV2 and MMUCurve; Cheng and Blelloch, "A parallel,
real-time garbage collector", 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.units import MS, SECOND, US, Nanoseconds

WINDOWS: Final = (
    100 * US,
    200 * US,
    500 * US,
    MS,
    2 * MS,
    5 * MS,
    10 * MS,
    20 * MS,
    50 * MS,
    100 * MS,
    200 * MS,
    500 * MS,
    SECOND,
)


class Utilization(NamedTuple):
    """Share of the Ps that the program has, from each instant to the next; the last is the end."""

    at: NDArray[np.int64]
    share: NDArray[np.float64]
    """One value less than instants."""


def utilization(
    cycles: pd.DataFrame, pauses: pd.DataFrame, end_ns: Nanoseconds, begin_ns: Nanoseconds = 0
) -> Utilization:
    """Utilisation from the tables that every run has, between two instants.

    Nothing in a pause, and in a mark phase what its workers and assists left on average: short
    windows look better than they are, in which more Ps marked than on average.
    """
    marking = _marking_share(cycles)
    return _combine(
        [
            (cycles["mark_ns"].to_numpy(), cycles["mark_term_ns"].to_numpy(), marking),
            (*_pauses(pauses), np.ones(len(pauses))),
        ],
        end_ns,
        begin_ns,
    )


def mmu(used: Utilization, windows: Sequence[Nanoseconds] = WINDOWS) -> pd.Series[float]:
    """For each window, the least mean utilisation of any stretch of that length.

    A window longer than the run is the run.
    """
    done = np.concatenate(([0.0], np.cumsum(used.share * np.diff(used.at))))
    return pd.Series(
        [_least(used.at, done, window) for window in windows],
        index=pd.Index(windows, name="window_ns"),
        name="mmu",
        dtype=float,
    )


def _least(at: NDArray[np.int64], done: NDArray[np.float64], window: Nanoseconds) -> float:
    """The mean over a sliding window bends only where one of its ends meets an instant."""
    start, end = at[0], at[-1]
    length = min(window, end - start)
    if length <= 0:
        return 0.0
    begins = np.concatenate((at, at - length))
    begins = begins[(begins >= start) & (begins <= end - length)]
    means = (np.interp(begins + length, at, done) - np.interp(begins, at, done)) / length
    return float(np.clip(means.min(), 0.0, 1.0))


def _marking_share(cycles: pd.DataFrame) -> NDArray[np.float64]:
    cpu = cycles["assist_ns"] + cycles["dedicated_ns"] + cycles["fractional_ns"]
    available = (cycles["mark_term_ns"] - cycles["mark_ns"]) * cycles["procs"]
    return (cpu / available.replace(0, 1)).to_numpy(dtype=float)


def _pauses(pauses: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    begin = pauses["at_ns"].to_numpy()
    return begin, begin + pauses["total_ns"].to_numpy()


def _combine(
    taken: Sequence[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]],
    end_ns: Nanoseconds,
    begin_ns: Nanoseconds = 0,
) -> Utilization:
    """Add up what intervals take from the program, at most all of it."""
    instants = np.concatenate([edge for begin, end, _ in taken for edge in (begin, end)])
    changes = np.concatenate([change for _, _, share in taken for change in (share, -share)])
    inside = np.clip(instants, begin_ns, end_ns)
    at, where = np.unique(np.concatenate(([begin_ns, end_ns], inside)), return_inverse=True)
    steps = np.zeros(len(at))
    np.add.at(steps, where[2:], changes)
    share = 1.0 - np.cumsum(steps)[:-1]
    return Utilization(at.astype(np.int64), np.clip(share, 0.0, 1.0))

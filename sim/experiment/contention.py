"""How waiting for the runtime's locks grows with GOMAXPROCS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from sim.experiment.groups import title
from sim.experiment.point import Point
from sim.record.places import Place
from sim.results.load import load_run
from sim.results.memory import lock_contention, service_cpu_ns
from sim.results.result import Result
from sim.units import SECOND, Nanoseconds

BATCHED: Final = "model.resolution=batched"
EXACT: Final = "model.resolution=refill"
EXACT_ACQUISITION_NS: Final[Nanoseconds] = 70_000
"""CPU time of an acquisition where every refill is an event. Measured: 15.9 s for
234,290 acquisitions of json-api on 64 Ps at 60,000 requests a second, 7.2 s for 93,198 on eight."""


def contention_frame(points: Sequence[Point], folder: Place) -> pd.DataFrame:
    """A row per setting and lock in service; the first run of each setting counts.

    The lock `all` has the sums. `per_second` are acquisitions; see `lock_contention`.
    """
    firsts = {title(point.settings): point for point in reversed(points)}
    frames = [
        pd.concat({name: lock_frame(load_run(folder / point.name))}, names=["setting"])
        for name, point in reversed(firsts.items())
    ]
    return pd.concat(frames).reset_index()


def lock_frame(run: Result) -> pd.DataFrame:
    """The locks of a run in service, and all of them together."""
    locks, cpu = run.service("locks"), service_cpu_ns(run)
    every = lock_contention(locks.assign(lock="all"), cpu)
    frame = pd.concat([every, lock_contention(locks, cpu)])
    elapsed = max(run.end_ns - run.service_ns, 1)
    frame.insert(0, "per_second", frame["acquisitions"] * SECOND / elapsed)
    return frame


def exact_cost(runs: Sequence[Result]) -> float:
    """CPU seconds that the same runs would take with every refill an event."""
    acquired = sum(float(run.locks["acquisitions"].sum()) for run in runs)
    return acquired * EXACT_ACQUISITION_NS / SECOND

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
from sim.units import SECOND

BATCHED: Final = "model.resolution=batched"
EXACT: Final = "model.resolution=refill"


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

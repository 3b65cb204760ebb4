"""How waiting for the runtime's locks grows with GOMAXPROCS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from sim.experiment.groups import title
from sim.experiment.point import Point
from sim.record.places import Place
from sim.results.few import began
from sim.results.load import load_run
from sim.results.memory import lock_contention, ps_of
from sim.results.result import Result

BATCHED: Final = "model.resolution=batched"
EXACT: Final = "model.resolution=refill"


def contention_frame(points: Sequence[Point], folder: Place) -> pd.DataFrame:
    """A row per setting and lock in service; the first run of each setting counts.

    The lock `all` has the sums; see `lock_contention`. `began`: whether load did; `cycles`: how
    many GC cycles are in service.
    """
    firsts = {title(point.settings): point for point in reversed(points)}
    frames = []
    for name, point in reversed(firsts.items()):
        run = load_run(folder / point.name)
        found = lock_frame(run).assign(began=began(run), cycles=len(run.service("cycles")))
        frames.append(pd.concat({name: found}, names=["setting"]))
    return pd.concat(frames).reset_index()


def lock_frame(run: Result) -> pd.DataFrame:
    """The locks of a run in service, and all of them together."""
    locks, ps = run.service("locks"), ps_of(run)
    every = lock_contention(locks.assign(lock="all"), ps)
    return pd.concat([every, lock_contention(locks, ps)])

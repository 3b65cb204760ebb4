"""What runs will cost, before they are simulated: the beginnings of some of them tell."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from sim.config import load
from sim.config.run import RunConfig
from sim.experiment.point import Point
from sim.experiment.sweep import stored
from sim.record.places import Place
from sim.simulation import simulate

PILOTS: Final = 3
"""Runs of a sweep that are begun, evenly over its points: settings differ in what they cost."""
BUDGET: Final = 0.5
"""Seconds of CPU for each; a run that ends within them is known exactly."""


class _Enough(Exception):  # noqa: N818  not an error
    """The beginning of a run has told what there is to tell."""


def run_cost(config: RunConfig) -> float:
    """CPU seconds that a run will take, from its beginning; NaN if it fails in that.

    What is left goes on as it did in the second half of what was seen: building the program,
    filling its stores and first cycles cost more than what follows. Shipped configs of some seconds
    took what was told within 10 %; a second of quickstart with every refill an event took a third
    of it, since filling was all that was seen.
    """
    begin = time.process_time()
    seen: list[tuple[float, float]] = [(0.0, 0.0)]  # fraction of the run, CPU seconds

    def look(fraction: float) -> None:
        seen.append((fraction, time.process_time() - begin))
        if seen[-1][1] > BUDGET:
            raise _Enough

    try:
        simulate(config, None, look)
    except _Enough:
        (half, before), (fraction, spent) = seen[len(seen) // 2 - 1], seen[-1]
        return spent + (spent - before) / (fraction - half) * (1 - fraction)
    except Exception:  # noqa: BLE001  the run itself will say it
        return math.nan
    return time.process_time() - begin


def sweep_cost(points: Sequence[Point], folder: Place) -> float:
    """CPU seconds that those of the points will take that are not stored; NaN if that is unknown.

    Some are begun for that; they leave nothing behind.
    """
    left = [point for point in points if not stored(point, folder)]
    if not left:
        return 0.0
    chosen = left[:: max(1, math.ceil(len(left) / PILOTS))]
    return len(left) * fmean(run_cost(load(point.config)) for point in chosen)

"""What runs will cost, before they are simulated: the beginnings of some of them tell."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from sim.build import build
from sim.config import load
from sim.config.run import RunConfig
from sim.experiment.point import Point
from sim.experiment.sweep import stored
from sim.python_gc import one_of_many_runs
from sim.record.facts import Fact, Phase, Status
from sim.record.phases import PhaseName
from sim.record.places import Place
from sim.record.recorder import MemorySink, Recorder
from sim.simulation import run_info, run_to_end

PILOTS: Final = 3
"""Runs of a sweep that are begun, evenly over its points: settings differ in what they cost."""
BUDGET: Final = 0.5
"""Seconds of CPU for each once its load has begun; a run that ends within them is known exactly."""
MOST: Final = 4.0
"""Seconds of CPU for each in any case: filling its stores may take long."""


MIN_FRACTION: Final = 1e-9
"""Of a run; guards against dividing by nothing."""
REPEATED: Final = 1 / 50
"""What a cycle costs that is repeated, of one that is simulated: its rows are made and written.
A judgement after ten hours of `stream-pool`, an 85th; matters where most cycles are repeated."""


class _Enough(Exception):  # noqa: N818  not an error
    """The beginning of a run has told what there is to tell."""


class _Pilot:
    """The beginning of a run: what CPU time it took for which fraction, since load began."""

    def __init__(self, config: RunConfig) -> None:
        self._began = time.process_time()
        self._serves, self._longest = config.program.serves, config.longest
        self._recorder = Recorder(MemorySink(), run_info(config, Status.RUNNING))
        self.seen: list[tuple[float, float]] = [(0.0, 0.0)]

    @property
    def spent(self) -> float:
        """Seconds of CPU until now."""
        return time.process_time() - self._began

    def emit(self, fact: Fact) -> None:
        """Keep what happened, as a run does; once load begins, what was seen before is no guide."""
        self._recorder.emit(fact)
        if isinstance(fact, Phase) and fact.phase == PhaseName.WARM_UP:
            self.seen = [(fact.begin_ns / self._longest, self.spent)]
            self._serves = False

    def look(self, fraction: float) -> None:
        """Note how far the run is. Raises _Enough where that tells what there is to tell."""
        self.seen.append((fraction, self.spent))
        filling = self._serves and self.spent < MOST
        if not filling and self.spent - self.seen[0][1] > BUDGET:
            raise _Enough

    def expected(self, repeats_from: float) -> float:
        """Seconds of CPU for all of the run, whose cycles repeat from this fraction of it on."""
        fraction, spent = self.seen[-1]
        after = [seen for seen in self.seen if seen[0] >= repeats_from]
        if len(after) > 1:
            half, before = after[0]
            left = 1 - fraction
        else:
            half, before = self.seen[len(self.seen) // 2 - 1]
            simulated = max(min(repeats_from, 1.0) - fraction, 0.0)
            left = simulated + (1 - fraction - simulated) * REPEATED
        return spent + (spent - before) / max(fraction - half, MIN_FRACTION) * left


@one_of_many_runs()
def run_cost(config: RunConfig) -> float:
    """CPU seconds that a run will take, from its beginning; NaN if it fails in that.

    What is left goes on as it did in the second half of what was seen: building the program,
    filling its stores and first cycles cost more than what follows. Of cycles that will be
    repeated, only the rows cost something.
    """
    pilot, run = _Pilot(config), None
    try:
        run = build(config, pilot.emit)
        run_to_end(run, pilot.look, None)
    except _Enough:
        assert run is not None
        return pilot.expected(run.mode.repeats_from / config.longest)
    except Exception:  # noqa: BLE001  the run itself will say it
        return math.nan
    return pilot.spent


def sweep_cost(points: Sequence[Point], folder: Place) -> float:
    """CPU seconds that those of the points will take that are not stored; NaN if that is unknown.

    Some are begun for that; they leave nothing behind.
    """
    left = [point for point in points if not stored(point, folder)]
    if not left:
        return 0.0
    chosen = left[:: max(1, math.ceil(len(left) / PILOTS))]
    return len(left) * fmean(run_cost(load(point.config)) for point in chosen)

"""When a run of `duration: auto` ends: as soon as it knows enough.

Looking again and again stops a little too often by chance: of intervals that are said to hold the
mean with 95 % confidence, some fewer do (`tests/results/test_batch_means.py` counts them).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from sim.config.run import AUTO, RunConfig
from sim.record.phases import PhaseName
from sim.results.batch_means import Known, known
from sim.results.result import Result
from sim.results.warmup import WarmUp, find_warm_up
from sim.units import Nanoseconds, format_duration

FIRST: Final = 1 / 50
"""Share of the limit after which a run is looked at for the first time."""
LATER: Final = 5 / 4
"""Factor from one look to the next: all together read what they need about five times."""


class Enough:
    """Whether the means of a run are known well enough, looked at more and more rarely."""

    def __init__(self, config: RunConfig, result: Callable[[], Result]) -> None:
        self._config, self._wanted, self._result = config, config.precision, result
        self._next = round(config.longest * FIRST)
        self.outcome = ""
        """What was reached, in words."""

    def at(self, now: Nanoseconds) -> bool:
        """Whether to end the run now."""
        if now < min(self._next, self._config.longest):
            return False
        self._next = round(now * LATER)
        means = self._means()
        reached = bool(means) and max(mean.half_width for mean in means) <= self._bound
        told = ", ".join(f"{mean.name} {_percent(mean.half_width)}" for mean in means)
        goal = f"means known to {_percent(self._wanted.relative)} each"
        short = "" if reached else f"{format_duration(now)} are too short for "
        self.outcome = f"{short}{goal}: {told or 'none is known'}"
        return reached

    @property
    def _bound(self) -> float:
        """A mean whose half width is so much of it is off by at most what was asked for."""
        return self._wanted.relative / (1 + self._wanted.relative)

    def _means(self) -> list[Known]:
        run = self._result()
        begins = dict(zip(run.phases["phase"], run.phases["begin_ns"].tolist(), strict=True))
        load = begins.get(PhaseName.WARM_UP)
        if load is None:
            return []
        return known(run, warm_up(self._config, run, load), self._wanted.figures)


def warm_up(config: RunConfig, run: Result, load_ns: Nanoseconds) -> WarmUp:
    """The end of the warm-up of a run whose load began then: as configured, or found."""
    if config.record.warmup == AUTO:
        return find_warm_up(run, load_ns)
    return WarmUp(load_ns + config.record.warmup, "as configured")


def _percent(share: float) -> str:
    return f"{share:.1%}" if math.isfinite(share) else "unknown"

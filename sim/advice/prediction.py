"""What a program would do under other settings, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from sim.fitting.draw import Possible, draw
from sim.fitting.gctrace_fit import Fit
from sim.fluid.memory import Overheads
from sim.fluid.run import FluidRun, run
from sim.fluid.setting import Setting
from sim.streams import Streams
from sim.units import SECOND

SEEDS: Final = 5
"""Runs per setting of the program as fitted: their median is the prediction."""
DRAWS: Final = 15
"""Runs per setting of programs that the log leaves possible as well, for the interval."""
RANGE: Final = (0.05, 0.95)


class Figures(NamedTuple):
    """The measured part of one run; bytes and seconds."""

    gc_cycles: float
    alloc_bytes: float
    peak_heap_bytes: float
    """Largest heap at the end of marking."""
    peak_rss_bytes: float
    gc_cpu_seconds: float
    """Assist, dedicated, fractional and idle mark workers."""
    assist_cpu_seconds: float
    background_cpu_seconds: float
    idle_cpu_seconds: float
    wall_seconds: float
    pause_p99_seconds: float
    """Of single stops of the world."""
    limited_seconds: float
    """Time in which the GC CPU limiter let the heap grow beyond the limit."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the program as fitted does, and the range in which nine of ten possible ones lie."""

    setting: Setting
    middle: Figures
    low: Figures
    high: Figures


def predict(
    fit: Fit,
    settings: Iterable[Setting],
    seed: int = 1,
    seeds: int = SEEDS,
    draws: int = DRAWS,
    progress: Callable[[float], None] | None = None,
) -> list[Prediction]:
    """Predict each setting. Run k is of the same program, with the same seed, under all of them."""
    possible = draw(fit, draws, Streams(seed)["fit"])
    programs = [*[Possible(fit.program, fit.overheads)] * seeds, *possible]
    wanted = list(settings)
    found = []
    for done, setting in enumerate(wanted, 1):
        figures = np.array(
            [
                _figures(run(program, setting, seed + k, overheads), setting, overheads)
                for k, (program, overheads) in enumerate(programs)
            ]
        )
        low, high = np.quantile(figures, RANGE, axis=0)
        middle = np.median(figures[:seeds], axis=0)
        found.append(Prediction(setting, *(Figures(*f.tolist()) for f in (middle, low, high))))
        if progress is not None:
            progress(done / len(wanted))
    return found


def _figures(run: FluidRun, setting: Setting, overheads: Overheads) -> Figures:
    marks = [cycle.mark for cycle in run.cycles]
    assist, background, idle = (
        sum(getattr(mark, kind) for mark in marks) / SECOND
        for kind in ("assist", "background", "idle")
    )
    return Figures(
        gc_cycles=len(run.cycles),
        alloc_bytes=run.allocated,
        peak_heap_bytes=run.peak_heap,
        peak_rss_bytes=overheads.resident(run.peak_heap, setting.memory_limit),
        gc_cpu_seconds=assist + background + idle,
        assist_cpu_seconds=assist,
        background_cpu_seconds=background,
        idle_cpu_seconds=idle,
        wall_seconds=run.wall / SECOND,
        pause_p99_seconds=run.pause_p99 / SECOND,
        limited_seconds=sum(mark.limited for mark in marks) / SECOND,
    )

"""All processes of a log together, as a build starts them: what adds up is summed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sim.advice.prediction import Figures, Prediction, predict
from sim.advice.scenario import AS_TODAY, Future
from sim.errors import UserError
from sim.fitting.fit_log import fit_source
from sim.fitting.gctrace_log import FEWEST_CYCLES, read_gctrace
from sim.fitting.processes import Process
from sim.fitting.source import Source, path
from sim.replay.setting import Setting
from sim.units import format_duration

SUMMED: Final = (
    "gc_cycles",
    "alloc_bytes",
    "gc_cpu_seconds",
    "assist_cpu_seconds",
    "background_cpu_seconds",
    "idle_cpu_seconds",
)
LARGEST: Final = ("peak_heap_bytes", "peak_rss_bytes")
"""How many processes run at a time is not in the log: of memory only the largest one's is told."""
_OF_ONE: Final = ("rss", "also", "metrics", "prometheus", "trace", "arrivals")
"""Fields of a source that are of one process."""


@dataclass(frozen=True, slots=True)
class Together:
    """The processes of a log under each setting."""

    predictions: list[Prediction]
    """Sums, the largest memory of one process, and NaN for what is neither."""
    sentence: str
    """Which processes they are of, and which are left out."""


def predict_all(
    source: Source,
    settings: Callable[[int], list[Setting]],
    future: Future = AS_TODAY,
    *,
    seed: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Together:
    """Predict every process with enough cycles, alone; `settings` are for a GOMAXPROCS.

    Raises UserError where no process has enough cycles, and for what is known of one process.
    """
    log = _log_alone(source)
    processes = read_gctrace(log, fewest=0).processes
    used = [one for one in processes if len(one.found) >= FEWEST_CYCLES]
    if not used:
        raise UserError(
            f"{log}: none of {len(processes)} processes has the {FEWEST_CYCLES} cycles that a"
            " prediction needs"
        )
    each = []
    for done, process in enumerate(used, 1):
        fit = future.of(fit_source(replace(source, process=process.label)))
        each.append(predict(fit, settings(fit.program.procs), seed))
        if progress is not None:
            progress(done / len(used))
    rows = [_summed(alike) for alike in zip(*each, strict=True)]
    return Together(rows, _sentence(processes, used))


def _log_alone(source: Source) -> Path:
    """The log, where nothing else is given that only one process can have."""
    for name in _OF_ONE:
        if getattr(source, name) is not None:
            raise UserError(f"--{name}: it is of one process; --process says of which, not all")
    log = path(source.log)
    if log is None:
        raise UserError("--process: expected a log of several processes for all")
    return log


def _summed(alike: Sequence[Prediction]) -> Prediction:
    """Processes vary independently of each other: so do the errors of their sum."""
    figures = {name: [math.nan] * 3 for name in Figures._fields}
    for name in SUMMED:
        middles, lows, highs = _columns(alike, name)
        middle = sum(middles)
        below = math.dist(middles, lows)
        above = math.dist(middles, highs)
        figures[name] = [middle, max(0.0, middle - below), middle + above]
    for name in LARGEST:
        figures[name] = [max(column) for column in _columns(alike, name)]
    parts = ({name: values[k] for name, values in figures.items()} for k in range(3))
    return Prediction(alike[0].setting, *(Figures(**part) for part in parts))


def _columns(alike: Sequence[Prediction], name: str) -> list[list[float]]:
    return [
        [getattr(getattr(one, which), name) for one in alike] for which in ("middle", "low", "high")
    ]


def _sentence(processes: Sequence[Process], used: Sequence[Process]) -> str:
    told = (
        f"sums over {len(used)} of {len(processes)} processes, {_amount(used)}; memory is that of"
        " the largest of them, since the log does not tell how many run at a time"
    )
    left_out = [one for one in processes if len(one.found) < FEWEST_CYCLES]
    if not left_out:
        return told
    return f"{told}; the others have less than {FEWEST_CYCLES} cycles each, {_amount(left_out)}"


def _amount(processes: Sequence[Process]) -> str:
    cycles = sum(len(one.found) for one in processes)
    cpu = format_duration(sum(one.gc_cpu for one in processes))
    return f"with {cycles} cycles and {cpu} of GC CPU in the whole log"

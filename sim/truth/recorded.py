"""Recorded runs of real Go programs, and the same figures of simulated ones.

A recorded run is two files: `PROGRAM.pP.gogcG.limL.rR.gctrace` (also `.gz`), what
GODEBUG=gctrace=1 printed (where there are marks, what counts is between `=== begin` and
`=== end`), and the same name with `.json`, its wall time, resident memory and request latencies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from sim.errors import UserError
from sim.formats.gctrace import GCTraceLine, parse
from sim.formats.log import open_log
from sim.results.latency import quantile
from sim.results.result import Result
from sim.units import SECOND, Bytes, KiB, Nanoseconds

_NAME: Final = re.compile(
    r"(?P<program>.+)\.p(?P<procs>\d+)\.gogc(?P<gogc>\d+|off)\.lim(?P<limit>\w+)"
    r"\.r(?P<repetition>\d+)\.gctrace(\.gz)?"
)


class RecordedSetting(NamedTuple):
    """What a program ran under; values are written as in a config."""

    program: str
    gomaxprocs: str
    gogc: str
    gomemlimit: str


class RecordedRun(NamedTuple):
    """A run and where its log is."""

    setting: RecordedSetting
    repetition: int
    log: Path


class RecordedFigures(NamedTuple):
    """What is compared: the measured part of a run. Sizes in bytes, times in seconds."""

    gc_cycles: float
    peak_heap: float
    """Largest heap at the end of marking: the middle of gctrace's three."""
    marked_heap: float
    """Median heap that marking found alive."""
    gc_cpu: float
    """Assist, dedicated, fractional and idle mark workers."""
    worker_cpu: float
    """Dedicated and fractional workers."""
    idle_cpu: float
    assist_cpu: float
    pause_p50: float
    """Of single stops of the world, as all pauses here."""
    pause_p99: float
    latency_p50: float
    """NaN without requests, as all latencies here."""
    latency_p99: float
    latency_p999: float
    wall: float
    peak_rss: float
    """Largest resident memory of the process; NaN where nobody looked."""


UNITS: Final = dict(
    zip(
        RecordedFigures._fields,
        ("", "MiB", "MiB", "s", "s", "s", "s", "us", "us", "ms", "ms", "ms", "s", "MiB"),
        strict=True,
    )
)
"""In what a figure is printed."""
SCALE: Final = {"": 1.0, "MiB": 2.0**20, "s": 1.0, "ms": 1e-3, "us": 1e-6}


def recorded_runs(folder: Path) -> list[RecordedRun]:
    """All runs of a folder in order of their names; UserError if there are none."""
    runs = []
    for log in sorted(folder.glob("*.gctrace*")):
        match = _NAME.fullmatch(log.name)
        if match is None:
            raise UserError(f"{log}: expected a name such as app.p2.gogc100.limnone.r0.gctrace")
        limit = "off" if match["limit"] == "none" else match["limit"]
        setting = RecordedSetting(match["program"], match["procs"], match["gogc"], limit)
        runs.append(RecordedRun(setting, int(match["repetition"]), log))
    if not runs:
        raise UserError(f"{folder}: there are no recorded runs (*.gctrace or *.gctrace.gz)")
    return runs


def read_recorded(folder: Path) -> dict[RecordedSetting, list[RecordedFigures]]:
    """All recorded runs of a folder, repetitions together, in order of their names.

    Raises UserError if there are none.
    """
    runs: dict[RecordedSetting, list[RecordedFigures]] = {}
    for run in recorded_runs(folder):
        runs.setdefault(run.setting, []).append(real_figures(run))
    return runs


def real_figures(run: RecordedRun) -> RecordedFigures:
    """What happened in the measured part; NaN for what was not recorded."""
    facts = recorded_facts(run)
    with open_log(run.log) as lines:
        cycles = [found.line for found in parse(iter(_measured(list(lines))))]
    latency = facts.get("latency_ns") or {}
    return _figures(cycles, latency, float(facts.get("wall_s", np.nan)), _resident(facts))


def recorded_facts(run: RecordedRun) -> Mapping[str, Any]:
    """What was recorded beside the log; empty if nothing was."""
    about = run.log.with_name(re.sub(r"\.gctrace(\.gz)?$", ".json", run.log.name))
    try:
        facts: dict[str, Any] = json.loads(about.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(
            f"{about}: expected what the run of {run.log.name} measured: {error}"
        ) from None
    return facts


def _resident(facts: Mapping[str, Any]) -> Bytes | float:
    """Largest resident memory, at the end of the measured part where it was looked at there."""
    if "maxrss_kb" in facts:
        return int(facts["maxrss_kb"]) * KiB
    return float(facts.get("end", {}).get("maxrss", facts.get("maxrss", np.nan)))


def simulated(result: Result) -> RecordedFigures:
    """The figures of a simulated run from its load on, when stores have been filled.

    They come from its gctrace lines, with all their rounding, as those of a recorded run do.
    """
    requests = result.requests
    begin = _load_begins(result)
    lines = [found.line for found in parse(result.gctrace().splitlines())]
    took = requests["end_ns"] - requests["arrival_ns"]
    latency = {f"{100 * q:g}": quantile(took, q) for q in (0.5, 0.99, 0.999)}
    measured = [line for line in lines if line.at >= begin]
    rss = result.samples["sim:rss:bytes"].max() if len(result.samples) else np.nan
    return _figures(measured, latency, (result.end_ns - begin) / SECOND, float(rss))


def _load_begins(result: Result) -> Nanoseconds:
    """When the first request arrives, or where none has ended, the sample before it."""
    if len(result.requests):
        return int(result.requests["arrival_ns"].min())
    samples = result.samples
    before = samples.loc[samples["/sched/goroutines-created:goroutines"] == 0, "at_ns"]
    return int(before.max()) if len(before) else 0


def median_figures(runs: Sequence[RecordedFigures]) -> RecordedFigures:
    """The median of each figure over repetitions."""
    return RecordedFigures(*np.median(np.array(runs, dtype=float), axis=0).tolist())


def _measured(lines: Sequence[str]) -> Sequence[str]:
    """Lines between the marks; all of them where there are none."""
    begin, end = (
        next((n for n, line in enumerate(lines) if line.startswith(mark)), default)
        for mark, default in (("=== begin", -1), ("=== end", len(lines)))
    )
    return lines[begin + 1 : end]


def _figures(
    cycles: list[GCTraceLine], latency_ns: dict[str, float], wall: float, rss: float
) -> RecordedFigures:
    stops = np.array(
        [[line.stw_sweep_termination, line.stw_mark_termination] for line in cycles]
    ).ravel()
    worker, idle, assist = (
        sum(getattr(line, f"cpu_{kind}") for line in cycles) / SECOND
        for kind in ("background", "idle", "assist")
    )
    marked: list[Bytes] = [line.heap_marked for line in cycles]
    return RecordedFigures(
        gc_cycles=len(cycles),
        peak_heap=max((line.heap_end for line in cycles), default=0),
        marked_heap=float(np.median(marked)) if marked else 0.0,
        gc_cpu=worker + idle + assist,
        worker_cpu=worker,
        idle_cpu=idle,
        assist_cpu=assist,
        pause_p50=_quantile(stops, 0.5) / SECOND,
        pause_p99=_quantile(stops, 0.99) / SECOND,
        latency_p50=latency_ns.get("50", np.nan) / SECOND,
        latency_p99=latency_ns.get("99", np.nan) / SECOND,
        latency_p999=latency_ns.get("99.9", np.nan) / SECOND,
        wall=wall,
        peak_rss=rss,
    )


def _quantile(values: np.ndarray, q: float) -> float:
    return float(np.quantile(values, q)) if len(values) else 0.0

"""Recorded runs of real programs, as predictions are held against them.

A recorded run is `PROGRAM.pP.gogcG.limL.rR.gctrace` (also `.gz`), with `=== begin` and `=== end`
around its measured part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from sim.errors import UserError
from sim.fitting.gctrace_log import read_gctrace
from sim.fitting.settings import parse_gogc, parse_limit, parse_procs
from sim.fluid.setting import Setting
from sim.units import SECOND

_NAME: Final = re.compile(
    r"(?P<program>.+)\.p(?P<procs>\d+)\.gogc(?P<gogc>\d+|off)\.lim(?P<limit>\w+)"
    r"\.r(?P<repetition>\d+)\.gctrace(\.gz)?"
)
_ALLOCATED: Final = "/gc/heap/allocs:bytes"


class Real(NamedTuple):
    """The measured part of a run; bytes and seconds."""

    gc_cycles: float
    peak_heap_bytes: float
    """Largest middle figure of the heap triple."""
    gc_cpu_seconds: float
    """Assist, dedicated, fractional and idle mark time."""
    alloc_bytes: float
    """NaN where nothing but the log was recorded."""
    peak_rss_bytes: float
    """Likewise."""
    wall_seconds: float
    """Likewise."""
    units: float
    """Units of work that the program did, in its own count; likewise."""

    def scaled(self, factor: float) -> Real:
        """What it would have been for so many times the work, or the time."""
        return self._replace(
            gc_cycles=self.gc_cycles * factor,
            gc_cpu_seconds=self.gc_cpu_seconds * factor,
            alloc_bytes=self.alloc_bytes * factor,
            wall_seconds=self.wall_seconds * factor,
            units=self.units * factor,
        )


class RecordedRun(NamedTuple):
    """A run and where its log is."""

    program: str
    setting: Setting
    repetition: int
    log: Path


def recorded_runs(folder: Path) -> list[RecordedRun]:
    """All runs of a folder in order of their names; UserError if there are none."""
    runs = []
    for log in sorted(folder.glob("*.gctrace*")):
        match = _NAME.fullmatch(log.name)
        if match is None:
            raise UserError(f"{log}: expected a name such as app.p2.gogc100.limnone.r0.gctrace")
        setting = Setting(
            parse_gogc(match["gogc"]), parse_limit(match["limit"]), parse_procs(match["procs"])
        )
        runs.append(RecordedRun(match["program"], setting, int(match["repetition"]), log))
    if not runs:
        raise UserError(f"{folder}: there are no recorded runs (*.gctrace or *.gctrace.gz)")
    return runs


def real(run: RecordedRun) -> Real:
    """What happened in the measured part."""
    log = read_gctrace(run.log, fewest=0)
    facts = _facts(run.log)
    cycles = log.lines[log.measured]
    cpu = sum(line.cpu_assist + line.cpu_background + line.cpu_idle for line in cycles)
    return Real(
        gc_cycles=len(cycles),
        peak_heap_bytes=max((line.heap_end for line in cycles), default=0),
        gc_cpu_seconds=cpu / SECOND,
        alloc_bytes=_allocated(facts),
        peak_rss_bytes=_resident(facts),
        wall_seconds=float(facts.get("wall_s", "nan")),
        units=float(facts.get("n", "nan")),
    )


def median(runs: list[Real]) -> Real:
    """The median of each figure over repetitions."""
    return Real(*np.median(np.array(runs, dtype=float), axis=0).tolist())


def _facts(log: Path) -> Mapping[str, Any]:
    """What was recorded beside the log; empty if nothing was."""
    about = log.with_name(re.sub(r"\.gctrace(\.gz)?$", ".json", log.name))
    try:
        facts: dict[str, Any] = json.loads(about.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts


def _allocated(facts: Mapping[str, Any]) -> float:
    try:
        return float(facts["end"][_ALLOCATED] - facts["start"][_ALLOCATED])
    except KeyError:
        return float("nan")


def _resident(facts: Mapping[str, Any]) -> float:
    return float(facts.get("end", {}).get("maxrss", facts.get("maxrss", "nan")))

"""Whether a log and metrics are of one process: sources that contradict each other are refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.errors import UserError
from sim.fitting.gctrace_log import GCTraceLog
from sim.fitting.settings import name_gogc
from sim.fitting.snapshots import CYCLES, MetricsSnapshot
from sim.units import UNLIMITED, MiB, format_bytes

_LIMIT_REACHED = 0.9
"""Of a limit; a live heap of more leaves goals at or above it. A judgement; decides whether a log
and metrics are of one process."""
_GOALS_APART = 4.0
"""A factor between heap goals beyond which they are of other programs. A judgement; decides
likewise."""


def check_same_process(log: GCTraceLog, scrape: MetricsSnapshot, *, given: bool) -> None:
    """Raises UserError with both values where they differ; `given`: somebody says which GOGC is."""
    found = next(_contradictions(log, scrape, given=given), None)
    if found is not None:
        raise UserError(f"the log and the metrics are not of the same process: {found}")


def _contradictions(log: GCTraceLog, scrape: MetricsSnapshot, *, given: bool) -> Iterator[str]:
    values, measured = scrape.values, log.lines[log.measured]
    goals = [line.heap_goal for line in measured]
    procs, gogc = values.get("/sched/gomaxprocs:threads"), values.get("/gc/gogc:percent")
    limit, goal = values.get("/gc/gomemlimit:bytes", 0.0), values.get("/gc/heap/goal:bytes")
    if procs and round(procs) != log.segment.procs:
        yield f"GOMAXPROCS is {log.segment.procs} in the log and {procs:.0f} in the metrics"
    if log.segment.recognised and log.segment.memory_limit is None and not given and gogc:
        known = None if gogc > UNLIMITED else round(gogc)
        if known != log.segment.gogc:
            told, other = name_gogc(log.segment.gogc), name_gogc(known)
            yield f"heap goals of the log follow GOGC={told}, and the metrics say GOGC={other}"
    usual = float(np.median(goals))
    if (
        0 < limit < usual
        and np.median([line.heap_marked for line in measured]) < _LIMIT_REACHED * limit
    ):
        yield (
            f"heap goals of the log are {format_bytes(usual)} as a rule, and GOMEMLIMIT is"
            f" {format_bytes(limit)} in the metrics"
        )
    if goal and not min(goals) / _GOALS_APART - MiB <= goal <= _GOALS_APART * max(goals) + MiB:
        yield (
            f"heap goals are {format_bytes(min(goals))} to {format_bytes(max(goals))} in the log,"
            f" and {format_bytes(goal)} in the metrics"
        )
    if (cycles := values.get(CYCLES)) is not None and cycles < log.lines[0].number:
        yield f"the log begins with cycle {log.lines[0].number}, the metrics count {cycles:.0f}"

"""The interactive model of Go's official GC guide: the baseline for every other prediction.

Marking stops the world and costs the same every time; a cycle starts exactly at the heap goal, and
what it finds alive does not depend on the settings. Source: go.dev/doc/gc-guide.
"""

from __future__ import annotations

from typing import NamedTuple

from sim.fitting.fit import Fit
from sim.replay.setting import Setting
from sim.units import SECOND, MiB

_SMALLEST_GROWTH = MiB
"""Bytes between two cycles, so that their number stays finite."""


class GuideFigures(NamedTuple):
    """Bytes and seconds, for the work of the log."""

    gc_cycles: float
    peak_heap_bytes: float
    gc_cpu_seconds: float
    peak_rss_bytes: float
    """The model says nothing of it: NaN."""


def guide(fit: Fit, setting: Setting) -> GuideFigures:
    """What the guide's model says of another setting, from means over the log."""
    seen, measured = fit.observed, fit.measured
    live = float(seen.marked[measured].mean())
    cost = float(seen.mark_cpu[measured].mean())
    allocated = float(seen.allocated[measured].sum()) * fit.stands_for
    peak = min(
        float("inf") if setting.gogc is None else live + (live + seen.roots) * setting.gogc / 100,
        float("inf") if setting.memory_limit is None else setting.memory_limit - seen.roots,
    )
    cycles = allocated / max(peak - live, _SMALLEST_GROWTH)
    return GuideFigures(cycles, peak, cycles * cost / SECOND, float("nan"))

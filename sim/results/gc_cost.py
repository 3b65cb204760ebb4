"""What garbage collection costs in CPU time."""

from __future__ import annotations

import pandas as pd

from sim.units import Nanoseconds


def gc_cpu(
    cycles: pd.DataFrame, end_ns: Nanoseconds | None = None, begin_ns: Nanoseconds = 0
) -> pd.Series[float]:
    """CPU time of the GC by kind in CPU-ns, and its share of all CPU time since `begin_ns`.

    `fraction` leaves idle workers out, as gctrace's percentage does; `fraction_with_idle` has them.
    All CPU time is GOMAXPROCS until `end_ns`: if not given, until the end of the last cycle, which
    is what gctrace looks back on.

    Source: runtime/mgc.go, gcMarkTermination.
    """
    kinds = {
        "assist": cycles["assist_ns"].sum(),
        "dedicated": cycles["dedicated_ns"].sum(),
        "fractional": cycles["fractional_ns"].sum(),
        "pause": cycles["stw_cpu_ns"].sum(),
    }
    without_idle, idle = sum(kinds.values()), cycles["idle_ns"].sum()
    last = cycles["end_ns"].max() if end_ns is None and len(cycles) else end_ns or 0
    total = (last - begin_ns) * (cycles["procs"].max() if len(cycles) else 0)
    return pd.Series(
        {
            **kinds,
            "idle": idle,
            "total": total,
            "fraction": without_idle / total if total else 0.0,
            "fraction_with_idle": (without_idle + idle) / total if total else 0.0,
        },
        dtype=float,
    )

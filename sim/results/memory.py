"""Where memory goes beyond what the program can reach, and who waits for the allocator's locks."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

_PARTS: Final = ["span_bytes", "live", "dead", "free", "tail", "internal"]


def fragmentation(spans: pd.DataFrame) -> pd.DataFrame:
    """What spans hold, in bytes, at each instant: `span_bytes` = live + dead + free + tail.

    `dead` are objects that nothing reaches and no sweep has freed, `free` slots without an object,
    `tail` ends of spans too short for a slot. `internal` is the part of live and dead beyond what
    was asked for. `overhead` is span_bytes per byte of reachable slots.
    """
    # The end of a run may be the end of a cycle, and is told once more.
    once = spans.drop_duplicates(["at_ns", "span_class"], keep="last")
    parts = once.assign(
        live=once["live_bytes"],
        dead=once["object_bytes"] - once["live_bytes"],
        free=once["span_bytes"] - once["tail_waste_bytes"] - once["object_bytes"],
        tail=once["tail_waste_bytes"],
        internal=once["internal_waste_bytes"],
    )
    sums = parts.groupby("at_ns")[_PARTS].sum()
    return sums.assign(overhead=sums["span_bytes"] / sums["live"].replace(0, np.nan))


def lock_contention(locks: pd.DataFrame) -> pd.DataFrame:
    """Per lock, the one most waited for first: acquisitions, share contended, means in ns."""
    groups = locks.groupby("lock")
    sums = groups[["acquisitions", "contended", "hold_ns", "wait_ns"]].sum()
    frame = pd.DataFrame(
        {
            "acquisitions": sums["acquisitions"],
            "contended": sums["contended"] / sums["acquisitions"],
            "mean_hold_ns": sums["hold_ns"] / sums["acquisitions"],
            "mean_wait_ns": sums["wait_ns"] / sums["acquisitions"],
            "max_wait_ns": groups["max_wait_ns"].max(),
            "wait_ns": sums["wait_ns"],
        }
    )
    return frame.sort_values(["wait_ns", "acquisitions"], ascending=False, kind="stable")

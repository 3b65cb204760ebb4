"""Where memory goes beyond what the program can reach, and who waits for the allocator's locks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from sim.results.result import Result
from sim.units import SECOND, KiB

RARE: Final = 0.01
"""Share of the acquisitions that wait longer than the 99th percentile."""
_SMALL_RUN: Final = 32 * KiB
_PARTS: Final = ["span_bytes", "live", "dead", "free", "tail", "internal"]


_CLASS: Final = "/memory/classes/"


def between_batches(samples: pd.DataFrame) -> pd.DataFrame:
    """Samples whose memory classes and RSS move from one batch of allocation to the next.

    The heap learns of allocation in batches, so that between two of them these columns stand still
    while heap_live, an estimate, grows beyond them. Here they go in straight lines instead: what is
    drawn beside heap_live must not lie below it.
    """
    batch = samples[f"{_CLASS}heap/objects:bytes"].diff().ne(0).cumsum()
    live = samples["sim:heap/live:bytes"]
    stale = live > live.groupby(batch).transform("first")
    columns = [
        name for name in samples.columns if name.startswith(_CLASS) or name == "sim:rss:bytes"
    ]
    known = samples[columns].astype("float64").mask(stale)
    return samples.assign(**known.interpolate(limit_area="inside").ffill())


def heap_over_time(samples: pd.DataFrame) -> pd.DataFrame:
    """The heap in bytes, a row a sample: `mapped` = in_use + idle, idle = free + released.

    `in_use` are spans, `free` pages that can be used at once, `released` those that the OS has to
    provide anew. `stacks` come from the same pages; `rss` is what the OS sees of all memory.
    """
    columns = ("objects", "unused", "free", "released", "stacks")
    heap = pd.DataFrame({name: samples[f"{_CLASS}heap/{name}:bytes"] for name in columns})
    heap["in_use"] = heap["objects"] + heap["unused"]
    heap["idle"] = heap["free"] + heap["released"]
    heap["mapped"] = heap["in_use"] + heap["idle"]
    return heap.assign(total=samples[f"{_CLASS}total:bytes"], rss=samples["sim:rss:bytes"])


def free_memory(free_runs: pd.DataFrame) -> pd.DataFrame:
    """Free pages between spans at each instant, in bytes: all, and how broken up they are.

    `runs` is the number of pieces, `longest` bounds the largest piece, `small` is the memory in
    pieces of at most 32 KiB, of no use for a large object.
    """
    once = free_runs.drop_duplicates(["at_ns", "longest"], keep="last")
    longest = once.groupby("at_ns").agg(
        free_bytes=("free_bytes", "sum"), runs=("runs", "sum"), longest=("longest", "max")
    )
    longest["longest"] = longest[["longest", "free_bytes"]].min(axis=1)
    small = once[once["longest"] <= _SMALL_RUN].groupby("at_ns")["free_bytes"].sum()
    return longest.assign(small=small.reindex(longest.index, fill_value=0))


def thrashing(cycles: pd.DataFrame) -> int:
    """Time in ns of cycles that began sooner after the last one than they took.

    The collector is at work more than half of that time: a live heap near a memory limit.
    """
    took = cycles["end_ns"] - cycles["start_ns"]
    rest = cycles["start_ns"] - cycles["end_ns"].shift()
    return int((took + rest)[rest < took].sum())


def fragmentation(spans: pd.DataFrame, by: Sequence[str] = ("at_ns",)) -> pd.DataFrame:
    """What spans hold, in bytes, at each instant: `span_bytes` = live + dead + free + tail.

    `by` may add "span_class".

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
    sums = parts.groupby(list(by))[_PARTS].sum()
    return sums.assign(overhead=sums["span_bytes"] / sums["live"].replace(0, np.nan))


def lock_contention(locks: pd.DataFrame, ps: int | None = None) -> pd.DataFrame:
    """Per lock, the one most waited for first: acquisitions, share contended, waits in ns.

    `per_second` are acquisitions over the time that the rows are about. `p99_wait_ns` is of all
    acquisitions, if the waits of those that are contended are exponential, as they are in a queue
    with exponential holds; `max_wait_ns` was seen, or is expected where refills go in batches. With
    the number of Ps there is `cpu_share`, what waits take of the time of all Ps, idle or not.
    """
    groups = locks.groupby("lock")
    sums = groups[["acquisitions", "contended", "hold_ns", "wait_ns"]].sum()
    share = sums["contended"] / sums["acquisitions"]
    mean = (sums["wait_ns"] / sums["contended"]).where(sums["contended"] > 0, 0.0)
    # A row belongs to the phase in which it ends, and may have begun before that.
    elapsed = max(1, int(locks["end_ns"].max() - locks["begin_ns"].min())) if len(locks) else 1
    frame = pd.DataFrame(
        {
            "per_second": sums["acquisitions"] * SECOND / elapsed,
            "acquisitions": sums["acquisitions"],
            "contended": share,
            "mean_hold_ns": sums["hold_ns"] / sums["acquisitions"],
            "mean_wait_ns": sums["wait_ns"] / sums["acquisitions"],
            "p99_wait_ns": mean * np.log(np.maximum(share / RARE, 1.0)),
            "max_wait_ns": groups["max_wait_ns"].max(),
            "wait_ns": sums["wait_ns"],
        }
    )
    if ps is not None:
        frame["cpu_share"] = frame["wait_ns"] / (elapsed * ps)
    return frame.sort_values(["wait_ns", "acquisitions"], ascending=False, kind="stable")


def ps_of(run: Result) -> int:
    """GOMAXPROCS at the end of the run."""
    samples = run.samples
    return int(samples["/sched/gomaxprocs:threads"].iloc[-1]) if len(samples) else 1

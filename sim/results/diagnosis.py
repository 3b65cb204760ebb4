"""What was wrong with a run, in words: the finding, its figure and what helps.

Source of the rules behind the findings: runtime/mgclimit.go, runtime/mgcpacer.go,
runtime/mgcscavenge.go; "A Guide to the Go Garbage Collector" (go.dev/doc/gc-guide).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import pandas as pd

from sim.record.facts import Status
from sim.results.gc_cost import gc_cpu
from sim.results.memory import thrashing
from sim.results.result import Result
from sim.units import MAX_INT64, MiB, format_bytes, format_duration

HEAP_MINIMUM: Final = 4 * MiB
"""Least goal at GOGC=100 (runtime/mgcpacer.go: defaultHeapMinimum)."""
ASSISTS_DOMINATE: Final = 0.25
"""Share of the GC's work; the pacer plans for none (mgcpacer.go: gcGoalUtilization)."""
NOTABLE: Final = 0.05
"""A share of time, cycles or memory below which nobody needs to act."""


class Finding(NamedTuple):
    """Something that a reader of the run should know."""

    name: str
    figure: str
    """What happened, with its number."""
    remedy: str

    def __str__(self) -> str:
        return f"{self.name}: {self.figure}. {self.remedy}."


def diagnose(result: Result) -> list[Finding]:
    """What was wrong with a run, the gravest first; empty if nothing was."""
    return [finding for rule in _RULES for finding in rule(result)]


def _oom_killed(result: Result) -> Iterator[Finding]:
    if result.run["status"] != Status.OOM_KILLED:
        return
    yield Finding(
        "OOM-killed",
        f"at {format_duration(result.end_ns)}: {result.run['reason']}",
        _against_kills(result),
    )


def _overloaded(result: Result) -> Iterator[Finding]:
    if result.run["status"] != Status.OVERLOADED:
        return
    yield Finding(
        "overloaded",
        result.run["reason"],
        "Offer less load, give it more Ps or make requests cheaper: its queue only grows",
    )


def _out_of_memory(result: Result) -> Iterator[Finding]:
    if result.run["status"] != Status.OUT_OF_MEMORY:
        return
    yield Finding(
        "out of memory",
        result.run["reason"],
        "Look for what is kept for ever, simulate a shorter time, or set cgroup.memory to what the"
        " machine has, which ends the run as the kernel would",
    )


def _against_kills(result: Result) -> str:
    """A limit helps where there is none; one that is set did not."""
    samples = result.samples
    limit = None if samples.empty else int(samples["/gc/gomemlimit:bytes"].iloc[-1])
    if limit is None or limit >= MAX_INT64:
        return "Set GOMEMLIMIT to about 90 % of the container's memory, or give the container more"
    live = 0 if result.cycles.empty else int(result.cycles["heap_marked"].iloc[-1])
    in_use = int(samples["/memory/classes/heap/objects:bytes"].iloc[-1])
    if in_use > limit:
        return (
            f"GOMEMLIMIT is {format_bytes(limit)}, and the heap was {format_bytes(in_use)}, of"
            f" which the last collection had found {format_bytes(live)} alive: what is allocated at"
            " once does not fit. Drop large objects before their successors are made, or give the"
            " container more"
        )
    return (
        f"GOMEMLIMIT is {format_bytes(limit)}, and the heap was {format_bytes(in_use)}: lower it by"
        " what the process has beside the Go runtime's memory, or give the container more"
    )


def _live_over_limit(result: Result) -> Iterator[Finding]:
    cycles, samples = result.cycles, result.samples
    if cycles.empty or samples.empty:
        return
    limit = int(samples["/gc/gomemlimit:bytes"].iloc[-1])
    over = cycles[cycles["heap_marked"] > limit]
    if over.empty:
        return
    yield Finding(
        "live heap over the limit",
        f"{len(over)} of {len(cycles)} cycles found more alive than GOMEMLIMIT,"
        f" {format_bytes(over['heap_marked'].max())} of {format_bytes(limit)}",
        "No collection can help: raise GOMEMLIMIT above the live heap, or keep less",
    )


def _limiter(result: Result) -> Iterator[Finding]:
    cycles = result.cycles
    limited = cycles[cycles["limiting"] | (cycles["limiter_overflow_ns"].diff() > 0)]
    if limited.empty:
        return
    yield Finding(
        "limiter active",
        f"GC reached half of the CPU, and assists were forbidden, in {len(limited)} of"
        f" {len(cycles)} cycles: the heap may pass its goal",
        "Raise GOMEMLIMIT or lower the live heap",
    )


def _back_to_back(result: Result) -> Iterator[Finding]:
    cycles = result.service("cycles")
    if len(cycles) <= 1:
        return
    share = thrashing(cycles) / int(cycles["end_ns"].iloc[-1] - cycles["end_ns"].iloc[0])
    if share < NOTABLE:
        return
    raised = _what_sets_goals(cycles)
    yield Finding(
        "back-to-back cycles",
        f"in {share:.0%} of the time the next cycle began sooner after the last than it took",
        f"Raise {raised}: it sets the goal",
    )


def _what_sets_goals(cycles: pd.DataFrame) -> str:
    """GOMEMLIMIT or GOGC, whichever set most of them."""
    return "GOMEMLIMIT" if cycles["limit_goal"].mean() > 0.5 else "GOGC"  # noqa: PLR2004


def _assists(result: Result) -> Iterator[Finding]:
    cycles = result.service("cycles")
    cost = gc_cpu(cycles)
    paid = cost[["assist", "dedicated", "fractional", "pause"]].sum()
    share = cost["assist"] / paid if paid else 0.0
    if share <= ASSISTS_DOMINATE:
        return
    parks = cycles["assist_parks"]
    parked = "" if parks.isna().any() else f", and were parked for it {parks.sum():.0f} times"
    yield Finding(
        "assist-dominated",
        f"goroutines that allocate did {share:.0%} of the GC's work themselves{parked}",
        f"Allocate less in bursts, or raise {_what_sets_goals(cycles)}, so that cycles start with"
        " more room",
    )


def _overshoot(result: Result) -> Iterator[Finding]:
    cycles = result.service("cycles")
    cycles = cycles[cycles["reason"] == "heap"]
    beyond = cycles["heap_end"] / cycles["heap_goal"].where(cycles["heap_goal"] > 0) - 1
    bad = beyond[beyond > NOTABLE]
    if len(bad) <= NOTABLE * len(cycles):
        return
    yield Finding(
        "goal overshoot",
        f"{len(bad)} of {len(cycles)} cycles ended more than {NOTABLE:.0%} above their goal, the"
        f" worst {bad.max():.0%}",
        "Leave memory for it; steadier allocation, or more Ps for marking, keep closer to the goal",
    )


def _scavenger(result: Result) -> Iterator[Finding]:
    samples = result.samples
    if samples.empty:
        return
    limit = int(samples["/gc/gomemlimit:bytes"].iloc[-1])
    held = samples["/memory/classes/total:bytes"] - samples["/memory/classes/heap/released:bytes"]
    free = samples["/memory/classes/heap/free:bytes"]
    # Free pages could be given back; what the program holds could not.
    behind = (held > limit) & (free > NOTABLE * limit)
    if behind.mean() < NOTABLE:
        return
    yield Finding(
        "scavenger behind",
        f"in {behind.mean():.0%} of the time memory was above GOMEMLIMIT with up to"
        f" {format_bytes(free[behind].max())} of free pages not yet returned",
        "Lower GOMEMLIMIT by as much, or give the program spare CPU: the scavenger takes 1 %",
    )


def _heap_minimum(result: Result) -> Iterator[Finding]:
    cycles, samples = result.service("cycles"), result.samples
    if cycles.empty or samples.empty:
        return
    gogc = samples["/gc/gogc:percent"].iloc[-1]
    minimum = HEAP_MINIMUM * gogc // 100
    small = cycles[(cycles["heap_goal"] <= minimum) & ~cycles["limit_goal"]]
    # The first goal of every program is the least one.
    if len(small) <= max(1, len(cycles) // 2):
        return
    yield Finding(
        "minimum-heap regime",
        f"{len(small)} of {len(cycles)} cycles had the least goal there is,"
        f" {format_bytes(minimum)}: the live heap is too small for GOGC to matter",
        "GOMEMLIMIT with GOGC=off, or a higher GOGC, collects less often for little memory",
    )


def _idle_workers(result: Result) -> Iterator[Finding]:
    cost = gc_cpu(result.service("cycles"), result.end_ns, result.service_ns)
    idle = cost["fraction_with_idle"] - cost["fraction"]
    if idle < NOTABLE:
        return
    yield Finding(
        "idle workers' CPU",
        f"Ps with nothing else to do spent {idle:.1%} of all CPU time marking, beside"
        f" {cost['fraction']:.1%} that GC is charged for",
        "It costs the program nothing on a machine of its own; on a shared one lower GOMAXPROCS",
    )


def _throttled(result: Result) -> Iterator[Finding]:
    stretches = result.throttles
    lost = int((stretches["end_ns"] - stretches["at_ns"]).sum())
    if not lost:
        return
    yield Finding(
        "throttled",
        f"the CPU quota was used up {len(stretches)} times, and the process stood still for"
        f" {lost / max(result.end_ns, 1):.1%} of the time",
        _against_throttling(result),
    )


def _against_throttling(result: Result) -> str:
    config = result.config
    quota, procs = config["cgroup"]["cpu"], config["GOMAXPROCS"]
    if isinstance(quota, int | float) and procs <= max(1, quota):
        return f"GOMAXPROCS={procs} does not exceed the quota of {quota:g} CPUs: raise the quota"
    return "Set GOMAXPROCS to the quota, or raise the quota"


_RULES: Final[tuple[Callable[[Result], Iterator[Finding]], ...]] = (
    _oom_killed,
    _overloaded,
    _out_of_memory,
    _live_over_limit,
    _limiter,
    _back_to_back,
    _throttled,
    _assists,
    _overshoot,
    _scavenger,
    _heap_minimum,
    _idle_workers,
)

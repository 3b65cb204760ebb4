"""A workload file from a fitted program, for the detailed simulator.

The log says how much is allocated, kept and marked, not in objects of which kind. One kind of
object stands for all, unless a profile knows better; marking a byte of it costs what the log shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.fitting.drift import drift
from sim.fitting.fit import Fit
from sim.fitting.objects import stand_in
from sim.fitting.settings import name_gogc, name_limit
from sim.fitting.variation import variation
from sim.go.kinds import WORD
from sim.machine.profile import MachineProfile
from sim.replay.program import Load
from sim.text import one_line
from sim.units import SECOND, Bytes, KiB, MiB, format_bytes

UNIT_OF_WORK: Final[Bytes] = 256 * KiB
"""Bytes that a request allocates where nobody knows how many requests come. A judgement; moves
latencies, and neither cycles nor memory."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Numbers of a workload file; bytes, ns and per second."""

    unit: Bytes
    """What a unit of work, a request where they are known, allocates."""
    sizes: tuple[tuple[Bytes, float], ...]
    """Sizes of objects and their relative frequency."""
    links: int
    """Pointers in each; its other words are scanned too."""
    cpu_per_unit: float
    live: Bytes
    leak_per_unit: Bytes
    units: int
    """For a busy program: how many make up the work of the log."""
    arrivals: str
    """For a waiting program: how they arrive."""


def shape(fit: Fit, profile: MachineProfile) -> Shape:
    """What the log says, in units of work: requests, where it is known how many come."""
    program = fit.program
    unit = round(program.demand * SECOND / fit.arrivals) if fit.arrivals else UNIT_OF_WORK
    cycles = [s for s in program.cycles if s.measured]
    mark_cost = float(np.mean([s.mark_cost for s in cycles]))
    sizes, links = fit.sizes, 1
    if not sizes:
        objects = stand_in(mark_cost, profile)
        sizes, links = ((objects.size, 1.0),), objects.links
    malloc = _malloc_per_byte(sizes, profile)
    leak = drift(fit)
    return Shape(
        unit=unit,
        sizes=sizes,
        links=links,
        cpu_per_unit=max(0.0, unit * (_cpu_per_byte(fit) - malloc)),
        live=round(leak.at_begin if leak else np.mean([s.live for s in cycles])),
        leak_per_unit=round(unit * leak.per_byte) if leak else 0,
        units=max(1, round((program.end.low - program.begin.low) * fit.stands_for / unit)),
        arrivals=_arrivals(fit, unit),
    )


def _arrivals(fit: Fit, unit: Bytes) -> str:
    """At the rates that the log shows, over and over where they vary."""
    varied = variation(fit)
    if varied is None:
        return f"{{poisson: {fit.program.demand * SECOND / unit:.4g}/s}}"
    rates = ", ".join(f"{rate / unit:.4g}/s" for rate in varied.rates)
    return f"{{varying: {{every: {varied.every}ns, rates: [{rates}]}}}}"


def _cpu_per_byte(fit: Fit) -> float:
    """CPU-ns of the program itself per byte it allocates."""
    program = fit.program
    if program.load is Load.BUSY:
        return program.procs / program.allocation_rate
    return program.demanded_cpus / program.demand


def _malloc_per_byte(sizes: tuple[tuple[Bytes, float], ...], profile: MachineProfile) -> float:
    mean = sum(size * share for size, share in sizes) / sum(share for _, share in sizes)
    return profile.alloc.scan_ns / mean + profile.alloc.byte_ns


@dataclass(frozen=True, slots=True)
class Container:
    """Where the program ran, as far as somebody says so."""

    memory: Bytes | None = None
    cpu: float | None = None


def to_yaml(fit: Fit, source: str, profile: MachineProfile, container: Container) -> str:
    """The workload file, with what was identified, what was assumed, and how to measure it."""
    found = shape(fit, profile)
    run = as_logged(fit, container)
    return "\n".join([*map(one_line, _comments(fit, found, source)), *run, *_body(fit, found), ""])


def as_logged(fit: Fit, container: Container) -> list[str]:
    """The setting of the log: what the file runs under by itself."""
    logged = fit.logged
    limit = "off" if logged.memory_limit is None else name_limit(logged.memory_limit)
    keys = {
        "GOGC": name_gogc(logged.gogc),
        "GOMEMLIMIT": limit,
        "GOMAXPROCS": logged.procs,
        "duration": f"{duration(fit)}s",
    }
    limits = [
        *([f"memory: {format_bytes(container.memory)}"] if container.memory else []),
        *([f"cpu: {container.cpu:g}"] if container.cpu else []),
    ]
    if limits:
        keys["cgroup"] = f"{{{', '.join(limits)}}}"
    return ["settings:  # as logged", *(f"  {key}: {keys[key]}" for key in keys), ""]


def duration(fit: Fit) -> int:
    """Seconds in which the measured course of the log comes to its end, and its last peak with it.

    A batch ends when its work is done, and has twice as long, in case it is simulated as slower.
    """
    program, seen, measured = fit.program, fit.observed, fit.measured
    course = (program.end.high - program.begin.low) * fit.stands_for / program.demand
    begin = seen.at[measured][0] if measured.start else 0.0
    logged = float((seen.at + seen.duration)[measured][-1] - begin)
    times = 2 if program.load is Load.BUSY else 1
    return max(1, math.ceil(times * max(course, logged) / SECOND))


def _comments(fit: Fit, found: Shape, source: str) -> list[str]:
    program = fit.program
    return [
        f"# Fitted from {source}: {fit.cycles} cycles, GOMAXPROCS={program.procs}.",
        "# Identified: allocation rate, live heap, CPU per allocated byte, mark cost.",
        "# Assumed:",
        *(f"#   - {sentence}" for sentence in fit.assumptions),
        *_on_units(fit, found),
        *_on_sizes(fit, found),
        *(f"# Doubt: {sentence}" for sentence in fit.warnings),
    ]


def _on_units(fit: Fit, found: Shape) -> list[str]:
    if fit.arrivals:
        return ["#   - all requests allocate the same, and nothing is done without one"]
    return [
        f"#   - work comes in units of {found.unit // KiB} KiB of allocation, not in requests;",
        "#     latency and throughput of a run are those of units; --arrivals or --trace says how",
        "#     many requests come",
    ]


def _on_sizes(fit: Fit, found: Shape) -> list[str]:
    if fit.sizes:
        return ["#   - every object is scanned whole, and leads to one other"]
    return [
        f"#   - objects of {found.sizes[0][0]} bytes: marking them costs what the log shows;",
        "#     a heap profile (/debug/pprof/heap) says which there are",
    ]


def _object(size: Bytes, share: float, links: int) -> str:
    words = size // WORD
    pointers = f"pointers: {words}, filled: {links / words:.4g}" if words else "pointers: 0"
    return f"    - {{size: {size}B, share: {share:.4g}, {pointers}}}"


def _body(fit: Fit, found: Shape) -> list[str]:
    busy = fit.program.load is Load.BUSY
    load = (
        f"{{goroutine: unit, count: {found.units}, parallel_per_p: 1}}"
        if busy
        else f"{{goroutine: unit, arrivals: {found.arrivals}}}"
    )
    cpu = f"{found.cpu_per_unit:.0f}ns" if busy else f"{{exponential: {found.cpu_per_unit:.0f}ns}}"
    kept = (
        [f"      - work: {{cpu: 0, allocate: {found.leak_per_unit}B, of: object, lives: forever}}"]
        if found.leak_per_unit
        else []
    )
    return [
        "description: Fitted from a gctrace log",
        *([f"globals: {fit.program.roots}B  # and stacks"] if fit.program.roots > MiB else []),
        "",
        "mixes:",
        "  object:",
        *(_object(size, share, found.links) for size, share in found.sizes),
        "",
        "stores:",
        f"  live: {{size: {found.live / MiB:.4g}MiB, of: object}}",
        "",
        "goroutines:",
        "  unit:",
        "    steps:",
        f"      - work: {{cpu: {cpu}, allocate: {found.unit}B, of: object, lives: step}}",
        *kept,
        "",
        "load:",
        f"  units: {load}",
    ]

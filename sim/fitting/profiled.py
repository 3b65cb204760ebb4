"""What a program's own profiles say: what each function allocates, and what of it stays.

The log says how much, how often and at what cost, how the program starts and how it grows; a heap
profile by which functions, in objects of which sizes, and what of it is alive; a trace how many
requests there are. What none of them tells is asked for, in the file itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from sim.config.run import default_marker
from sim.errors import UserError
from sim.fitting.fit import Fit
from sim.fitting.objects import cost_of, stand_in
from sim.fitting.pointers import Pointers, kinds_of, mark_cost, pointers_of
from sim.fitting.sites import Site, Sites, sites
from sim.formats.pprof import read, since
from sim.go.marker.classic import Classic
from sim.go.marker.greentea import GreenTea
from sim.go.mheap import PAGE
from sim.machine.price import OS_PAGE, malloc_ns
from sim.machine.profile import MachineProfile
from sim.replay.program import Load
from sim.units import Bytes, Fraction, KiB, MiB, Nanoseconds

LARGE: Final[Bytes] = 32 * KiB
"""Objects of more have spans of their own (runtime/sizeclasses.go)."""
BUFFER: Final[Bytes] = 32 * KiB
"""Such as programs read files into. A judgement; larger ones waste more of the heap."""
BUFFERS: Final[Fraction] = 0.9
"""Of the cost of the cheapest objects, below which there are buffers. A judgement."""
UNKNOWN: Final = "objects"
"""What is allocated where no profile says by whom."""


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """What is known of the process beside log and heap profile."""

    cpus: float | None = None
    """How many it used on average, collection included."""
    goroutines: int = 0
    """How many there are while it serves."""
    stack: Bytes = 0
    """Of each, on average; 0: nobody knows."""
    ran: Nanoseconds | None = None
    """For how long."""


@dataclass(frozen=True, slots=True)
class Profiled:
    """What was found of a program."""

    fit: Fit
    sites: Sites
    pointers: Pointers
    cpu_per_byte: float
    """CPU-ns of the program itself per byte it allocates, allocation left out."""
    sized: bool
    """Whether a heap profile says which objects there are."""
    waits: float = 0.0
    """ns that a P of a busy program is idle per byte that it allocates."""
    process: ProcessFacts = ProcessFacts()


def sites_of(fit: Fit, path: Path, base: Path | None = None) -> Sites:
    """The functions of a heap profile of the process whose log was fitted.

    With an earlier profile, as `base`, by what they have allocated since. UserError where that is
    nothing.
    """
    seen = fit.observed
    ran = float(seen.at[-1] + seen.duration[-1])
    profile = read(path) if base is None else since(read(base), read(path))
    if not any(sample.alloc_space for sample in profile.samples):
        what = "in it" if base is None else f"after {base}"
        raise UserError(f"{path}: expected a heap profile: nothing was allocated {what}")
    found = sites(profile, round(ran), round(ran / max(len(seen.at), 1)))
    return found if found.passing else replace(found, passing=found.kept or found.set_up)


def profiled(
    fit: Fit,
    found: Sites | None,
    profile: MachineProfile,
    process: ProcessFacts,
) -> Profiled:
    """Put together what log and heap profile say.

    Without the CPUs that the process used, the log's mark phases tell.
    """
    if found is None:
        found, pointers = _unknown(fit, profile)
    else:
        green = default_marker(f"1.{fit.go.newest}").name == "greentea"
        alive = [(one.staying, one.has_pointers) for one in (*found.kept, *found.set_up)]
        mays = alive or [(one.objects, one.has_pointers) for one in found.passing]
        pointers = pointers_of(fit, mays, profile, GreenTea() if green else Classic())
    cpu = _cpu_per_byte(fit, process.cpus)
    cpu -= _malloc_per_byte(found.passing, pointers, profile) + _memory_per_byte(fit, profile)
    return Profiled(
        fit,
        found,
        pointers,
        max(0.0, cpu),
        sized=found.passing[0].function != UNKNOWN,
        waits=_waits(fit, process.cpus),
        process=process,
    )


def _unknown(fit: Fit, profile: MachineProfile) -> tuple[Sites, Pointers]:
    """One kind of object for all, whose marking costs what the log shows.

    In a heap that costs less than any objects with pointers, the rest is buffers.
    """
    cost = max(mark_cost(fit, profile), 1e-3)
    small = stand_in(cost, profile)
    part = min(1.0, cost / cost_of(small, profile))
    some = [_site(UNKNOWN, small.size, part)]
    if part < BUFFERS:
        some.append(_site("buffers", BUFFER, 1 - part))
    return Sites(some, [], some), Pointers(1.0, small.links)


def _site(function: str, size: Bytes, part: Fraction) -> Site:
    site = Site(function, allocated=round(part * MiB), alive=round(part * MiB))
    site.objects[size] = site.staying[size] = round(part * MiB / size)
    return site


def _waits(fit: Fit, cpus: float | None) -> float:
    if cpus is None:
        return 0.0
    seen = fit.observed
    ran = float(seen.at[-1] + seen.duration[-1])
    return max(0.0, fit.program.procs - cpus) * ran / float(seen.allocated.sum())


def _cpu_per_byte(fit: Fit, cpus: float | None) -> float:
    program, seen = fit.program, fit.observed
    if cpus is None:
        if program.load is Load.BUSY:
            return program.procs / program.allocation_rate
        return program.demanded_cpus / program.demand
    ran = float(seen.at[-1] + seen.duration[-1])
    return max(0.0, cpus * ran - float(seen.mark_cpu.sum())) / float(seen.allocated.sum())


def _malloc_per_byte(some: Sequence[Site], pointers: Pointers, profile: MachineProfile) -> float:
    rows = [
        row
        for site in some
        for size, n in site.objects.items()
        for row in kinds_of(size, n, pointers if site.has_pointers else None)
    ]
    size, words, _, weight = np.array(rows, dtype=float).T
    zero = np.zeros_like(size)
    ns = malloc_ns(size, words * 8, np.where(size > LARGE, 1.0, 0.0), zero, profile.alloc)
    return float((ns * weight).sum() / (size * weight).sum())


def _memory_per_byte(fit: Fit, profile: MachineProfile) -> float:
    """CPU-ns of refills, and of pages that are touched for the first time."""
    first = min(1.0, fit.last.peak / float(fit.observed.allocated.sum()))
    return profile.alloc.refill_partial_ns / PAGE + first * profile.page.fault_ns / OS_PAGE


def missing(found: Profiled) -> list[str]:
    """What the files do not tell, and the workload assumes: a sentence each."""
    fit = found.fit
    sentences = [
        *_of_objects(found),
        "what a request waits for (`wait`, `syscall`), and the stacks of goroutines that wait",
        "which objects live until their request ends (`lives: goroutine`) instead of dying at once",
        "how entries of a store are replaced (`replacement`): assumed is at random",
    ]
    if fit.program.load is Load.BUSY:
        sentences.append("how many goroutines work at a time: assumed are as many as there were Ps")
    elif fit.arrivals:
        sentences.append("how requests arrive: assumed is at random, at the rate of the trace")
    else:
        sentences.append("requests: a trace, or --arrivals, says how many come")
    return sentences


def _of_objects(found: Profiled) -> Iterator[str]:
    if not found.sized:
        yield "sizes of objects: a heap profile says which there are"
        return
    sites = (*found.sites.passing, *found.sites.kept, *found.sites.set_up)
    unknown = dict.fromkeys(site.function for site in sites if site.has_pointers)
    one = found.pointers
    yield (
        f"pointers of the objects of {', '.join(unknown)}: assumed are {one.links} that lead on in"
        f" {one.share:.0%} of them, with which marking costs what the log shows"
    )

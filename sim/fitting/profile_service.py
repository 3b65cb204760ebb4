"""The workload of a service: requests at their rate, and beside them the course of the program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from sim.fitting.course import Background, Stretch, background, course
from sim.fitting.profile_parts import name_of, objects, settings, work
from sim.fitting.profiled import LARGE, Profiled
from sim.fitting.sites import Site, Sites
from sim.fitting.workload import UNIT_OF_WORK
from sim.text import one_line
from sim.units import MS, SECOND, Bytes, Fraction, KiB, Nanoseconds

PIECE: Final[Nanoseconds] = 10 * MS
"""In which what a service does beside its requests is done. Chosen as a time slice of Go's."""
USED: Final[Fraction] = 0.75
"""Of a stack, which is doubled when it is full: as likely any part of the upper half."""
IDLE: Final = 3600
"""Seconds that goroutines wait which only wait."""


class Stores(NamedTuple):
    """What a service keeps at the end of its course; bytes."""

    kept: Bytes
    """Of it, what is replaced."""
    set_up: Bytes
    large: Bytes
    """Of what is set up, objects of more than 32 KiB."""
    alive: Bytes
    """Of the functions whose objects are replaced, as the heap profile samples them."""
    turnover: Fraction
    """Of what requests allocate, that replaces it."""


def _stores(sites: Sites, live: Bytes) -> Stores:
    replaced, set_up = (sum(site.alive for site in some) for some in (sites.kept, sites.set_up))
    allocated = [sum(site.allocated for site in some) for some in (sites.kept, sites.passing)]
    kept = round(live * replaced / ((replaced + set_up) or 1))
    turnover = allocated[0] / (sum(allocated) or 1)
    large = sum(
        size * n for site in sites.set_up for size, n in site.staying.items() if size > LARGE
    )
    stays = live - kept if set_up else 0
    return Stores(kept, stays, round(stays * large / (set_up or 1)), replaced or 1, turnover)


def service(found: Profiled) -> Iterator[str]:
    """Requests at their rate, and beside them what the program does in its course."""
    fit, sites = found.fit, found.sites
    whole = course(fit, found.process.ran)
    beside = background(whole)
    unit = round(beside.rate * SECOND / fit.arrivals) if fit.arrivals else UNIT_OF_WORK
    stores = _stores(sites, max(1, sum(one.kept for one in whole)))
    yield from settings(found, sum(one.lasts for one in whole))
    yield from _mixes_and_stores(found, stores)
    yield from ("", "goroutines:", "  request:", "    steps:")
    yield from _request(found, unit)
    if found.process.goroutines:
        yield "  idle:"
        if found.process.stack:
            yield f"    stack: {round(USED * found.process.stack)}B"
        yield from ("    steps:", f"      - wait: {IDLE}s")
    yield from ("  course:", "    steps:")
    yield from _course(found, beside, stores)
    yield from ("", "load:")
    arrivals = f"{{poisson: {beside.rate * SECOND / unit:.4g}/s}}"
    yield f"  requests: {{goroutine: request, arrivals: {arrivals}}}"
    yield "  course: {goroutine: course, count: 1}"
    if found.process.goroutines:
        yield f"  idle: {{goroutine: idle, workers: {found.process.goroutines}}}"


def _mixes_and_stores(found: Profiled, stores: Stores) -> Iterator[str]:
    sites = found.sites
    yield from ("", "mixes:")
    for kind, some in (("passing", sites.passing), ("kept", sites.kept)):
        for site in some:
            yield f"  {name_of(kind, site)}:"
            yield from objects([site], found.pointers, alive=kind == "kept")
    if stores.set_up:
        yield f"  set up:  # by {one_line(', '.join(site.function for site in sites.set_up))}"
        yield from objects(_of_size(sites.set_up, range(LARGE + 1)), found.pointers, alive=True)
    if stores.large:
        some = _of_size(sites.set_up, range(LARGE + 1, 1 << 48))
        yield "  set up first:"
        yield from objects(some, found.pointers, alive=True)
    if sites.kept or stores.set_up:
        yield from ("", "stores:")
    for site in sites.kept:
        name = name_of("kept", site)
        size = max(round(site.alive / stores.alive * stores.kept), KiB)
        yield f"  {name}: {{size: {size}B, of: {name}, filled: false}}"
    for name, size in (("set up", stores.set_up), ("set up first", stores.large)):
        if size:  # twice: as much as comes is kept
            told = f"size: {2 * size}B, of: {name}, replacement: none, filled: false"
            yield f"  {name}: {{{told}}}"


def _of_size(some: Sequence[Site], sizes: range) -> list[Site]:
    """What of these sites is alive, of such sizes."""
    found = []
    for site in some:
        staying = Counter({size: n for size, n in site.staying.items() if size in sizes})
        found.append(replace(site, objects=staying, staying=staying))
    return found


def _request(found: Profiled, unit: Bytes) -> Iterator[str]:
    """One step for what each function allocates; computing is divided by bytes."""
    some = [
        *(("passing", site, "lives: step") for site in found.sites.passing),
        *(("kept", site, f"into: {name_of('kept', site)}") for site in found.sites.kept),
    ]
    total = sum(site.allocated for _, site, _ in some)
    for kind, site, stays in some:
        size = unit * site.allocated / total
        cpu = f"{{exponential: {size * found.cpu_per_byte:.0f}ns}}"
        yield f"      - work: {work(cpu, size, name_of(kind, site), stays)}"


def _course(found: Profiled, beside: Background, stores: Stores) -> Iterator[str]:
    """What is set up, large objects first, and what comes beside requests, stretch by stretch."""
    most = max(found.sites.passing, key=lambda site: site.allocated)
    grown = filled = 0.0
    ahead = float(stores.large)
    if ahead:
        yield f"      - work: {work('0ns', ahead, 'set up first', 'into: set up first')}"
    live = stores.kept + stores.set_up
    for stretch in beside.stretches:
        grown += stretch.kept / live
        filled = min(filled + stores.turnover * beside.rate * stretch.lasts, stores.kept)
        more = max(0.0, grown * stores.kept - filled)
        filled += more
        new = stretch.kept / live * stores.set_up
        small, ahead = max(0.0, new - ahead), max(0.0, ahead - new)
        some = [
            (max(0.0, stretch.allocated - stretch.kept), name_of("passing", most), "lives: step"),
            (small, "set up", "into: set up"),
        ]
        for site in found.sites.kept:
            name = name_of("kept", site)
            some.append((more * site.alive / stores.alive, name, f"into: {name}"))
        yield from _pieces_of(found, stretch, some)


def _pieces_of(
    found: Profiled, stretch: Stretch, some: Sequence[tuple[float, str, str]]
) -> Iterator[str]:
    """Allocations that are spread over a stretch."""
    times = max(1, round(stretch.lasts / PIECE))
    cpu = sum(size for size, *_ in some) * found.cpu_per_byte
    yield "      - repeat:"
    yield f"          times: {times}"
    yield "          steps:"
    for size, of, stays in some:
        if size / times >= 1:
            took = f"{size / times * found.cpu_per_byte:.0f}ns"
            yield f"            - work: {work(took, size / times, of, stays)}"
    yield f"            - wait: {max(0.0, stretch.lasts - cpu) / times:.0f}ns"

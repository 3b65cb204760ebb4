"""The workload of a program that works until it is done: stretches of growth, or pieces of work."""

from __future__ import annotations

from collections.abc import Iterator

from sim.fitting.course import Stretch, WorkInFlight, course, in_flight
from sim.fitting.profile_parts import objects, settings, work
from sim.fitting.profiled import Profiled
from sim.fitting.workload import UNIT_OF_WORK
from sim.units import KiB


def batch(found: Profiled) -> Iterator[str]:
    """Stretch after stretch, each by as many goroutines as there were Ps."""
    sites, lanes = found.sites, found.fit.program.procs
    whole = course(found.fit, found.process.ran)
    yield from settings(found, 4 * lanes * sum(one.lasts for one in whole))
    yield from ("", "mixes:", "  passing:")
    yield from objects(sites.passing, found.pointers, alive=False)
    yield "  kept:"
    staying = [*sites.kept, *sites.set_up] or sites.passing
    yield from objects(staying, found.pointers, alive=True)
    if (pieces := in_flight(found.fit)) is not None:
        yield from _pieces(found, pieces)
        return
    kept = max(sum(one.kept for one in whole), KiB)
    yield from ("", "stores:")
    yield f"  grown: {{size: {kept}B, of: kept, replacement: none, filled: false}}"
    yield from ("", "goroutines:", "  program:", "    steps:")
    for k in range(len(whole)):
        yield f"      - spawn: {{goroutine: stretch-{k + 1}, count: {lanes}}}"
    for k, stretch in enumerate(whole, start=1):
        yield from (f"  stretch-{k}:", "    steps:")
        yield from _stretch(found, stretch, lanes)
    yield from ("", "load:", "  program: {goroutine: program, count: 1}")


def _pieces(found: Profiled, some: WorkInFlight) -> Iterator[str]:
    """Pieces of work of random size, one at a time on each P."""
    size = f"{{lognormal: {{median: {some.median}B, p99: {some.p99}B}}}}"
    median, p99 = (round(nbytes * found.cpu_per_byte) for nbytes in (some.median, some.p99))
    cpu = f"{{lognormal: {{median: {median}ns, p99: {p99}ns}}}}"
    yield from ("", "stores:", f"  base: {{size: {some.base}B, of: kept}}")
    yield from ("", "goroutines:", "  piece:", "    steps:")
    yield f"      - work: {{cpu: {cpu}, allocate: {size}, of: passing, lives: goroutine}}"
    yield from ("", "load:")
    yield f"  pieces: {{goroutine: piece, count: {some.pieces}, parallel_per_p: 1}}"


def _stretch(found: Profiled, stretch: Stretch, lanes: int) -> Iterator[str]:
    times = max(1, round(stretch.allocated / lanes / UNIT_OF_WORK))
    kept, passing = (
        size / lanes / times for size in (stretch.kept, stretch.allocated - stretch.kept)
    )
    yield "      - repeat:"
    yield f"          times: {times}"
    yield "          steps:"
    for size, of, stays in ((passing, "passing", "lives: step"), (kept, "kept", "into: grown")):
        if size >= 1:
            cpu = f"{size * found.cpu_per_byte:.0f}ns"
            yield f"            - work: {work(cpu, size, of, stays)}"
    if found.waits:
        yield f"            - wait: {stretch.allocated / lanes / times * found.waits:.0f}ns"

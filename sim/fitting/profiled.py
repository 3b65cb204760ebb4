"""A workload from a heap profile beside a log: what each function allocates, and what of it stays.

The log says how much, how often and at what cost; the profile by which functions, in objects of
which sizes, and what of it is alive; a trace how many requests there are. What none of them tells
is asked for, in the file itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sim.fitting.fit import Fit
from sim.fitting.sites import Site, Sites, sites
from sim.fitting.workload import Container, Shape, as_logged, shape
from sim.formats.pprof import read
from sim.go.kinds import WORD
from sim.machine.profile import MachineProfile
from sim.text import one_line
from sim.units import MiB

MOST_SIZES: Final = 6
"""Of the objects of a function; others hardly count."""


def sites_of(fit: Fit, path: Path) -> Sites:
    """The functions of a heap profile of the process whose log was fitted."""
    seen = fit.observed
    ran = float(seen.at[-1] + seen.duration[-1])
    return sites(read(path), round(ran), round(ran / max(len(seen.at), 1)))


def missing(fit: Fit, found: Sites) -> list[str]:
    """What the files do not tell, and the workload assumes: a sentence each."""
    unknown = dict.fromkeys(
        site.function for site in (*found.passing, *found.kept, *found.set_up) if site.has_pointers
    )
    sentences = [
        f"pointers of the objects of {', '.join(unknown)}: assumed is one that leads on in each",
        "what a request waits for (`wait`, `syscall`), and the stacks of goroutines that wait",
        "which objects live until their request ends (`lives: goroutine`) instead of dying at once",
        "how entries of a store are replaced (`replacement`): assumed is at random",
    ]
    if fit.arrivals:
        sentences.append("how requests arrive: assumed is at random, at the rate of the trace")
    else:
        sentences.append("requests: a trace, or --arrivals, says how many come")
    return sentences


def to_yaml(
    fit: Fit, found: Sites, source: str, profile: MachineProfile, container: Container
) -> str:
    """The workload file, with what is missing in it as comments."""
    logged = shape(fit, profile)
    head = [
        f"# From {source}: {fit.cycles} cycles, and a heap profile of the same process.",
        *(f"# To supply: {sentence}." for sentence in missing(fit, found)),
        *(f"# Doubt: {sentence}" for sentence in fit.warnings),
    ]
    return "\n".join(
        [*map(one_line, head), *as_logged(fit, container), *_body(fit, logged, found), ""]
    )


def _body(fit: Fit, logged: Shape, found: Sites) -> Iterator[str]:
    stores = [*found.kept, *found.set_up]
    alive = sum(site.alive for site in stores)
    yield "description: Written after a heap profile and a log"
    yield from ("", "mixes:")
    for kind, some in (("passing", found.passing), ("kept", found.kept), ("set up", found.set_up)):
        for site in some:
            yield f"  {_name(kind, site)}:"
            yield from _objects(site)
    yield from ("", "stores:")
    for kind, some in (("kept", found.kept), ("set up", found.set_up)):
        for site in some:
            size = site.alive / alive * logged.live / MiB
            name = _name(kind, site)
            yield f"  {name}: {{size: {max(size, 0.001):.4g}MiB, of: {name}}}"
    yield from ("", "goroutines:", "  request:", "    steps:")
    yield from _steps(fit, logged, found)
    arrivals = (
        f"arrivals: {logged.arrivals}"
        if logged.arrivals and fit.program.load.value == "waiting"
        else f"count: {logged.units}, parallel_per_p: 1"
    )
    yield from ("", "load:", f"  requests: {{goroutine: request, {arrivals}}}")


def _name(kind: str, site: Site) -> str:
    return json.dumps(one_line(f"{site.function}, {kind}"))


def _objects(site: Site) -> Iterator[str]:
    """Its objects, those that make up most of its bytes."""
    most = sorted(site.objects.items(), key=lambda item: -item[0] * item[1])[:MOST_SIZES]
    total = sum(count for _, count in most) or 1
    for size, count in sorted(most):
        words = size // WORD if site.has_pointers else 0
        pointers = f", pointers: {words}, filled: {1 / words:.4g}" if words else ""
        yield f"    - {{size: {size}B, share: {count / total:.4g}{pointers}}}"


def _steps(fit: Fit, logged: Shape, found: Sites) -> Iterator[str]:
    """One step for what each function allocates; computing is divided by bytes."""
    some = [
        *(("passing", site, "lives: step") for site in found.passing),
        *(("kept", site, f"into: {_name('kept', site)}") for site in found.kept),
    ]
    total = sum(site.allocated for _, site, _ in some)
    waiting = fit.program.load.value == "waiting"
    for kind, site, stays in some:
        share = site.allocated / total
        cpu = f"{logged.cpu_per_unit * share:.0f}ns"
        cpu = f"{{exponential: {cpu}}}" if waiting else cpu
        nbytes = round(logged.unit * share)
        yield f"      - work: {{cpu: {cpu}, allocate: {nbytes}B, of: {_name(kind, site)}, {stays}}}"

"""What workload files of services and of batches have in common: settings, objects, steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sim.fitting.pointers import Pointers, kinds_of
from sim.fitting.profiled import Profiled
from sim.fitting.resident import program_at
from sim.fitting.settings import name_gogc, name_limit
from sim.fitting.sites import Site
from sim.fitting.versions import pacer_of
from sim.text import one_line
from sim.units import SECOND, Bytes

MOST_SIZES: Final = 6
"""Of the objects of a function; others hardly count."""
FIRST_MODELLED: Final = 21
"""Go 1.21, the oldest whose spans are modelled."""


def settings(found: Profiled, lasts: float) -> Iterator[str]:
    """The setting of the log, and what the program has beside its heap; it runs for `lasts` ns."""
    fit = found.fit
    logged = fit.logged
    limit = "off" if logged.memory_limit is None else name_limit(logged.memory_limit)
    yield "settings:  # as logged"
    yield f"  GOGC: {name_gogc(logged.gogc)}"
    yield f"  GOMEMLIMIT: {limit}"
    yield f"  GOMAXPROCS: {logged.procs}"
    yield f"  duration: {lasts / SECOND:.4g}s"
    if fit.go.oldest == fit.go.newest:
        yield f'  go: "1.{max(fit.go.newest, FIRST_MODELLED)}"'
        if (pacer := pacer_of(fit.go)) != "go1.27":
            yield f"  gc: {{pacer: {pacer}}}"
    yield ""
    yield "description: Written after a program's own profiles"
    yield f"globals: {fit.program.roots}B  # and stacks"
    if fit.resident is not None:
        yield f"file: {program_at(0.5, fit.last, fit.overheads, fit.resident)}B"
    elif not fit.program_assumed:
        yield f"file: {fit.overheads.program}B"


def objects(some: Sequence[Site], pointers: Pointers, *, alive: bool) -> Iterator[str]:
    """Their objects, or those of them that are alive, the ones that make up most of their bytes."""
    rows: dict[tuple[Bytes, int, float], float] = {}
    for site in some:
        objects = (site.staying if alive else None) or site.objects
        for size, words, filled, n in kinds(site, objects, pointers):
            rows[size, words, filled] = rows.get((size, words, filled), 0.0) + n
    most = sorted(rows.items(), key=lambda item: -item[0][0] * item[1])
    most = most[: 2 * MOST_SIZES * (1 if len(some) == 1 else 3)]
    total = sum(n for _, n in most) or 1
    for (size, words, filled), n in sorted(most):
        told = f", pointers: {words}, filled: {filled:.4g}" if words else ""
        yield f"    - {{size: {size}B, share: {n / total:.4g}{told}}}"


def kinds(
    site: Site, objects: Mapping[Bytes, int], pointers: Pointers
) -> list[tuple[Bytes, int, float, float]]:
    """The kinds of these objects of it, with their frequencies."""
    one = pointers if site.has_pointers else None
    return [row for size, n in objects.items() if n for row in kinds_of(size, n, one)]


def name_of(kind: str, site: Site) -> str:
    """Of the mix, and the store, of what a function allocates."""
    return json.dumps(one_line(f"{site.function}, {kind}"))


def work(cpu: str, size: float, of: str, stays: str) -> str:
    """A step that allocates."""
    return f"{{cpu: {cpu}, allocate: {round(size)}B, of: {of}, {stays}}}"

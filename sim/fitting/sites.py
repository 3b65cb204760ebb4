"""Where a heap profile says that objects come from, and for how long they stay."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

from sim.formats.pprof import HeapProfile, HeapSample
from sim.units import Bytes, Nanoseconds

MOST_SITES: Final = 8
"""Functions that are told apart; what others allocate is summed up."""
OTHERS: Final = "others"
STAYED: Final = 0.9
"""Of what a call path has allocated: with so much alive it is no turnover, but what was set up.
A judgement; larger lets the remainder of a start-up come again and again."""
OF_THE_PROFILER: Final = re.compile(r"runtime/(pprof|trace)\.")
"""What recording allocates is no part of the program."""
BYTES_ONLY: Final = re.compile(
    r"(buffers|bytes|strings|strconv|bufio|hex|base64)\b|io\.(ReadAll|CopyBuffer|copyBuffer)|os\.ReadFile"
    r"|internal/bytealg\.|encoding/(hex|base64)\.|encoding/json\.\(\*Decoder\)\.refill"
)
"""Functions of the standard library that allocate text and buffers (their sources of Go 1.27)."""


@dataclass(slots=True)
class Site:
    """A function that allocates, and what of it comes and goes, or stays."""

    function: str
    allocated: Bytes = 0
    """Since the program started."""
    alive: Bytes = 0
    """At the end of the last cycle."""
    objects: Counter[Bytes] = field(default_factory=Counter)
    """How many of each size were allocated."""
    staying: Counter[Bytes] = field(default_factory=Counter)
    """How many of each size are alive."""

    @property
    def has_pointers(self) -> bool:
        """As far as the name of the function tells."""
        return BYTES_ONLY.match(self.function) is None

    def add(self, sample: HeapSample) -> None:
        """Count what one call path has allocated of a size."""
        self.allocated += sample.alloc_space
        self.alive += sample.inuse_space
        size = sample.size or round(sample.alloc_space / max(sample.alloc_objects, 1))
        self.objects[size] += sample.alloc_objects
        self.staying[size] += sample.inuse_objects


@dataclass(frozen=True, slots=True)
class Sites:
    """The functions of a profile, the largest first."""

    passing: list[Site]
    """Of call paths whose objects are dead by the next cycle, on average."""
    kept: list[Site]
    """Of those whose objects replace others, which have lived for longer."""
    set_up: list[Site]
    """Of those whose objects are nearly all alive still."""


def sites(profile: HeapProfile, ran: Nanoseconds, cycle: Nanoseconds) -> Sites:
    """Tell call paths apart by how long their objects live: what is alive, by what comes a second.

    Little's law. `ran`: for how long the program had run; `cycle`: from one collection to the next.
    """
    paths: defaultdict[tuple[str, ...], list[HeapSample]] = defaultdict(list)
    for sample in profile.samples:
        if (sample.alloc_space or sample.inuse_space) and not OF_THE_PROFILER.match(
            sample.function
        ):
            paths[sample.stack].append(sample)
    kinds: tuple[dict[str, Site], ...] = ({}, {}, {})
    for samples in paths.values():
        allocated = sum(sample.alloc_space for sample in samples)
        stays = sum(sample.inuse_space for sample in samples) / max(allocated, 1)
        kind = kinds[2 if stays > STAYED else 1 if stays * ran > cycle else 0]
        name = samples[0].function or OTHERS
        for sample in samples:
            kind.setdefault(name, Site(name)).add(sample)
    return Sites(*(_largest(list(kind.values())) for kind in kinds))


def _largest(found: list[Site]) -> list[Site]:
    """The largest ones, and all others as one."""
    found.sort(key=lambda site: (-site.allocated, site.function))
    rest = Site(OTHERS)
    for site in found[MOST_SITES:]:
        rest.allocated += site.allocated
        rest.alive += site.alive
        rest.objects.update(site.objects)
        rest.staying.update(site.staying)
    return [*found[:MOST_SITES], *([rest] if rest.allocated else [])]

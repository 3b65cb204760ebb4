"""Memory beside the heap, where nobody measured it.

By what marking costs, a byte of large objects costs little and has little beside it; by the version
of Go, which decides how large the tables of the collector are.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from sim.config.machine import load_profile
from sim.fitting.gctrace_log import GoVersions
from sim.machine.profile import DEFAULT, MachineProfile
from sim.replay.memory import Overheads
from sim.units import Bytes, Fraction, KiB, MiB

SPAN_OVERHEAD: Final[Fraction] = 0.016
"""Share of a heap for tails, headers and bitmaps in spans. Chosen in the middle of the 0 to 0.03 of
heaps of small objects; moves peak heap and live heap by as much."""
OLD_BITMAPS: Final = range(18, 21)
"""Go 1.18 to 1.20 map 5 MiB more for the collector: `go_memstats_gc_sys_bytes` of published scrapes
of small processes is 8.7 to 9.4 MB there, 3.2 to 3.9 MB in Go 1.12 to 1.14 and 1.21 to 1.26."""
BITMAPS: Final[Bytes] = 5 * MiB
CACHED: Final[Bytes] = 144 * KiB
"""Free slots in the spans that a P caches, which count as allocated (runtime/mcache.go, refill): of
some 36 kinds of spans that a program uses at a time, half of 8 KiB each."""
_LIKELY: Final[Fraction] = 0.5
_SMALL_OBJECT: Final[Bytes] = KiB
"""Bytes; objects up to here share spans of 8 KiB; larger ones leave less beside them, byte for byte
(runtime/sizeclasses.go)."""
_LARGEST: Final = float("inf")
"""Bytes beside one of a program whose objects are all beside it."""


def _object_size(mark_cost: float, profile: MachineProfile) -> float:
    """Bytes of an object with one pointer of which marking costs so many ns a byte."""
    per_object = profile.mark.object_ns + profile.mark.pointer_ns
    rest = mark_cost - profile.mark.byte_ns
    return per_object / rest if rest > 0 else _LARGEST


def smallness(mark_cost: float) -> Fraction:
    """What a heap has of the overheads of small objects, by its mark cost in ns per live byte."""
    return min(1.0, _SMALL_OBJECT / _object_size(mark_cost, _usual_machine()))


def assumed_overheads(mark_cost: float, stacks_scanned: float, go: GoVersions) -> Overheads:
    """Memory beside such a heap, of the likelier versions; stacks are half empty."""
    usual, small = Overheads(), smallness(mark_cost)
    found = Overheads(
        fixed=usual.fixed + round(2 * stacks_scanned),
        share=usual.share * small,
        unused=usual.unused * small,
    )
    return with_bitmaps(found) if chance_of_bitmaps(go) > _LIKELY else found


def with_bitmaps(overheads: Overheads) -> Overheads:
    """The same in a version with the large bitmaps, which hardly anything writes to."""
    return replace(
        overheads,
        fixed=overheads.fixed + BITMAPS,
        untouched=overheads.untouched + BITMAPS,
    )


def chance_of_bitmaps(go: GoVersions) -> Fraction:
    """That the version of a log has the large bitmaps, all that are possible being as likely."""
    versions = range(go.oldest, go.newest + 1)
    return sum(version in OLD_BITMAPS for version in versions) / len(versions)


@cache
def _usual_machine() -> MachineProfile:
    return load_profile(DEFAULT)

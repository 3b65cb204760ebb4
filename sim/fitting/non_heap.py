"""Memory beside the heap, by what marking costs: a byte of large objects costs little."""

from __future__ import annotations

from functools import cache
from typing import Final

from sim.config.machine import load_profile
from sim.machine.profile import DEFAULT, MachineProfile
from sim.replay.memory import Overheads
from sim.units import Bytes, Fraction, KiB

SPAN_OVERHEAD: Final[Fraction] = 0.016
"""Tails, headers and bitmaps in spans: 0 to 0.03 of a heap of small objects."""
_SMALL: Final[Bytes] = KiB
"""Objects up to here share spans of 8 KiB; larger ones leave less beside them, byte for byte."""
_LARGEST: Final = float("inf")


def _object_size(mark_cost: float, profile: MachineProfile) -> float:
    """Bytes of an object with one pointer of which marking costs so many ns a byte."""
    per_object = profile.mark.object_ns + profile.mark.pointer_ns
    rest = mark_cost - profile.mark.byte_ns
    return per_object / rest if rest > 0 else _LARGEST


def smallness(mark_cost: float) -> Fraction:
    """What a heap has of the overheads of small objects, by its mark cost in ns per live byte."""
    return min(1.0, _SMALL / _object_size(mark_cost, _usual_machine()))


def assumed_overheads(mark_cost: float, stacks_scanned: float) -> Overheads:
    """Memory beside such a heap, where nobody measured it; stacks are half empty."""
    usual, small = Overheads(), smallness(mark_cost)
    return Overheads(
        fixed=usual.fixed + round(2 * stacks_scanned),
        share=usual.share * small, unused=usual.unused * small,
    )  # fmt: skip


@cache
def _usual_machine() -> MachineProfile:
    return load_profile(DEFAULT)

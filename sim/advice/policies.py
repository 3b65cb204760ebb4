"""Policies by the names under which people discuss them."""

from __future__ import annotations

from typing import NamedTuple

from sim.replay.setting import Setting
from sim.units import Bytes, Fraction, MiB

BALLAST_SHARE: Fraction = 0.25
"""Share of the memory that ballast is. A judgement; an alternative that is shown, and moves nothing
else."""
TUNED_SHARE: Fraction = 0.7
"""Share of the memory that a tuner of GOGC aims at. A judgement; likewise."""


class NamedPolicy(NamedTuple):
    """A policy for a container."""

    name: str
    setting: Setting


def named_policies(memory: Bytes, procs: int) -> list[NamedPolicy]:
    """The known ones, for a container of that much memory."""
    ninety = whole_mib(0.9 * memory)
    return [
        NamedPolicy("default: GOGC=100", Setting(100, None, procs)),
        NamedPolicy("GOGC=100, limit at 90 %", Setting(100, ninety, procs)),
        NamedPolicy("GOGC=off, limit at 90 %", Setting(None, ninety, procs)),
        NamedPolicy(
            f"ballast of {BALLAST_SHARE:.0%}",
            Setting(100, None, procs, ballast=whole_mib(BALLAST_SHARE * memory)),
        ),
        NamedPolicy(
            f"tuner of GOGC to a heap of {TUNED_SHARE:.0%}",
            Setting(100, None, procs, tuned_heap=whole_mib(TUNED_SHARE * memory)),
        ),
    ]


def whole_mib(size: float) -> Bytes:
    """Rounded down to MiB, at least one."""
    return max(1, int(size) // MiB) * MiB

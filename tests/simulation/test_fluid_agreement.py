"""The fluid mode beside the detailed one: who tunes with it must know how far it may be off."""

from __future__ import annotations

from typing import Final, NamedTuple

import pytest
from agreement import NAMES, agreement

SEEDS: Final = (1, 2)
ALIKE: Final = ("busy-store", "cache", "connections")
"""Long runs whose seeds hardly differ: one is enough."""


class Bounds(NamedTuple):
    """Largest relative differences of the means over the seeds.

    The aim is 3 %. Beyond that there is the difference in docs/fluid.md, and twice the uncertainty
    of the mean of two seeds: 1.4 of the spread between seeds there. Peaks of grpc-fanout differ by
    3 % between seeds of the fluid mode, which is more than between those of the detailed one.
    """

    cycles: float = 0.035
    peak_heap: float = 0.04
    gc_cpu: float = 0.045


BOUNDS: Final = {
    "cache": Bounds(gc_cpu=0.08),
    "cron-bursts": Bounds(cycles=0.05, gc_cpu=0.09),
    "deep-stacks": Bounds(gc_cpu=0.055),
    "every-second": Bounds(gc_cpu=0.1),
    "garbage64": Bounds(peak_heap=0.055, gc_cpu=0.05),
    "grpc-fanout": Bounds(cycles=0.05, peak_heap=0.06, gc_cpu=0.065),
    "hbsteady": Bounds(peak_heap=0.085, gc_cpu=0.09),
    "metrics-store": Bounds(cycles=0.05, peak_heap=0.06, gc_cpu=0.07),
    "shrink": Bounds(gc_cpu=0.06),
    "slow-leak": Bounds(gc_cpu=0.06),
    "small-proxy": Bounds(gc_cpu=0.05),
    "steady-leak": Bounds(gc_cpu=0.155),
}
"""Where seeds differ much, or the aim is missed; docs/fluid.md says why."""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES)
def test_both_modes_agree(name: str) -> None:
    found = agreement(name, SEEDS[:1] if name in ALIKE else SEEDS)
    bounds = BOUNDS.get(name, Bounds())
    assert abs(found.error("cycles")) <= max(bounds.cycles, found.one_cycle)
    assert abs(found.error("peak_heap")) <= bounds.peak_heap
    assert abs(found.error("gc_cpu")) <= bounds.gc_cpu

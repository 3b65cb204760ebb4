"""What a write barrier promises."""

from __future__ import annotations

from sim.go.barrier import Barrier
from sim.testing.promise import checker


def check_barrier(barrier: Barrier) -> None:
    """AssertionError unless the barrier keeps `sim.go.barrier.Barrier`: rules that never change."""
    promise = checker(barrier)
    shaded, rescans = barrier.shaded_pointers, barrier.rescans_stacks
    promise(
        isinstance(shaded, int) and not isinstance(shaded, bool) and shaded >= 0,
        f"shaded_pointers is a count of pointers, got {shaded!r}",
    )
    promise(isinstance(rescans, bool), f"rescans_stacks is True or False, got {rescans!r}")
    promise(
        (barrier.shaded_pointers, barrier.rescans_stacks) == (shaded, rescans),
        "its rules are the same whenever they are asked for",
    )

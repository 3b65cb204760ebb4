"""A program that is offered more than it can do: its goroutines wait, more and more of them."""

from __future__ import annotations

from typing import Final

from sim.actors.world import World
from sim.record.facts import Status
from sim.runtime.state import Stopped
from sim.units import format_duration

MOST_GOROUTINES: Final = 2_000_000
"""At the same time; each is an object of the simulator of about a kilobyte."""


def check_overload(world: World) -> None:
    """End the run where more goroutines exist than it holds: what there is stays."""
    if world.sched.goroutines > MOST_GOROUTINES and not world.finished.triggered:
        reason = (
            f"stopped after {format_duration(world.env.now)}: more than {MOST_GOROUTINES:,}"
            " goroutines exist at the same time, because more is started than the Ps finish"
        )
        world.finished.succeed(Stopped(Status.OVERLOADED, reason))

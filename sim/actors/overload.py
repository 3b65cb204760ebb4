"""A program that is offered more than it can do: its goroutines wait, more and more of them."""

from __future__ import annotations

from typing import Final

import simpy

from sim.engine.clock import ProcessClock
from sim.record.facts import Status
from sim.runtime.state import Stopped
from sim.units import format_duration

MOST_GOROUTINES: Final = 2_000_000
"""Goroutines at the same time; each is an object of the simulator of about a kilobyte. Chosen as
what 2 GiB hold."""


def check_overload(goroutines: int, clock: ProcessClock, finished: simpy.Event) -> None:
    """End the run where more goroutines exist than it holds: what there is stays."""
    if goroutines > MOST_GOROUTINES and not finished.triggered:
        reason = (
            f"stopped after {format_duration(clock.now)}: more than {MOST_GOROUTINES:,}"
            " goroutines exist at the same time, because more is started than the Ps finish"
        )
        finished.succeed(Stopped(Status.OVERLOADED, reason))

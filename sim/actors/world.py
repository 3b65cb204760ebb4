"""The parts of a run with goroutines on Ps. Data only: each part has its own writer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import simpy

from sim.actors.kinds import KindColumns
from sim.actors.locks import Locks
from sim.actors.malloc import Allocator
from sim.actors.memory import Memory
from sim.actors.prices import Prices
from sim.actors.retention import Retention
from sim.actors.scavenging import Scavenging
from sim.actors.stacks import GoroutineStacks
from sim.actors.state import G, MarkPhase, Scheduler
from sim.actors.sweeping import Sweeping
from sim.engine.clock import Clock
from sim.machine.profile import MachineProfile
from sim.runtime.memory import MemoryAccounts
from sim.runtime.state import GC, Container, Runtime, Switches
from sim.streams import Streams


@dataclass
class World:
    """One run, for those who follow goroutines through all of it."""

    runtime: Runtime
    env: Clock
    gomaxprocs: int
    machine: MachineProfile
    switches: Switches
    streams: Streams
    emit: Callable[[Any], None]
    container: Container
    gc: GC
    finished: simpy.Event
    """The end of the run; its value is the verdict if the process was killed."""
    pacer_name: str
    sched: Scheduler
    mark: MarkPhase
    kinds: KindColumns
    memory: Memory
    stacks: GoroutineStacks
    prices: Prices
    locks: Locks
    retention: Retention
    sweeping: Sweeping
    scavenging: Scavenging
    allocator: Allocator
    sweeper: G
    scavenger: G
    finalizer: G
    new_goroutine: Callable[[str], G]
    """Makes a goroutine of a kind. Set by the build."""
    accounts: MemoryAccounts = field(init=False)
    """Where all memory is. Set by the build."""
    timeline: bool = False
    """Tell what each P does when."""

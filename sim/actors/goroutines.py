"""The life of goroutines: started, blocked, ready again, ended (runtime/proc.go)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import simpy

from sim.actors.overload import check_overload
from sim.actors.retention import Retention
from sim.actors.scheduler import Scheduler
from sim.actors.stacks import GoroutineStacks
from sim.actors.state import Body, G, P
from sim.engine.clock import ProcessClock
from sim.units import Bytes


class CompiledStep(Protocol):
    """What a goroutine of the program does next (see `sim.actors.steps`)."""

    def run(self, g: G) -> Body:
        """Do it."""


class CompiledKind(NamedTuple):
    """A kind of goroutine of the program, ready to be started."""

    stack: Bytes
    """Stack that it uses while it runs."""
    idle_stack: Bytes
    """While it is blocked."""
    steps: tuple[CompiledStep, ...]


class Goroutines:
    """Who exists, and who is blocked."""

    def __init__(
        self,
        clock: ProcessClock,
        sched: Scheduler,
        stacks: GoroutineStacks,
        retention: Retention,
        finished: simpy.Event,
    ) -> None:
        self._clock, self._sched, self._finished = clock, sched, finished
        self._stacks, self._retention = stacks, retention
        self.kinds: dict[str, CompiledKind] = {}
        """Those of the program. Written once, by `sim.actors.compiler`."""
        self.count = 0
        """Goroutines that have begun and not ended."""
        self.created = 0
        """Goroutines of the program that have been made."""

    # -- begin and end -----------------------------------------------------------------------

    def new(self, kind: str) -> G:
        """A goroutine of the program, which does not run yet."""
        self.created += 1
        stack, idle_stack, steps = self.kinds[kind]
        g = G(self.created, kind, stack=stack, idle_stack=idle_stack)
        g.body = follow(g, steps)
        return g

    def request(self, load: str, kind: str) -> G:
        """One that arrives just now as a request of a load."""
        g = self.new(kind)
        g.load, g.arrival = load, self._clock.now
        return g

    def spawn(self, g: G, p: P | None) -> None:
        """Start a goroutine (runtime/proc.go: newproc)."""
        self._begin(g)
        self._sched.ready(g, p)

    def spawn_by_timer(self, g: G, p: P) -> None:
        """A timer of a P starts a goroutine."""
        self._begin(g)
        self._sched.ready_by_timer(g, p)

    def _begin(self, g: G) -> None:
        """A goroutine comes into being, with a stack."""
        self.count += 1
        self._stacks.take(g)
        check_overload(self.count, self._clock, self._finished)

    def finish(self, g: G) -> None:
        """The goroutine has ended (runtime/proc.go: goexit)."""
        self.count -= 1
        self._retention.let_go_of_all(g)
        self._stacks.end(g)
        g.body = None
        assert g.p is not None
        if g.on_end is not None:
            g.on_end(g.p)
        if g.parent is not None:
            g.parent.children -= 1
            if g.parent.children == 0 and g.parent.waiting:
                self.unblock(g.parent, g.p)

    # -- blocked and ready again -------------------------------------------------------------

    def block(self, g: G) -> None:
        """From now on the goroutine waits for something other than a P (gopark)."""
        g.waiting, g.blocked_at = True, self._clock.now
        self._stacks.use(g, g.idle_stack)

    def unblock(self, g: G, p: P | None) -> None:
        """End a blocked stretch and make the goroutine runnable (goready)."""
        self._end_wait(g)
        self._sched.ready(g, p)

    def unblock_by_timer(self, g: G, p: P) -> None:
        """End a blocked stretch because a timer of a P has fired."""
        self._end_wait(g)
        self._sched.ready_by_timer(g, p)

    def _end_wait(self, g: G) -> None:
        """What the goroutine blocked for has come."""
        g.waiting = False
        g.blocked += self._clock.now - g.blocked_at
        self._stacks.use(g, g.stack)

    def go_on(self, g: G) -> None:
        """End a blocked stretch in which the goroutine has kept its P."""
        self._end_wait(g)

    def return_without_p(self, g: G) -> None:
        """A system call is over whose P has been taken away (runtime/proc.go: exitsyscall)."""
        self._end_wait(g)
        self._sched.ready_on_its_thread(g)

    def wait_for(self, g: G, event: simpy.Event) -> Body:
        """Block until an event fires."""
        self.block(g)
        assert event.callbacks is not None
        event.callbacks.append(lambda _: self.unblock(g, None))
        yield None


def follow(g: G, steps: tuple[CompiledStep, ...]) -> Body:
    """The body of a goroutine of the program: do the steps in order."""
    for step in steps:
        yield from step.run(g)

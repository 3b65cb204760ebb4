"""Load: who starts goroutines of the program, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import simpy
from numpy.typing import NDArray

from sim.actors.goroutines import Goroutines
from sim.actors.scheduler import Scheduler
from sim.actors.state import Draw, P
from sim.engine.clock import ProcessClock
from sim.runtime.state import Process


@dataclass(frozen=True)
class OpenLoad:
    """Requests at given instants, whatever the program does."""

    name: str
    kind: str
    times: Callable[[], Iterator[NDArray[Any]]]
    by_timer: bool
    clock: ProcessClock
    sched: Scheduler
    goroutines: Goroutines

    def run(self) -> Process[None]:
        """Start a goroutine at every arrival."""
        clock, goroutines = self.clock, self.goroutines
        begin, last = clock.now, None
        for block in self.times():
            for at in block.tolist():
                delay = begin + at - clock.now
                if delay > 0:
                    yield clock.timeout(delay)
                g = goroutines.request(self.name, self.kind)
                if self.by_timer:
                    goroutines.spawn_by_timer(g, (last and last.p) or self.sched.ps[0])
                    last = g
                else:
                    goroutines.spawn(g, None)


@dataclass(frozen=True)
class ClosedLoad:
    """Workers that send the next request a think time after the last one has ended."""

    name: str
    kind: str
    workers: int
    think: Draw
    clock: ProcessClock
    goroutines: Goroutines

    def run(self) -> Process[None]:
        """Start the workers; each goes on for ever."""
        for _ in range(self.workers):
            self._send_next(None)
        yield self.clock.timeout(0)

    def _send_next(self, p: P | None) -> None:
        """After a think time a worker sends its next request; without one at once, on its P."""
        pause = round(self.think())
        if pause > 0:
            timer = self.clock.timeout(pause)
            timer.callbacks.append(lambda _: self._send(None))
        else:
            self._send(p)

    def _send(self, p: P | None) -> None:
        """One request of a worker."""
        g = self.goroutines.request(self.name, self.kind)
        self.goroutines.spawn(g, p)
        g.on_end = self._send_next


@dataclass(frozen=True)
class BatchLoad:
    """A fixed number of goroutines, some of them at the same time."""

    name: str
    kind: str
    count: int
    lanes: int
    """How many run at the same time."""
    clock: ProcessClock
    goroutines: Goroutines

    def run(self) -> Process[None]:
        """Run the goroutines, and end when all of them have ended."""
        share, rest = divmod(self.count, self.lanes)
        lanes = [self._run_lane(share + (lane < rest)) for lane in range(self.lanes)]
        yield simpy.AllOf(self.clock, lanes)

    def _run_lane(self, count: int) -> simpy.Event:
        """One after the other, on the P of the one before; the event fires when all have ended."""
        left, ended = count, self.clock.event()

        def start_next(p: P | None) -> None:
            nonlocal left
            if left == 0:
                ended.succeed()
                return
            left -= 1
            g = self.goroutines.request(self.name, self.kind)
            self.goroutines.spawn(g, p)
            g.on_end = start_next

        start_next(None)
        return ended

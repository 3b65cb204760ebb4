"""Who wants the CPU: a source of visits, as rates."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sim.fluid.run_queue import RunQueue
from sim.fluid.visit import Floats, Visit

NEVER: Final = math.inf
MIN_VISITS: Final = 1e-6
"""Visits that are as good as none: a rounding error."""
MIN_RATE_PER_NS: Final = 1e-12
"""Goroutines a ns: one in a quarter of an hour. Guards against dividing by nothing."""


class VisitSource:
    """A source of visits. `plan` says what it wants now, `advance` what it got."""

    def __init__(self, visit: Visit, begin: float) -> None:
        self.visit = visit
        self.begin = begin
        self.wanted = 0.0
        """Ps that it would keep busy."""
        self.speed = 0.0
        """Visits per ns, as planned."""
        self.done = 0.0
        """Visits since the books were last settled."""
        self.backlog = 0.0
        """Visits that wait for a P."""
        self.ended = False
        self.period = NEVER
        """ns after which its rates come again; 0: they do not change; `NEVER`: they do for good."""
        self.regular = False
        """Whether visits come at equal intervals, of which on average half is still to go."""
        self.by_timer = False
        """Whether timers of the program itself start visits."""
        self.by_chance = False
        """Whether visits come by chance: while marking, when their number makes the heap's end."""
        self.queue = RunQueue(visit)
        """What the backlog waits for."""
        self.wake_ns = 0.0
        """How long a goroutine waits for a P that wakes up, on average."""

    def plan(self, now: float, procs: int) -> None:
        """Find out what is wanted."""

    def change(self, speed: float, share: float = 1.0) -> float:
        """ns until what is wanted changes, at this share of so many visits per ns."""
        return NEVER

    def advance(self, now: float, elapsed: float, speed: float) -> float:
        """Time until `now` has passed; returns the visits done."""
        self.done += speed * elapsed
        return speed * elapsed

    def stopped(self, elapsed: float) -> None:
        """Time has passed in which nobody ran."""

    def present(self) -> float:
        """Goroutines between start and end, children left out."""
        visit = self.visit
        running = visit.prices.ns * visit.own / max(visit.weight, MIN_VISITS)
        return self.speed * (running + visit.blocked) + self.backlog

    def number(self, mean: float, rng: np.random.Generator) -> int:
        """Goroutines in flight at one instant, of so many on average."""
        return int(rng.poisson(mean))

    @property
    def number_of_goroutines(self) -> float:
        """Among how many goroutines the work is divided."""
        return NEVER

    def credit_keepers(self, marking_ns: float) -> float:
        """Goroutines per ns that get assist credit and keep the rest of it while they wait.

        One that has allocated since marking began, t ago, has credit left of then. Who has waited
        for a P for q after an exponential wait of mean b has not if that was longer than t - q:
        exp(-(t - q) / b). Whoever got credit hands the rest back when it ends, and of these so many
        have ended as get some, but for exp(-t / d) with d to go.
        """
        lost, runnable = 0.0, self.waiting / max(self.speed * self.visit.runs, MIN_RATE_PER_NS)
        since = max(marking_ns - runnable, 0.0)
        for (before, to_go), runs in self.visit.kept_credit.items():
            lost += runs * math.exp(-since / max(before, 1.0) - marking_ns / max(to_go, 1.0))
        return self.speed * lost

    @property
    def credit_bytes(self) -> float:
        """Bytes that each of them allocates before it waits."""
        return self.visit.prices.slot_bytes / max(self.visit.allocating_runs, MIN_VISITS)

    def late(self) -> Floats:
        """Visits that wait for a P, by the turn that they wait for; all turns wait as long."""
        chance = self.queue.turns.chance
        late: Floats = chance * (self.waiting / float(chance.sum()))
        return late

    @property
    def waiting(self) -> float:
        """Visits that wait for a P."""
        return self.backlog

    def follow(self, ns: float) -> float:
        """Visits that begin within so many ns after another one."""
        return self.speed * ns

    def wait_for_timers(self, ns: float) -> None:
        """Nobody looks at timers at once from now on, but so much later."""

    def look_at_timers(self) -> None:
        """Everybody looks at timers again."""

"""Loads as sources of visits: open and closed flows."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sim.engine.queueing import waiting_for_servers
from sim.fluid.rates import ArrivalRates
from sim.fluid.sources import MIN_VISITS, NEVER, VisitSource
from sim.fluid.visit import Floats, Visit
from sim.go.sysmon import TIME_SLICE

MOST_WORKERS: Final = 4096
"""Of more workers, those that wait by chance do not count."""
MIN_BACKLOG: Final = 1.0
"""Visits; a smaller backlog is served on the way. One whole request; smaller cuts time into steps
that change nothing."""

LEVEL: Final = 1 / 10
"""Of the rate of requests, by how much more may come than are served until a backlog that assists
have made counts as level. A judgement; less adds steps at which nothing changes."""


class OpenFlow(VisitSource):
    """Requests that arrive whether or not the program keeps up."""

    def __init__(
        self,
        visit: Visit,
        begin: float,
        rates: ArrivalRates,
        noise: np.random.Generator,
        *,
        by_timer: bool = False,
    ) -> None:
        super().__init__(visit, begin)
        self._rates, self._noise, self.by_timer = rates, noise, by_timer
        self._unseen_ns = self._unseen = 0.0
        """How long timers go unseen, and the visits that they start."""
        self._ahead = 0.0
        """Visits that have come before their time."""
        self.regular = not rates.random
        self._rate = rates.at(begin)
        self.period = rates.period
        self._now = begin

    def plan(self, now: float, procs: int) -> None:
        """See `VisitSource`."""
        self._now = now
        if now >= self._rate.until - 1:
            self._rate = self._rates.at(now)
        ns = self.visit.prices.ns
        waiting = min(self.backlog, procs) if self.backlog > MIN_BACKLOG else 0.0
        self.wanted = waiting if self._unseen_ns else self._rate.per_ns * ns + waiting

    def change(self, speed: float, share: float = 1.0) -> float:
        """See `VisitSource`: the load changes, or the backlog is gone, or on the way to its level.

        While goroutines assist for a part of their time, b' = r - share (r + b / s): b goes to a
        level within some s / share.
        """
        until = self._rate.until - self._now
        if self._unseen_ns:
            until = min(until, self._unseen_ns)
        ns, falling = self.visit.prices.ns, speed * share - self._rate.per_ns
        if falling > 0:
            until = min(until, self.backlog / falling) if self.backlog > MIN_BACKLOG else until
        elif share < 1 and self._is_far(falling) and speed * ns >= self.wanted * (1 - 1e-9):
            until = min(until, ns / max(share, LEVEL))
        return until

    def advance(self, now: float, elapsed: float, speed: float) -> float:
        """See `VisitSource`."""
        come = self._rate.per_ns * elapsed
        if self.by_chance and not self.regular and come > 0:
            # A sum of so many quantities that differ: nearly a gamma distribution.
            each = 1 + self.visit.scatter
            come = each * float(self._noise.gamma(come / each))
        if self._ahead and not self.by_chance:
            late = min(come, self._ahead)
            self._ahead -= late
            come -= late
        if self._unseen_ns:
            self._unseen += come
            self._unseen_ns = max(self._unseen_ns - elapsed, 0.0)
            come = 0.0
        waiting = come + self.backlog
        on_the_way = self.backlog <= MIN_BACKLOG and self._keeps_up(speed)
        done = waiting if on_the_way else min(speed * elapsed, waiting)
        self.backlog = waiting - done
        if self.backlog < MIN_VISITS:
            self.backlog = 0.0
            self.queue.clear()
        else:
            self.queue.pass_time(come, done)
        self.done += done
        return done

    def late(self) -> Floats:
        """See `VisitSource`: in the order in which they came."""
        return self.queue.counts()

    def hasten(self, visits: float) -> None:
        """So much of a visit is under way beside those that are on average: the rest is later."""
        self._ahead += visits
        self.backlog += visits

    def follow(self, ns: float) -> float:
        """See `VisitSource`: regular ones come one after the other."""
        come = self._rate.per_ns * ns
        return math.floor(come) if self.regular else come

    def wait_for_timers(self, ns: float) -> None:
        """See `VisitSource`."""
        self._unseen_ns = ns if self.by_timer else 0.0

    def look_at_timers(self) -> None:
        """See `VisitSource`."""
        self._wait(self._unseen)
        self._unseen_ns = self._unseen = 0.0

    def _is_far(self, falling: float) -> bool:
        return abs(falling) > LEVEL * self._rate.per_ns

    def _keeps_up(self, speed: float) -> bool:
        return speed >= self._rate.per_ns * (1 - 1e-9)

    def stopped(self, elapsed: float) -> None:
        """See `VisitSource`."""
        self._wait(self._rate.per_ns * elapsed)

    def _wait(self, visits: float) -> None:
        """So many visits come and wait for a P."""
        self.backlog += visits
        self.queue.pass_time(visits, 0.0)


class ClosedFlow(VisitSource):
    """Workers that begin the next visit when the last one has ended, and a think time is over."""

    def __init__(
        self,
        visit: Visit,
        begin: float,
        workers: float,
        think: float = 0.0,
        visits: float = math.inf,
    ) -> None:
        super().__init__(visit, begin)
        self.workers, self.think, self.left = workers, think, visits
        self.period = 0.0 if math.isinf(visits) else NEVER
        self._steady = self._queued = 0.0
        """Visits per ns whose wait ends, and those that wait for a P by chance."""
        self._round_ns = 1.0
        """A visit and its waits, without those for a P."""

    def plan(self, now: float, procs: int) -> None:
        """See `VisitSource`."""
        visit = self.visit
        waits = visit.blocked + self.think
        waits += self.wake_ns * visit.runs if waits else 0.0
        ns = visit.prices.ns
        workers = round(self._together())
        if waits and workers <= MOST_WORKERS:
            self._queued = waiting_for_servers(workers, procs, ns / visit.runs, waits / visit.runs)
        late = self.backlog * visit.runs
        self._round_ns = ns + waits
        self._steady = (self._served() - self.backlog) / self._round_ns
        self.wanted = self._steady * ns + (min(late, procs) if late > MIN_BACKLOG else 0.0)

    @property
    def number_of_goroutines(self) -> float:
        """See `VisitSource`."""
        return self.workers

    def _together(self) -> float:
        """Visits at the same time."""
        return self.workers if self.left >= self.workers else math.ceil(self.left)

    def is_batch_of_few(self, ps: float) -> bool:
        """Whether these are lanes without waits, and fewer than so many Ps."""
        return not self.think and self.workers < ps

    def slice_left(self, now: float, part: float) -> float:
        """ns until a lane schedules: it ends a visit, or a time slice is over."""
        del now
        return -math.log1p(-part) / (1 / self.visit.prices.ns + 1 / TIME_SLICE)

    def _served(self) -> float:
        """Those that do not wait for a P although enough of them are free on average."""
        return max(self._together() - self._queued, 0.0)

    @property
    def waiting(self) -> float:
        """See `VisitSource`."""
        return self.backlog + self._queued

    def change(self, speed: float, share: float = 1.0) -> float:
        """See `VisitSource`: all is done, or nobody is late any more."""
        until = self.left / speed if speed > 0 else NEVER
        if self.backlog * self.visit.runs > MIN_BACKLOG and speed > self._steady:
            rest = self._late_in_the_end(speed)
            if rest < 0:
                until = min(until, self._round_ns * math.log1p(self.backlog / -rest))
        return until

    def _late_in_the_end(self, speed: float) -> float:
        """Who waits for a P when that goes on for ever; less than none if there are Ps for more."""
        return self._served() - speed * self._round_ns

    def advance(self, now: float, elapsed: float, speed: float) -> float:
        """See `VisitSource`: waits end at a rate that falls with the number of those who are late.

        B' = (N - B) / (s + z) - speed, whose solution is exponential.
        """
        done = speed * elapsed
        if self.visit.blocked + self.think:
            rest = self._late_in_the_end(speed)
            late = rest + (self.backlog - rest) * math.exp(-elapsed / self._round_ns)
            self.backlog = min(max(late, 0.0), self.workers)
        self.left -= done
        self.done += done
        if self.left <= MIN_VISITS:
            self.ended = True
        return done

    def stopped(self, elapsed: float) -> None:
        """See `VisitSource`: waits go on, and who has waited long enough is late."""
        if self.visit.blocked + self.think:
            there = self._served()
            ready = -math.expm1(-elapsed / self._round_ns)
            self.backlog += (there - self.backlog) * ready

    def present(self) -> float:
        """See `VisitSource`: all that do not think, wherever they wait."""
        return max(self._together() - self.speed * self.think, 0.0)

    def number(self, mean: float, rng: np.random.Generator) -> int:
        """See `VisitSource`."""
        workers = int(self._together())
        return int(rng.binomial(workers, min(mean / max(workers, 1), 1.0)))

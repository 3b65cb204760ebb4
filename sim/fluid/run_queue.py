"""Visits that the Ps cannot serve at once: which of their turns they wait for."""

from __future__ import annotations

import math
import operator
from collections import deque
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from sim.fluid.visit import Floats, Visit
from sim.go.sysmon import TIME_SLICE

QUEUE_STEPS: Final = 8
"""What is served at a time is at most this part of what waits. A judgement; fewer moves waits."""
MOST_PARCELS: Final = 256
"""Neighbours become one when there are more. A judgement; fewer mix the turns of neighbours."""
OTHER_PRICES: Final = 1 / 4
"""By such a part of itself the time of a visit changes before its turns are found anew. A
judgement; larger cuts runs into time slices at wrong places."""
MIN_WAITING: Final = 1e-9
"""Visits."""
NEGLIGIBLE_RUNS: Final = 1 / 100
"""Share of the runs of a kind which are so long that what they do later does not matter."""
NORMAL: Final = np.array([NormalDist().inv_cdf((i + 0.5) / 64) for i in range(64)])


class Turns(NamedTuple):
    """The turns that a visit takes on Ps: its runs, between waits, in time slices."""

    work: Floats
    """Of a whole visit, what a turn does."""
    goes_on: Floats
    """Chance that the run is not over then."""
    next_run: list[int]
    """The turn that begins the next run; one more than there are after the last."""
    chance: Floats
    """Chance that a visit comes to the turn."""
    begins: Floats
    """Where on the way of a visit it begins, in the units of `Visit.own_along`."""


def turns(visit: Visit) -> Turns:
    """Turns of a visit at its present prices; lengths of runs are lognormal."""
    total, spread = max(visit.prices.ns, 1.0), math.log1p(visit.weight_scatter)
    shape = np.exp(math.sqrt(spread) * NORMAL)
    shape /= shape.mean()
    rows: list[tuple[float, float, float, float]] = []
    next_run: list[int] = []
    runs = visit.runs_along()
    whole = max(sum(end - begin for begin, end in runs), MIN_WAITING)
    for begin, end in runs:
        lengths = shape * max((end - begin) / whole * total, 1.0)
        first = len(rows)
        rows += _turns_of_run(lengths, total, begin, end - begin)
        next_run += [len(rows)] * (len(rows) - first)
    work, goes_on, chance, begins = np.array(rows).T
    return Turns(work, goes_on, next_run, chance, begins)


def _turns_of_run(
    lengths: Floats, total: float, begin: float, way: float
) -> list[tuple[float, float, float, float]]:
    rows, done, alive = [], 0.0, 1.0
    while True:
        longer = lengths[lengths > done]
        left = float((lengths > done + TIME_SLICE).mean())
        rest = np.minimum(longer - done, TIME_SLICE if left > NEGLIGIBLE_RUNS else math.inf)
        goes_on = left / alive if left > NEGLIGIBLE_RUNS else 0.0
        begins = begin + way * float((done / longer).mean())
        rows.append((float(rest.mean()) / total, goes_on, alive, begins))
        if not goes_on:
            return rows
        done, alive = done + TIME_SLICE, left


class RunQueue:
    """Visits in the order in which they became runnable: first come, first served.

    What comes together is a parcel: visits by the turn that they wait for. A fluid queue with
    feedback; its work is conserved: it grows by what comes less what is done.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._parcels: deque[list[float]] = deque()
        self._turns: Turns | None = None
        self._priced_ns = 0.0
        """Time of a visit for which its turns were found."""
        self._work: list[float] = []
        """Of `Turns`; few numbers, which Python adds sooner than numpy."""
        self._ways: list[tuple[int, float, float]] = []
        """After each turn: where the next run begins, the share that waits for it, and the rest."""

    @property
    def turns(self) -> Turns:
        """Those of a visit, at about the prices of when somebody began to wait."""
        ns = self._visit.prices.ns
        if self._turns is None or (
            not self._parcels and abs(ns - self._priced_ns) > OTHER_PRICES * self._priced_ns
        ):
            self._turns, self._priced_ns = turns(self._visit), ns
            work, goes_on, next_run = self._turns[:3]
            self._work = work.tolist()
            on = goes_on.tolist()
            self._ways = [(run, 1 - part, part) for run, part in zip(next_run, on, strict=True)]
        return self._turns

    def pass_time(self, come: float, done: float) -> None:
        """So many visits come, while as much is done as so many whole visits are."""
        new = [0.0] * len(self.turns.work)
        if not done:
            new[0] = come
            self._wait(new)
            return
        waiting = self._waiting_work() + come
        most = min(QUEUE_STEPS, math.ceil(waiting))  # whole visits, one after the other
        steps = max(min(round(QUEUE_STEPS * done / max(waiting, MIN_WAITING)), most), 1)
        new[0] = come / steps
        undone = 0.0
        for _ in range(steps):
            self._wait(new)
            undone = self._serve(undone + done / steps)

    def _waiting_work(self) -> float:
        """What the next turns of all do, in whole visits."""
        waiting = map(sum, zip(*self._parcels, strict=True))
        return float(sum(map(operator.mul, waiting, self._work)))

    def _work_of(self, parcel: list[float]) -> float:
        """What its next turns do, in whole visits."""
        return float(sum(map(operator.mul, parcel, self._work)))

    def _wait(self, parcel: list[float]) -> None:
        if sum(parcel) > MIN_WAITING:
            self._parcels.append(parcel)
        if len(self._parcels) > MOST_PARCELS:
            parcels = [*self._parcels, [0.0] * len(parcel)]
            pairs = zip(parcels[::2], parcels[1::2], strict=False)
            self._parcels = deque(list(map(operator.add, *pair)) for pair in pairs)

    def _serve(self, work: float) -> float:
        """Do so much of what waits, the oldest first; returns what nobody waited for."""
        while self._parcels and work > MIN_WAITING:
            first = self._parcels.popleft()
            mine = self._work_of(first)
            part = min(work / mine, 1.0)
            work -= mine * part
            if part < 1:
                self._parcels.appendleft([visits * (1 - part) for visits in first])
            self._wait(self._next_turns([visits * part for visits in first]))
        return work

    def _next_turns(self, served: list[float]) -> list[float]:
        """What those wait for next whose turns are over, unless they have ended."""
        new = [0.0] * (len(served) + 1)
        for turn, visits in enumerate(served):
            if visits:
                next_run, leave, stay = self._ways[turn]
                new[turn + 1] += visits * stay
                new[next_run] += visits * leave
        return new[:-1]

    def counts(self) -> Floats:
        """Visits that wait, by turn."""
        return np.sum(self._parcels, axis=0) if self._parcels else np.zeros(len(self.turns.work))

    def clear(self) -> None:
        """Nobody waits."""
        self._parcels.clear()

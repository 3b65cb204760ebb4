"""The heap object by object: one P, every slot, every death at its instant; slow and simple.

The heap is the small one that `gomemsim watch` shows; nothing here knows of ledgers or of batches.
Collections stop the world, come at given instants, and sweep at once.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from sim.go.sizeclass import size_classes
from sim.mechanisms.heap import SmallHeap
from sim.streams import Streams
from sim.units import MS, US, Bytes, KiB, Nanoseconds

NEVER: Final = float("inf")


@dataclass(slots=True)
class Object:
    """One object, and when it dies."""

    requested: Bytes
    dies: float = NEVER


class Collection(NamedTuple):
    """What one collection found and left."""

    marked_bytes: int
    freed_bytes: int
    spans: int
    free_slots: int
    span_bytes: int


def collect(heap: SmallHeap[Object], now: float) -> Collection:
    """Free every slot whose object is dead, and every span without a live one."""
    heap.begin_sweep(lambda item: item.dies > now)
    swept = [*heap.flush(), *heap.sweep_all()]
    spans = heap.spans.values()
    live = [sum(map(bool, span.items)) for span in spans]
    return Collection(
        marked_bytes=sum(count * span.size for count, span in zip(live, spans, strict=True)),
        freed_bytes=sum(len(one.freed) * one.span.size for one in swept),
        spans=len(spans),
        free_slots=sum(len(span.items) for span in spans) - sum(live),
        span_bytes=sum(span.npages * 8192 for span in spans),
    )


class Mix(NamedTuple):
    """Objects of a few sizes, with their frequencies."""

    sizes: tuple[Bytes, ...] = (256, 1024)
    shares: tuple[float, ...] = (1.0, 0.5)
    noscan: tuple[bool, ...] = (True, False)


@dataclass(frozen=True)
class Case:
    """Jobs in lanes, one after the other; each allocates in one go, then sleeps and ends."""

    lanes: int = 8
    sleep: Nanoseconds = 1 * MS
    """Mean of an exponential law."""
    busy: Nanoseconds = 60 * US
    """What a job takes besides."""
    collect_every: Nanoseconds = 10 * MS
    collections: int = 30
    mix: Mix = field(default_factory=Mix)
    job_bytes: Bytes = 24 * KiB
    """Kept until the job ends."""
    garbage_bytes: Bytes = 8 * KiB
    random_bytes: Bytes = 4 * KiB
    """Put into a store that replaces at random."""
    random_capacity: Bytes = 512 * KiB
    oldest_bytes: Bytes = 4 * KiB
    """Put into a store that drops the oldest."""
    oldest_capacity: Bytes = 256 * KiB
    tenured_bytes: Bytes = 4 * KiB
    """Kept for an exponential time."""
    tenured_mean: Nanoseconds = 5 * MS


def simulate(case: Case, seed: int) -> list[Collection]:
    """All collections of a run."""
    return Run(case, seed).collections()


class Run:
    """A case, job by job and object by object."""

    def __init__(self, case: Case, seed: int) -> None:
        self.case, self.rng = case, Streams(seed)["oracle"]
        self.heap: SmallHeap[Object] = SmallHeap(size_classes())
        mix = case.mix
        self.shares = np.array(mix.shares) / sum(mix.shares)
        self.mean_size = float(np.dot(self.shares, mix.sizes))
        self.fraction = 0.0
        self.random: list[Object] = []
        self.random_total = 0
        self.oldest: deque[Object] = deque()
        self.oldest_total = 0

    def collections(self) -> list[Collection]:
        """Fill the stores, start the lanes, collect at regular instants."""
        case, done = self.case, []
        self.put_at_random(case.random_capacity, 0.0)
        self.put_in_order(case.oldest_capacity, 0.0)
        due = [(float(self.rng.exponential(case.sleep)), lane) for lane in range(case.lanes)]
        heapq.heapify(due)
        for number in range(1, case.collections + 1):
            now = number * case.collect_every
            while due[0][0] < now:
                at, lane = heapq.heappop(due)
                heapq.heappush(due, (self.job(at), lane))
            done.append(collect(self.heap, now))
        return done

    def job(self, now: float) -> float:
        """One job from its allocations to its end, which is returned."""
        case = self.case
        end = now + case.busy + float(self.rng.exponential(case.sleep))
        for item in self.allocate(case.job_bytes):
            item.dies = end
        for item in self.allocate(case.garbage_bytes):
            item.dies = now
        self.put_at_random(case.random_bytes, now)
        self.put_in_order(case.oldest_bytes, now)
        for item in self.allocate(case.tenured_bytes):
            item.dies = now + float(self.rng.exponential(case.tenured_mean))
        return end

    def allocate(self, nbytes: Bytes) -> list[Object]:
        """Objects of so many bytes on average, kind by kind as they are drawn."""
        self.fraction += nbytes / self.mean_size
        count, self.fraction = int(self.fraction), self.fraction % 1
        made = []
        mix = self.case.mix
        for kind in self.rng.choice(len(mix.sizes), size=count, p=self.shares).tolist():
            item = Object(mix.sizes[kind])
            self.heap.allocate(0, item.requested, item, noscan=mix.noscan[kind])
            made.append(item)
        return made

    def put_at_random(self, nbytes: Bytes, now: float) -> None:
        """New objects drive out any of the store, one by one."""
        for item in self.allocate(nbytes):
            self.random.append(item)
            self.random_total += item.requested
            while self.random_total > self.case.random_capacity:
                which = int(self.rng.integers(len(self.random)))
                self.random[which], self.random[-1] = self.random[-1], self.random[which]
                gone = self.random.pop()
                gone.dies, self.random_total = now, self.random_total - gone.requested

    def put_in_order(self, nbytes: Bytes, now: float) -> None:
        """New objects drive out the oldest of the store."""
        for item in self.allocate(nbytes):
            self.oldest.append(item)
            self.oldest_total += item.requested
            while self.oldest_total > self.case.oldest_capacity:
                gone = self.oldest.popleft()
                gone.dies, self.oldest_total = now, self.oldest_total - gone.requested

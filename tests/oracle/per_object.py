"""The heap object by object: one P, every slot, every death at its instant; slow and simple.

It knows nothing of ledgers, batches or counts. Collections stop the world, come at given instants,
and sweep at once.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from sim.go.sizeclass import size_classes
from sim.streams import Streams
from sim.units import MS, US, Bytes, KiB, Nanoseconds

NEVER: Final = float("inf")


@dataclass(slots=True)
class Object:
    """One object, and when it dies."""

    requested: Bytes
    dies: float = NEVER


@dataclass(slots=True)
class Span:
    """One span: what lies in each of its slots, and where the search for a free one goes on."""

    span_class: int
    slots: list[Object | None]
    next: int = 0

    def allocate(self, new: Object) -> bool:
        """Put the object into the next free slot; False if there is none (mcache.nextFree)."""
        while self.next < len(self.slots):
            self.next += 1
            if self.slots[self.next - 1] is None:
                self.slots[self.next - 1] = new
                return True
        return False


class Collection(NamedTuple):
    """What one collection found and left."""

    marked_bytes: int
    freed_bytes: int
    spans: int
    free_slots: int
    span_bytes: int


@dataclass
class Heap:
    """One mcache, and one list of swept spans with free slots per span class."""

    spans: list[Span] = field(default_factory=list)
    cached: dict[int, Span] = field(default_factory=dict)
    partial: dict[int, deque[Span]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        table = size_classes()
        self.size, self.nelems = table.elemsize.tolist(), table.nelems.tolist()
        self.pages = table.npages.tolist()

    def allocate(self, span_class: int, new: Object) -> None:
        """Take the next free slot: of the cached span, a partly filled one, a fresh one."""
        while span_class not in self.cached or not self.cached[span_class].allocate(new):
            waiting = self.partial.get(span_class)
            if waiting:
                self.cached[span_class] = waiting.popleft()
            else:
                self.cached[span_class] = Span(span_class, [None] * self.nelems[span_class])
                self.spans.append(self.cached[span_class])

    def collect(self, now: float) -> Collection:
        """Free every slot whose object is dead, and every span without a live one."""
        marked = freed = free_slots = span_bytes = 0
        kept, self.cached, self.partial = [], {}, {}
        for span in self.spans:
            live = 0
            for index, item in enumerate(span.slots):
                if item is not None and item.dies <= now:
                    span.slots[index] = None
                    freed += self.size[span.span_class]
                live += span.slots[index] is not None
            marked += live * self.size[span.span_class]
            if live:
                kept.append(span)
                span.next = 0
                span_bytes += self.pages[span.span_class] * 8192
                free_slots += len(span.slots) - live
                if live < len(span.slots):
                    self.partial.setdefault(span.span_class, deque()).append(span)
        self.spans = kept
        return Collection(marked, freed, len(kept), free_slots, span_bytes)


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
        self.case, self.heap, self.rng = case, Heap(), Streams(seed)["oracle"]
        table = size_classes()
        mix = case.mix
        self.classes = [
            table.span_class(size, noscan)
            for size, noscan in zip(mix.sizes, mix.noscan, strict=True)
        ]
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
            done.append(self.heap.collect(now))
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
        for kind in self.rng.choice(len(self.classes), size=count, p=self.shares).tolist():
            item = Object(self.case.mix.sizes[kind])
            self.heap.allocate(self.classes[kind], item)
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

"""The kernels in C do what the numpy passes beside them do, to the last bit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.engine.queueing import seen_by_arrivals
from sim.errors import ModelError
from sim.go.mcache import Mcaches
from sim.go.mheap import MHeap
from sim.go.pagealloc import PageAlloc
from sim.go.pagebits import CHUNK_PAGES
from sim.go.sizeclass import size_classes
from sim.kernels import native
from sim.streams import Streams
from sim.workload.layout import Room, lay_out
from sim.workload.ledger import Law, Ledger

pytestmark = pytest.mark.skipif(native is None, reason="the kernels are not compiled")

SIZES = size_classes("1.27")
CLASSES = np.array([5, 10, 25, 61, 90, 134])
PS = 3
SEEDS = st.integers(0, 2**32)

operations = st.one_of(
    st.tuples(st.just("allocate"), st.integers(1, 2500), SEEDS),
    st.tuples(st.just("collect"), st.sampled_from([0.0, 0.01, 0.5, 1.0]), SEEDS),
    st.tuples(st.just("sweep_some"), st.integers(1, 50)),
    st.tuples(st.just("sweep_pages"), st.integers(1, 300)),
    st.tuples(st.just("scavenge"), st.integers(1, 2**24)),
)


@contextmanager
def numpy_alone() -> Iterator[None]:
    """Without the kernels."""
    users = [module for name, module in sys.modules.items() if name.startswith("sim.")]
    users = [module for module in users if getattr(module, "native", None) is native]
    with pytest.MonkeyPatch.context() as patch:
        for module in users:
            if module.__name__ != "sim.kernels":
                patch.setattr(module, "native", None)
        yield


class Allocations:
    """A heap, and all that operations on it give."""

    def __init__(self) -> None:
        self.heap = MHeap(SIZES, PageAlloc())
        self.caches = Mcaches(self.heap, PS)
        self.told: list[Any] = []

    def allocate(self, most: int, seed: int) -> None:
        rng = Streams(seed)["test"]
        demand = rng.integers(0, most, (len(CLASSES), PS)) * rng.integers(0, 2, (len(CLASSES), PS))
        taken = self.caches.allocate(CLASSES, demand)
        self.tell(*(getattr(taken, field.name) for field in fields(taken)))

    def collect(self, survival: float, seed: int) -> None:
        self.heap.sweep_some(1 << 40)
        marked = Streams(seed)["test"].binomial(self.heap.spans.allocated, survival)
        stale = self.caches.flush()
        self.heap.begin_sweep(marked)
        self.tell(self.heap.sweep_cached(stale))

    def sweep_some(self, spans: int) -> None:
        self.tell(*self.heap.sweep_some(spans))

    def sweep_pages(self, pages: int) -> None:
        self.tell(*self.heap.sweep_pages(pages))

    def scavenge(self, nbytes: int) -> None:
        self.tell(self.heap.pages.scavenge(nbytes, force=True))
        self.heap.pages.next_gen()

    def tell(self, *values: Any) -> None:
        self.told += [plain(value) for value in values]

    def state(self) -> list[Any]:
        heap = self.heap
        sets = [
            getattr(central, name).peek(1 << 40)
            for central in heap.centrals
            for name in ("full_swept", "full_unswept", "partial_swept", "partial_unswept")
        ]
        table = [getattr(heap.spans, name)[heap.spans.rows_in_use()] for name in COLUMNS]
        pages = [heap.pages.free_runs(), heap.pages.used_pages, heap.pages.scavenged_pages]
        rest = [self.caches.cached, heap.stats, heap.sweeping.dead, heap.spans.mark_words]
        return [*self.told, *(plain(value) for value in (*sets, *table, *pages, *rest))]


COLUMNS = ("page", "npages", "span_class", "nelems", "slot_bytes", "allocated", "live", "sweep_gen")


def plain(value: Any) -> Any:
    """Arrays as lists; what has several of them as text."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value if isinstance(value, int) else repr(value)


def both(told: Callable[[], Any]) -> tuple[Any, Any]:
    """What comes out with the kernels, and without."""
    fast = told()
    with numpy_alone():
        return fast, told()


@given(st.lists(operations, min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_spans_and_pages_go_the_same_ways(steps: list[tuple[Any, ...]]) -> None:
    def told() -> list[Any]:
        heap = Allocations()
        for name, *values in steps:
            getattr(heap, name)(*values)
        return heap.state()

    fast, slow = both(told)
    assert fast == slow


@given(st.integers(1, 64), st.integers(1, 200), SEEDS)
@settings(max_examples=60, deadline=None)
def test_pages_are_the_lowest_that_fit(npages: int, count: int, seed: int) -> None:
    def told() -> list[Any]:
        pages, rng = PageAlloc(4), Streams(seed)["test"]
        pages.alloc_runs(1, 4 * CHUNK_PAGES)
        chosen = np.flatnonzero(rng.random(4 * CHUNK_PAGES) < rng.random())
        edges = np.flatnonzero(np.diff(chosen, prepend=-2) != 1)
        pages.free_many(chosen[edges], np.diff(edges, append=len(chosen)))
        got = pages.alloc_runs(npages, count)
        rest = [pages.alloc(length) for length in (7, 1, 2)]
        return [plain(got.page), plain(got.scav_bytes), pages.used_pages, repr(rest)]

    fast, slow = both(told)
    assert fast == slow


def test_a_page_is_not_freed_twice() -> None:
    pages = PageAlloc(1)
    pages.alloc_runs(1, 200)
    with pytest.raises(ModelError, match="freed twice"):
        pages.free_many([*range(90), 7], 1)


@given(st.integers(1, 12), st.integers(1, 4), SEEDS)
@settings(max_examples=60, deadline=None)
def test_bursts_lie_in_the_same_spans(parts: int, groups: int, seed: int) -> None:
    def told() -> list[Any]:
        rng = Streams(seed)["test"]
        number, group = rng.integers(1, 6, groups), np.sort(rng.integers(0, groups, parts))
        objects = rng.integers(1, 40, parts)
        bursts = np.minimum(objects, rng.integers(1, 9, parts))
        wanted = np.bincount(group, weights=objects, minlength=groups).astype(np.int64)
        slots = rng.integers(0, 30, number.sum())
        slots[np.cumsum(number) - 1] += wanted
        room = Room(np.arange(len(slots)), slots, number)
        return [part.tolist() for part in lay_out(room, objects, bursts, group, rng)]

    fast, slow = both(told)
    assert fast == slow


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 90)), min_size=1), SEEDS)
@settings(max_examples=60, deadline=None)
def test_survivors_are_the_same(rows: list[tuple[int, int]], seed: int) -> None:
    def told() -> list[Any]:
        ledger, rng = Ledger(), Streams(seed)["test"]
        owner = ledger.add_owner(Law.HAZARD)
        spans, counts = np.array(rows).T
        for hazard in (0.1, 0.7, 2.0):
            ledger.add(spans, spans % 3, owner, counts)
            ledger.advance(owner, hazard)
            ledger.bury(rng)
        found = ledger.per_kind(3), ledger.per_span(100), ledger.spans_per_kind(np.arange(3))
        return [part.tolist() for part in found]

    fast, slow = both(told)
    assert fast == slow


@given(st.floats(0, 1), st.sampled_from([3, 60, 1100]), SEEDS)
@settings(max_examples=100, deadline=None)
def test_the_dead_are_drawn_as_numpy_draws_them(share: float, most: int, seed: int) -> None:
    ours, numpys = Streams(seed)["test"], Streams(seed)["test"]
    objects = Streams(seed)["objects"].integers(0, most, 200)
    assert native is not None
    assert (
        native.binomial(ours, objects, share).tolist() == numpys.binomial(objects, share).tolist()
    )
    assert ours.random() == numpys.random()


@given(st.floats(0, 1e4), st.integers(1, 70), st.booleans(), SEEDS)
@settings(max_examples=60, deadline=None)
def test_locks_are_met_as_often(hold: float, ps: int, some: bool, seed: int) -> None:
    def told() -> list[Any]:
        rng = Streams(seed)["test"]
        number = rng.integers(0, 50, 9) * rng.random(9)
        customers = rng.random(9) * ps if some else ps
        return [part.tolist() for part in seen_by_arrivals(hold, number, 1000.0, customers)]

    fast, slow = both(told)
    assert fast == slow

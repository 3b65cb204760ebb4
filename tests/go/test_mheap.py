"""The heap keeps its books: no page, span or slot is lost or given out twice."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.go.mcache import Mcaches
from sim.go.mheap import PAGE, MHeap
from sim.go.pagealloc import PageAlloc
from sim.go.sizeclass import size_classes
from sim.streams import Streams

SIZES = size_classes("1.27")
CLASSES = [5, 10, 25, 61, 90, 134]
PS = 3

allocations = st.tuples(
    st.just("allocate"), st.integers(0, PS - 1), st.sampled_from(CLASSES), st.integers(1, 3000)
)
operations = st.one_of(
    allocations,
    st.tuples(st.just("sweep_some"), st.integers(1, 50)),
    st.tuples(st.just("sweep_pages"), st.integers(1, 300)),
    st.tuples(st.just("reclaim"), st.integers(1, 200)),
    st.tuples(st.just("collect"), st.floats(0, 1), st.integers(0, 2**32)),
)


class Books:
    """A heap, and what a careful accountant knows about it."""

    def __init__(self) -> None:
        self.heap = MHeap(SIZES, PageAlloc())
        self.caches = Mcaches(self.heap, PS)
        self.heap_live = 0

    def allocate(self, p: int, span_class: int, objects: int) -> None:
        demand = np.zeros(PS, dtype=np.int64)
        demand[p] = objects
        demand[0] += objects // 3
        got = self.caches.allocate(np.array([span_class]), demand[np.newaxis])
        spans, taken = got.spans, got.slots
        assert taken.sum() == demand.sum()
        assert (taken >= 0).all()
        assert len(np.unique(spans)) == len(spans)
        assert (self.heap.spans.span_class[spans] == span_class).all()
        assert (self.heap.spans.allocated[spans] <= self.heap.spans.nelems[spans]).all()
        self.heap_live += int(got.heap_live.sum())

    def collect(self, survival: float, seed: int) -> None:
        while not self.heap.sweeping.done:
            self.heap.sweep_some(1000)
        rng = Streams(seed)["test"]
        marked = rng.binomial(self.heap.spans.allocated, survival)
        stale = self.caches.flush()
        self.heap.begin_sweep(marked)
        self.heap.sweep_cached(stale)

    def check(self) -> None:
        heap, spans = self.heap, self.heap.spans
        used = spans.rows_in_use()
        pages = np.concatenate(
            [np.arange(spans.page[s], spans.page[s] + spans.npages[s]) for s in used]
            or [np.array([])]
        )
        assert len(np.unique(pages)) == len(pages), "a page in two spans"
        assert heap.stats.pages_in_use == len(pages) == heap.pages.used_pages
        assert heap.stats.in_use_bytes == len(pages) * PAGE
        assert (spans.allocated[used] <= spans.nelems[used]).all()
        assert spans.count == len(used)
        self.check_places()

    def check_places(self) -> None:
        """Every span is in exactly one place: an mcache, or one set of its mcentral."""
        heap, spans = self.heap, self.heap.spans
        places = [self.caches.held()]
        for central in heap.centrals:
            partial, full = central.partial_swept.peek(10**9), central.full_swept.peek(10**9)
            assert (spans.allocated[partial] < spans.nelems[partial]).all()
            assert (spans.allocated[full] == spans.nelems[full]).all()
            places += [partial, full]
            for unswept in (central.partial_unswept, central.full_unswept):
                waiting = unswept.peek(10**9)
                still = spans.in_use[waiting] & (
                    spans.sweep_gen[waiting] < heap.sweeping.generation
                )
                places.append(waiting[still])
        everywhere = np.concatenate(places)
        assert len(np.unique(everywhere)) == len(everywhere), "a span in two places"
        assert set(everywhere.tolist()) == set(spans.rows_in_use().tolist()), "a span is lost"


@settings(max_examples=60, deadline=None)
@given(st.lists(operations, max_size=25))
def test_no_page_span_or_slot_is_lost_or_given_out_twice(steps: list[tuple]) -> None:
    books = Books()
    for name, *arguments in steps:
        if name in {"sweep_some", "sweep_pages", "reclaim"}:
            getattr(books.heap, name)(*arguments)
        else:
            getattr(books, name)(*arguments)
        books.check()


def test_a_refill_adds_the_whole_fresh_span_to_heap_live() -> None:
    books = Books()
    books.allocate(0, 25, 1)
    assert books.heap_live == SIZES.npages[25] * PAGE


def test_everything_dead_gives_every_page_back() -> None:
    books = Books()
    for span_class in CLASSES:
        books.allocate(0, span_class, 5000)
    books.collect(0.0, seed=1)
    while not books.heap.sweeping.done:
        swept, _ = books.heap.sweep_some(100)
        assert swept <= 100  # over the end of a class as well
    assert books.heap.pages.used_pages == 0
    assert books.heap.stats.freed_objects == 6666 * len(CLASSES)


def test_sweeping_to_keep_pace_passes_over_what_others_swept() -> None:
    books = Books()
    books.allocate(0, 61, 3000)
    books.collect(0.0, seed=1)
    freed = books.heap.reclaim(100)
    swept, _ = books.heap.sweep_pages(150)
    books.check()
    assert freed > 0
    assert swept >= 150


def test_refills_use_free_slots_before_the_heap_grows() -> None:
    books = Books()
    books.allocate(0, 25, 20_000)
    books.collect(0.5, seed=1)
    in_use = books.heap.stats.pages_in_use
    books.allocate(0, 25, 5000)
    assert books.heap.stats.pages_in_use <= in_use


def test_a_p_that_comes_away_empty_handed_asks_again_before_the_heap_grows():
    books = Books()
    heap, in_use = books.heap, []
    for objects in (4000, *[3] * 20):
        books.caches.allocate(np.array([13]), np.full((1, PS), objects))
        in_use.append(heap.stats.in_use_bytes)
        marked = np.zeros(heap.spans.capacity, dtype=np.int64)
        rows = heap.spans.rows_in_use()
        marked[rows] = heap.spans.nelems[rows] // 2
        stale = books.caches.flush()
        heap.begin_sweep(marked)
        heap.sweep_cached(stale)
    assert max(in_use) == in_use[0]


def test_returned_pages_have_to_be_provided_again():
    heap = MHeap(SIZES, PageAlloc())
    faulted = []
    for release in (False, False, True):
        if release:
            heap.pages.scavenge(1 << 30, force=True)
        spans, nbytes = heap.alloc_spans(61, 1, 8, 1024, 100)
        heap.free_spans(spans)
        faulted.append(nbytes.sum())
    assert faulted == [100 * PAGE, 0, 100 * PAGE]

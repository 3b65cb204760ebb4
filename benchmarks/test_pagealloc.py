"""The page heap of 64 GiB: what an operation costs, and that it costs no more than in a small heap.

Figures of a shared machine say little; ratios do. `make bench` prints the times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim.go.pagealloc import PageAlloc
from sim.go.pagebits import CHUNK_PAGES

pytestmark = pytest.mark.bench

GIB_CHUNKS = 256
MANY = 50_000
ROUNDS = 5

Setup = Callable[[], tuple[tuple[Any, ...], dict[str, Any]]]


def full_heap(gib: int, every: int) -> tuple[PageAlloc, np.ndarray]:
    """A heap with all pages in use but every so-many-th; and those that are free."""
    pages = PageAlloc(gib * GIB_CHUNKS)
    pages.alloc_runs(1, pages.total_pages)
    free = np.arange(0, pages.total_pages, every)
    pages.free_many(free, 1)
    return pages, free


def spread(pages: PageAlloc) -> np.ndarray:
    """Pages all over the heap that are in use."""
    odd = np.arange(1, pages.total_pages, 2)
    return odd[:: max(1, len(odd) // MANY)][:MANY]


@pytest.mark.parametrize("gib", [1, 64])
def test_single_pages_one_by_one(benchmark, gib):
    pages, _ = full_heap(gib, every=2)
    benchmark.pedantic(lambda: [pages.alloc(1) for _ in range(1000)], rounds=ROUNDS)


@pytest.mark.parametrize("gib", [1, 64])
def test_single_pages_in_bulk(benchmark, gib):
    pages, _ = full_heap(gib, every=2)
    benchmark.pedantic(lambda: pages.alloc_runs(1, 10_000), rounds=ROUNDS)


@pytest.mark.parametrize("gib", [1, 64])
def test_frees_in_bulk(benchmark, gib):
    def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
        pages, _ = full_heap(gib, every=2)
        return (pages, spread(pages)), {}

    benchmark.pedantic(lambda pages, some: pages.free_many(some, 1), setup=setup, rounds=3)


@pytest.mark.parametrize("gib", [1, 64])
def test_a_run_that_only_the_end_of_the_heap_has(benchmark, gib):
    pages, _ = full_heap(gib, every=2)
    pages.grow(1)
    pages.alloc(CHUNK_PAGES // 2)  # the search has learnt that the holes are too small
    page = pages.total_pages - CHUNK_PAGES // 2

    def take_and_free() -> None:
        for _ in range(100):
            run = pages.alloc(16)
            assert run is not None
            assert run.page == page
            pages.free(run.page, 16)

    benchmark.pedantic(take_and_free, rounds=ROUNDS)


@pytest.mark.parametrize("gib", [1, 64])
def test_scavenging_64_mib_of_single_pages(benchmark, gib):
    pages, _ = full_heap(gib, every=2)
    benchmark.pedantic(lambda: pages.scavenge(64 << 20, force=True), rounds=ROUNDS)


def test_filling_64_gib(benchmark):
    def fill() -> None:
        pages = PageAlloc(64 * GIB_CHUNKS)
        for _ in range(64):
            pages.alloc_runs(1, pages.total_pages // 64)
        assert pages.free_pages == 0

    benchmark.pedantic(fill, rounds=3)


def test_a_large_heap_is_as_fast_as_a_small_one():
    """64 times the heap: at most a few times the cost of what Go does in near-constant time."""
    from time import process_time

    def best(pages: PageAlloc, operation: Callable[[PageAlloc], object]) -> float:
        times = []
        for _ in range(7):
            begun = process_time()
            operation(pages)
            times.append(process_time() - begun)
        return min(times)

    small, large = full_heap(1, every=2)[0], full_heap(64, every=2)[0]
    for operation, bound in (
        (lambda pages: [pages.alloc(1) for _ in range(500)], 3.0),
        (lambda pages: pages.alloc_runs(1, 5_000), 3.0),
        (lambda pages: pages.scavenge(8 << 20, force=True), 3.0),
    ):
        ratio = best(large, operation) / best(small, operation)
        print(f"64 GiB to 1 GiB: {ratio:.2f}")
        assert ratio < bound

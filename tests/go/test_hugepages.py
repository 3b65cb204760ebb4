"""Huge pages: why RSS is larger than what Go counts, and what khugepaged takes back."""

from __future__ import annotations

from sim.go.hugepages import HUGE_PAGES, HugePages
from sim.go.pagealloc import PageAlloc
from sim.go.sizeclass import PAGE_SIZE

HUGE = HUGE_PAGES * PAGE_SIZE


def make() -> PageAlloc:
    return PageAlloc(2, huge_pages=HugePages())


def resident(pages: PageAlloc) -> int:
    return (pages.total_pages - pages.scavenged_pages) * PAGE_SIZE + pages.huge_bytes()


def test_the_first_touch_makes_a_huge_page_resident():
    pages = make()
    assert resident(pages) == 0
    pages.alloc(1)
    assert resident(pages) == HUGE
    pages.alloc(HUGE_PAGES)
    assert resident(pages) == 2 * HUGE


def test_returning_a_part_splits_and_returning_all_makes_it_huge_again():
    pages = make()
    pages.alloc(HUGE_PAGES)
    pages.free(100, 156)
    assert pages.scavenge(10 * PAGE_SIZE, force=True) == 10 * PAGE_SIZE
    assert resident(pages) == HUGE - 10 * PAGE_SIZE
    pages.free(0, 100)
    pages.scavenge(HUGE, force=True)
    assert resident(pages) == 0
    pages.alloc(1)
    assert resident(pages) == HUGE


def test_khugepaged_undoes_the_scavenger():
    pages = make()
    pages.alloc(2 * HUGE_PAGES)
    pages.free(HUGE_PAGES + 1, HUGE_PAGES - 1)
    pages.scavenge(HUGE, force=True)
    assert resident(pages) == HUGE + PAGE_SIZE
    pages.huge_pages.collapse(8)
    assert resident(pages) == 2 * HUGE
    assert pages.scavenged_pages == pages.total_pages - HUGE_PAGES - 1  # what Go believes


def test_without_huge_pages_nothing_is_added():
    pages = PageAlloc(1)
    pages.alloc(1)
    assert pages.huge_bytes() == 0

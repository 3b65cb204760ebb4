"""The page allocator: another choice of pages changes fragmentation, RSS and scavenging."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sim.errors import ModelError
from sim.go.pagealloc import PageAlloc, PageCache, find_scavenge_candidate
from sim.go.pagebits import ALL_PAGES, find_run, longest_run, run_of
from sim.go.sizeclass import PAGE_SIZE
from tests.oracle.pages import NaivePages

GOLDEN = Path(__file__).parents[1] / "golden"


def recorded(name: str) -> list[list[dict[str, Any]]]:
    """Sequences of operations on one allocator, with the answers of the real one."""
    rows = map(json.loads, (GOLDEN / name).read_text().splitlines())
    return [list(group) for _, group in groupby(rows, key=lambda row: row["seq"])]


def seq_of(rows: list[dict[str, Any]]) -> str:
    return f"seq{rows[0]['seq']}"


def answer(run: tuple[int, int] | None) -> tuple[int, int]:
    return run or (-1, 0)


@pytest.mark.parametrize("rows", recorded("pages.jsonl"), ids=seq_of)
def test_every_recorded_operation_has_the_answer_of_the_real_runtime(rows):
    pages = PageAlloc(rows[0]["chunks"])
    for row in rows:
        match row["op"]:
            case "alloc":
                assert answer(pages.alloc(row["npages"])) == (row["page"], row["scav_bytes"]), row
            case "free":
                pages.free(row["page"], row["npages"])
            case "alloc_to_cache":
                cache = pages.alloc_to_cache()
                assert cache == PageCache(row["page"], row["cache"], row["scav"]), row
                pages.flush(cache)
            case "scavenge":
                assert pages.scavenge(row["want_bytes"], force=True) == row["got_bytes"], row


@dataclass
class Replay:
    """Operations on one allocator and the page caches that are open, by the names in the rows."""

    pages: PageAlloc = field(default_factory=PageAlloc)
    caches: list[PageCache] = field(default_factory=list)

    def new(self, row):
        self.pages.grow(row["chunks"])

    def grow(self, row):
        self.pages.grow(1)

    def alloc(self, row):
        assert answer(self.pages.alloc(row["npages"])) == (row["page"], row["scav"])

    def free(self, row):
        self.pages.free(row["page"], row["npages"])

    def cache(self, row):
        cache = self.pages.alloc_to_cache()
        assert cache == PageCache(row["page"], row["cache"], row["sc"])
        self.caches += [] if cache.empty() else [cache]

    def calloc(self, row):
        run = self.caches[row["i"]].alloc(row["npages"])
        assert answer(run) == (row["page"], row["scav"])

    def flush(self, row):
        self.pages.flush(self.caches.pop(row["i"]))

    def gen(self, row):
        self.pages.next_gen()

    def scav(self, row):
        assert self.pages.scavenge(row["want"], force=True) == row["got"]

    def bg(self, row):
        assert self.pages.scavenge(row["want"]) == row["got"]


@pytest.mark.parametrize("rows", recorded("pages_background.jsonl"), ids=seq_of)
def test_generations_and_open_page_caches_match_the_real_runtime(rows):
    replay = Replay()
    for row in rows:
        getattr(replay, row["op"])(row)


class AgainstTheOracle(RuleBasedStateMachine):
    """Any history of single and bulk operations has the outcome of the naive allocator."""

    @initialize(chunks=st.integers(1, 3))
    def start(self, chunks):
        self.pages, self.naive = PageAlloc(chunks), NaivePages()
        self.naive.grow(chunks)
        self.live: list[tuple[int, int]] = []
        self.caches: list[PageCache] = []

    @rule(npages=st.one_of(st.integers(1, 8), st.integers(1, 1200)))
    def alloc(self, npages):
        run = self.pages.alloc(npages)
        assert run == self.naive.alloc(npages)
        self.live += [(run.page, npages)] if run else []

    @rule(npages=st.one_of(st.integers(1, 5), st.integers(60, 70)), count=st.integers(1, 700))
    def alloc_runs(self, npages, count):
        runs = self.pages.alloc_runs(npages, count)
        got = list(zip(runs.page.tolist(), runs.scav_bytes.tolist(), strict=True))
        expected = []
        while len(expected) < count and (run := self.naive.alloc(npages)):
            expected.append(run)
        assert got == expected
        self.live += [(page, npages) for page, _ in got]

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def free(self, data):
        page, npages = self.live.pop(data.draw(st.integers(0, len(self.live) - 1)))
        self.pages.free(page, npages)
        self.naive.free(page, npages)

    @precondition(lambda self: self.live)
    @rule(start=st.integers(0, 9), step=st.sampled_from([1, 2, 3, 7]))
    def free_many(self, start, step):
        freed = self.live[start::step][::-1]
        del self.live[start::step]
        self.pages.free_many([page for page, _ in freed], [npages for _, npages in freed])
        for page, npages in freed:
            self.naive.free(page, npages)

    @rule()
    def alloc_to_cache(self):
        cache = self.pages.alloc_to_cache()
        assert (cache.page, cache.cache, cache.scav) == self.naive.alloc_to_cache()
        self.caches += [] if cache.empty() else [cache]

    @precondition(lambda self: self.caches)
    @rule()
    def flush(self):
        cache = self.caches.pop(0)
        self.naive.flush(cache.page, cache.cache, cache.scav)
        self.pages.flush(cache)

    @rule(nbytes=st.sampled_from([1, 65536, 3 << 20, 1 << 40]), force=st.booleans())
    def scavenge(self, nbytes, force):
        assert self.pages.scavenge(nbytes, force) == self.naive.scavenge(nbytes, force)

    @rule()
    def next_gen(self):
        self.pages.next_gen()
        self.naive.next_gen()

    @precondition(lambda self: self.pages.total_pages < 4 * 512)
    @rule()
    def grow(self):
        self.pages.grow(1)
        self.naive.grow(1)

    @invariant()
    def counts_agree(self):
        if hasattr(self, "pages"):
            assert self.pages.used_pages == sum(self.naive.used)
            assert self.pages.used_pages + self.pages.free_pages == len(self.naive.used)
            assert self.pages.scavenged_pages == sum(self.naive.scavenged)


TestAgainstTheOracle = AgainstTheOracle.TestCase
TestAgainstTheOracle.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_a_run_may_cross_chunks_and_a_larger_heap():
    pages = PageAlloc(2)
    pages.alloc(1000)
    pages.grow(3)
    assert pages.alloc(1500) == (1000, 1500 * PAGE_SIZE)


def test_no_room_is_none_and_changes_nothing():
    pages = PageAlloc(1)
    assert pages.alloc(513) is None
    assert pages.alloc(512) == (0, 512 * PAGE_SIZE)
    assert pages.alloc(1) is None
    assert pages.alloc_to_cache() == PageCache()
    assert len(pages.alloc_runs(1, 3).page) == 0


def test_a_double_free_is_reported():
    pages = PageAlloc(1)
    pages.alloc(4)
    pages.free(0, 2)
    with pytest.raises(ModelError, match="not in use"):
        pages.free(1, 2)
    with pytest.raises(ModelError, match="not in use"):
        pages.free_many([2, 1], 1)
    many = PageAlloc(1)
    many.alloc_runs(1, 100)
    with pytest.raises(ModelError, match="twice"):
        many.free_many([*range(90), 7], 1)


def test_a_densely_used_chunk_is_kept_from_the_background_for_a_generation():
    pages = PageAlloc(1)
    pages.alloc(512)
    pages.free(0, 512)
    pages.next_gen()
    huge_page = 256 * PAGE_SIZE
    assert pages.scavenge(PAGE_SIZE) == huge_page  # free throughout this generation
    pages.alloc(512)
    pages.next_gen()
    pages.free(0, 512)
    assert pages.scavenge(PAGE_SIZE) == 0
    assert pages.scavenge(PAGE_SIZE, force=True) == huge_page


def test_a_free_huge_page_is_returned_as_a_whole():
    kept = run_of(0, 100)
    assert find_scavenge_candidate(kept, 511, wanted=8) == (256, 256)
    assert find_scavenge_candidate(kept, 255, wanted=8) == (248, 8)
    assert find_scavenge_candidate(ALL_PAGES, 511, wanted=8) is None


@given(st.integers(0, ALL_PAGES), st.integers(1, 512))
def test_runs_of_bits_are_found_as_in_a_string(bits, length):
    text = f"{bits:0512b}"[::-1]
    assert find_run(bits, length) == text.find("1" * length)
    assert longest_run(bits) == max(map(len, text.split("0")))

"""Stacks as counts are the stacks of single goroutines: what 100,000 connections cost in memory."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sim.go.mheap import PAGE, MHeap
from sim.go.pagealloc import PageAlloc
from sim.go.sizeclass import size_classes
from sim.go.stack import FIXED_STACK, STACK_GUARD, shrunk_stack, starting_stack_size
from sim.go.stacks import Held, Stacks
from sim.units import KiB

USES = st.sampled_from([100, 1 * KiB, 3 * KiB, 7 * KiB, 40 * KiB])


def make(threads: int = 0) -> Stacks:
    return Stacks(MHeap(size_classes("1.27"), PageAlloc()), threads)


def grown(size: int, used: int) -> int:
    while size - used < STACK_GUARD:
        size *= 2
    return size


class OneByOne(RuleBasedStateMachine):
    """Any history leaves every goroutine with the stack that it would have had by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.stacks = make()
        self.held: list[Held] = []
        self.sizes: list[int] = []

    @rule(used=USES, count=st.integers(1, 40))
    def start(self, used, count):
        for _ in range(count):
            held, growth = self.stacks.start(used)
            size = grown(self.stacks.starting_size, used)
            assert growth.size == size
            self.held.append(held)
            self.sizes.append(size)

    @precondition(lambda self: self.held)
    @rule(used=USES, at=st.integers(0, 1000))
    def use(self, used, at):
        at %= len(self.held)
        self.held[at], growth = self.stacks.use(self.held[at], used)
        before, self.sizes[at] = self.sizes[at], grown(self.sizes[at], used)
        assert growth.copies == (self.sizes[at] // before).bit_length() - 1

    @precondition(lambda self: self.held)
    @rule(at=st.integers(0, 1000))
    def end(self, at):
        at %= len(self.held)
        self.stacks.end(self.held.pop(at))
        del self.sizes[at]

    @rule()
    def collect(self):
        scanned, stacks = self.stacks.used, self.stacks.goroutines
        self.stacks.scan()
        self.sizes = [
            shrunk_stack(size, held.used) for size, held in zip(self.sizes, self.held, strict=True)
        ]
        self.stacks.end_cycle(scanned, stacks)
        assert self.stacks.starting_size == starting_stack_size(scanned, stacks)
        needed = [-(-self.sizes.count(2 << k << 10) // (16 >> k)) * 32 for k in range(4)]
        large = sum(size for size in self.sizes if size >= 32 * KiB)
        assert self.stacks.span_bytes == sum(needed) * KiB + large

    @invariant()
    def books_agree(self):
        assert self.stacks.allocated == sum(self.sizes)
        assert self.stacks.used == sum(held.used for held in self.held)
        assert self.stacks.goroutines == len(self.held)
        assert self.stacks.span_bytes >= sum(self.sizes)
        assert self.stacks._heap.pages.used_pages * PAGE == self.stacks.span_bytes


TestOneByOne = OneByOne.TestCase
TestOneByOne.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_a_program_that_does_nothing_has_the_stacks_of_its_threads():
    assert make(threads=5).span_bytes == (3 + 5) * 32 * KiB


def test_goroutines_that_went_deep_keep_their_stacks_until_collections_halve_them():
    stacks = make()
    deep = [stacks.start(7 * KiB)[0] for _ in range(1000)]
    assert stacks.allocated == 1000 * 8 * KiB
    shallow = [stacks.use(held, 500)[0] for held in deep]
    sizes = []
    for _ in range(3):
        sizes.append(stacks.span_bytes // 1000 // KiB)
        stacks.scan()
        stacks.end_cycle(stacks.used, stacks.goroutines)
    assert sizes == [8, 4, 4]  # 500 bytes and 800 for functions without a check: over 1 KiB
    for held in shallow:
        stacks.end(held)
    stacks.scan()
    stacks.end_cycle(0, 0)
    assert stacks.span_bytes == 0
    assert stacks.starting_size == FIXED_STACK

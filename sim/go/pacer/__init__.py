"""Pacers: when a cycle starts, what it aims at, and how hard allocation has to help.

A pacer is a plain object without a clock, with the verbs of Go's own controller
(runtime/mgcpacer.go: gcControllerState), so a notebook can drive it as well as the simulator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from inspect import isfunction
from typing import Final, Literal, NamedTuple, Protocol

from sim.errors import ModelError, UserError
from sim.registry import Registry
from sim.units import Bytes, Nanoseconds

pacers: Final = Registry("pacer")

NEVER: Final = (1 << 64) - 1
"""A goal or trigger that is never reached: Go's ^uint64(0)."""
ScanPart = Literal["heap", "stack", "globals"]


@dataclass(slots=True)
class MemoryUse:
    """What the memory limit looks at, kept up to date by whoever owns the heap (bytes)."""

    mapped_ready: Bytes = 0
    """All memory of the runtime that is not returned to the OS."""
    heap_free: Bytes = 0
    """Free pages that are not returned to the OS."""
    heap_alloc: Bytes = 0
    """Heap objects that are not known to be dead."""


class Workers(NamedTuple):
    """Background mark workers of a cycle."""

    dedicated: int
    fraction: float
    """Share of its time that every P gives to fractional workers."""
    max_idle: int


class Pacer(Protocol):
    """What the collector asks of a pacer. All sizes in bytes, times in ns."""

    heap_live: Bytes
    heap_marked: Bytes
    """Heap that the last cycle found alive."""
    heap_scan: Bytes
    """Heap that may hold pointers."""
    bg_scan_credit: int
    """Scan work done by background workers and not yet claimed by assists."""
    assist_work_per_byte: float
    assist_bytes_per_work: float
    workers: Workers
    memory: MemoryUse
    old_cons_mark: float
    """cons/mark with which the trigger of the last cycle was set."""

    @property
    def scan_expected(self) -> int:
        """Scan work that the cycle is expected to take."""

    @property
    def limit_in_force(self) -> bool:
        """The memory limit, not GOGC, sets the goal."""

    def configure(self, gc_percent: int, memory_limit: Bytes, globals_scan: Bytes) -> None:
        """Set GOGC (-1: off), GOMEMLIMIT and the size of the globals, before the first cycle."""

    def set_limits(self, gc_percent: int, memory_limit: Bytes) -> None:
        """Set GOGC (-1: off) and GOMEMLIMIT at any time; they hold from the next commit on."""

    def start_cycle(self, now: Nanoseconds, gomaxprocs: int, *, periodic: bool) -> None:
        """Marking begins: choose the workers and the first assist ratio."""

    def update(self, d_heap_live: int, d_heap_scan: int) -> None:
        """Allocation moved heap_live (refill, large object); d_heap_scan of it has pointers."""

    def add_scan_work(self, part: ScanPart, work: int) -> None:
        """Scan work was done."""

    def add_mark_time(self, kind: str, ns: Nanoseconds) -> None:
        """CPU time was spent on marking: `assist`, `dedicated`, `fractional` or `idle`."""

    def set_stacks(self, allocated: Bytes) -> None:
        """Memory of all goroutine stacks: the most that scanning them can cost."""

    def end_cycle(self, now: Nanoseconds, gomaxprocs: int) -> None:
        """Marking has ended: learn from it."""

    def reset_live(self, bytes_marked: Bytes) -> None:
        """The marked heap is the new heap_live."""

    def commit(self, *, sweep_done: bool) -> None:
        """Fix goal and runway of the next cycle."""

    def heap_goal(self) -> Bytes:
        """heap_live at which marking should end."""

    def trigger(self) -> tuple[Bytes, Bytes]:
        """(heap_live at which the next cycle starts, its goal)."""


def check_methods(cls: type[object], name: str) -> None:
    """UserError for a class that lacks a method of `Pacer`, by the name that people write."""
    wanted = [method for method, found in vars(Pacer).items() if isfunction(found)]
    missing = [method for method in wanted if method[0] != "_" and not hasattr(cls, method)]
    if missing:
        raise UserError(
            f"pacer {name!r}: {cls.__name__} has no method {missing[0]}: expected those of"
            " sim.go.pacer.Pacer"
        )


def check(pacer: Pacer, name: str) -> None:
    """ModelError if the pacer's answers make no sense.

    Before the first cycle its marked heap may be made up, larger than the heap.
    """
    trigger, goal = pacer.trigger()
    if not (_is_count(goal) and goal >= min(pacer.heap_marked, pacer.heap_live)):
        raise ModelError(
            f"pacer {name!r} returned the heap goal {goal!r}; expected at least the marked heap,"
            f" {pacer.heap_marked}"
        )
    if not (_is_count(trigger) and trigger <= goal):
        raise ModelError(
            f"pacer {name!r} returned the trigger {trigger!r}; expected 0 to its goal, {goal}"
        )
    check_assist_ratio(pacer, name)


def check_assist_ratio(pacer: Pacer, name: str) -> None:
    """ModelError if nobody can pay by the pacer's assist ratio."""
    for ratio in (pacer.assist_work_per_byte, pacer.assist_bytes_per_work):
        if not (math.isfinite(ratio) and ratio >= 0):
            raise ModelError(
                f"pacer {name!r} returned the assist ratio {ratio!r}; expected 0 or more"
            )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and 0 <= value <= NEVER

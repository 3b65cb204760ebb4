"""What the collector asks of the heap and of the program: goroutines on Ps, or rates."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sim.engine.clock import ClockTime
from sim.runtime.state import Process
from sim.runtime.table_costs import LinkWork, TableWork
from sim.units import Bytes, Nanoseconds


class Snapshot(NamedTuple):
    """What is reachable when the world has stopped, and the work of marking it."""

    stack_scan: Bytes
    """Stack in use."""
    heap_scan: Bytes
    cpu_ns: float
    """Marking the heap, by one marker alone."""
    specials_ns: float
    """Marking what finalizers hold."""
    crowding_ns: float
    """By how much longer it takes two markers."""
    goroutines: float
    stacks: Bytes
    """Memory of goroutine stacks."""
    reachable: Bytes
    """Slots of what the program can reach."""
    tables: TableWork
    """What of marking the heap is scanning tables of pointers."""
    links: LinkWork
    """What is found by following lists and trees, and what that takes on top."""


class MarkTotals(NamedTuple):
    """What a cycle left marked, in bytes of slots."""

    marked: Bytes
    black: Bytes
    """Of it, allocated while marking."""
    reachable: Bytes
    """Slots that the program can reach at that instant."""


class HeapUsage(NamedTuple):
    """Where the memory of the heap is. Bytes, unless a field says otherwise."""

    mapped: float
    """Heap that the OS was asked for, once."""
    in_use: float
    """Spans in use, without those of stacks."""
    objects: float
    """Slots of objects that are not known to be dead."""
    free: float
    """Free pages that are not returned to the OS."""
    released: float
    """Free pages that are."""
    stacks: float
    """Spans that stacks are taken from."""
    spans: float
    """Spans in use, a number."""
    mark_words: float
    """Words of 64 mark bits."""
    classes_used: int
    """Span classes that ever had a span."""
    finalizers_queued: float = 0.0
    """The most finalizers that ever waited at a time."""
    specials: float = 0.0
    """Objects with finalizers."""
    huge: float = 0.0
    """Resident because the OS backs the heap with huge pages."""


class Allocated(NamedTuple):
    """Counters of the heap since the start (runtime/mstats.go: heapStatsDelta); None: not known."""

    allocated_bytes: Bytes
    allocated_objects: int
    freed_bytes: Bytes
    freed_objects: int | None
    tiny_allocs: int | None
    objects: int
    """Objects that are not known to be dead."""


class SweepReport(NamedTuple):
    """How the sweep before a cycle went; None: the mode does not know."""

    by: dict[str, int] | None
    """Spans by who swept them."""
    freed_spans: int
    freed_bytes: Bytes
    end_heap: Bytes | None = None
    allocated: Bytes | None = None
    pages: int | None = None
    ratio: float | None = None


class Finalized(NamedTuple):
    """Finalizers: waiting, called since the start, of the last cycle's, called since then."""

    queued: int
    executed: int
    due: int
    run: int


class AssistCounts(NamedTuple):
    """Assists of the cycle; None: the mode does not know."""

    assists: int | None
    parks: int | None
    wait_ns: Nanoseconds | None


class GoroutineCounts(NamedTuple):
    """Goroutines at an instant; None: the mode does not know."""

    goroutines: int
    created: int | None
    runnable: int | None
    running: int
    waiting: int


class Heap(Protocol):
    """Spans and what is reachable in them."""

    def finish_sweep(self) -> Process[None]:
        """Whoever triggers a cycle sweeps what is left (runtime/mgc.go: gcStart)."""

    def flush(self) -> None:
        """Write down all that has been allocated until now."""

    def snapshot(self) -> Snapshot:
        """What is reachable now survives the cycle; count the work of marking it."""

    def begin_sweep(self) -> MarkTotals:
        """Marking has ended: what is not marked is free from here on."""

    def sweep_while_stopped(self) -> Process[None]:
        """Sweep everything while the world stands still."""

    @property
    def swept(self) -> bool:
        """Whether nothing is left to be swept."""

    @property
    def in_use_when_marked(self) -> Bytes:
        """Memory of spans in use at mark termination."""

    def usage(self) -> HeapUsage:
        """Where its memory is now."""

    @property
    def mapped(self) -> Bytes:
        """Memory that the OS was asked for, as it was last looked at."""

    @property
    def spans(self) -> int:
        """Spans that are in the memory of the simulator; each takes about 150 bytes there."""

    def commit(self) -> None:
        """Goal and trigger of the next cycle are fixed: pace the sweep; give stacks back."""

    def change_pace(self) -> None:
        """Goal and trigger have changed in between: pace the sweep by them."""

    def resume(self) -> None:
        """The cycle is over and the world runs: allocate from swept spans, start the sweeper."""

    def allocated(self) -> Allocated:
        """Its counters."""

    def sweep_report(self) -> SweepReport:
        """How the sweep before the cycle that has ended went."""

    def finalized(self) -> Finalized:
        """How far finalizers are."""

    def scavenge_cpu(self) -> dict[str, float]:
        """CPU-ns of returning memory since the start, `assist` and `background`."""


class Mutator(Protocol):
    """The program, and whoever marks beside it."""

    def stop(self, reason: str, g: object) -> Process[ClockTime]:
        """Stop the world for this `reason`; returns how long that took.

        A goroutine that stops the world keeps its P.
        """

    def restart_ns(self) -> float:
        """What it takes to wake all that were stopped."""

    def stand_still(self, ns: float) -> Process[None]:
        """The world is stopped for so long."""

    def start(self) -> ClockTime:
        """Let the world go on; returns how long it was stopped."""

    def book_idle(self) -> None:
        """Tell the limiter how long Ps have idled up to now."""

    def begin_cycle(self) -> None:
        """Nobody has assist credit (runtime/mgc.go: gcResetMarkState)."""

    def begin_marking(self) -> None:
        """The barrier is on: what the program does costs more."""

    def mark(self) -> Process[None]:
        """Mark to the end, until all have told that nothing is left (gcMarkDone)."""

    def end_marking(self) -> None:
        """The barrier is off; those who wait for credit go free (gcWakeAllAssists)."""

    def stacks(self) -> Bytes:
        """Memory of goroutine stacks."""

    def stack_size(self) -> Bytes:
        """Stack of a new goroutine."""

    def assists(self) -> AssistCounts | None:
        """Assists of the cycle; None: the mode does not know."""

    def idle_ns(self) -> float:
        """For how long Ps have had nothing to do since the start, all together."""

    def population(self) -> GoroutineCounts:
        """Who is there."""

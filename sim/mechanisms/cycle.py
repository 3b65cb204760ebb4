"""A collection of Go step by step: start, roots, grey objects, end, sweep (runtime/mgc.go)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from sim.go.pacer import ScanPart
from sim.mechanisms.assists import GoroutineCredit
from sim.mechanisms.barrier import WriteBarrier
from sim.mechanisms.finalizers import FinalizerTable
from sim.mechanisms.graph import GLOBALS, Ref
from sim.mechanisms.heap import PlacedObject
from sim.mechanisms.marking import Marking
from sim.mechanisms.order import ClassicOrder, GreenTeaOrder, Order
from sim.units import Bytes, format_bytes

STACK = 2048
"""Bytes of a goroutine's stack (runtime/stack.go: stackMin)."""

if TYPE_CHECKING:
    from sim.mechanisms.goruntime import GoRuntime

SPECIALS = "finalizers"
"""The root that stands for objects with finalizers: what these lead to lives."""


class CyclePhase(StrEnum):
    """Where a cycle stands."""

    OFF = "off"
    MARK = "mark"
    TERMINATION = "mark termination"


class SmallCollector:
    """The collector of a small heap."""

    def __init__(self, runtime: GoRuntime, barrier: WriteBarrier) -> None:
        self.runtime = runtime
        self.marking = Marking(runtime.graph, barrier)
        self.order: Order = (
            GreenTeaOrder() if runtime.settings.marker == "greentea" else ClassicOrder()
        )
        self.phase = CyclePhase.OFF
        self.stopped = False
        """The world stands still."""
        self.wanted = False
        self.count = 0
        self.finalizers = FinalizerTable()
        self.assists = GoroutineCredit(runtime, self)
        self.began = 0.0
        """When marking began, in CPU time."""
        self.mark_ns = 0.0
        """CPU time of the background worker in this cycle."""
        self.pause_ns = 0.0
        """CPU time with the world stopped, of all cycles."""
        self.pause_count = 0
        self.pauses: list[float] = []
        """Of the last cycle, ns."""
        self.barriers = 0
        """Writes that met a barrier, of all cycles."""
        self.visits_while_stopped = 0
        self.visits = 0
        """Objects or spans taken from the queues, of all cycles."""
        self.lost: set[Ref] = set()
        """What the last cycle left white though the program can reach it."""
        self._pause_began = 0.0

    @property
    def marks(self) -> bool:
        """Barriers are on, and new objects are black."""
        return self.phase is not CyclePhase.OFF

    def step(self) -> None:
        """What the collector does next; it is called only where there is something."""
        if self.phase is CyclePhase.OFF:
            self._start()
            return
        before = self.runtime.now
        if self.marking.roots:
            self.scan_root("gc")
        elif self.marking.grey:
            self.scan_next("gc")
        elif self.marking.barrier.rescans_stacks and self.phase is CyclePhase.MARK:
            self._rescan()
        else:
            self._end()
        self.mark_ns += self.runtime.now - before

    # -- the steps -------------------------------------------------------------------------------

    def _start(self) -> None:
        runtime = self.runtime
        for swept in runtime.heap.sweep_all():
            runtime.tell_swept("gc", swept)
        self.wanted, self.count, self.phase = False, self.count + 1, CyclePhase.MARK
        self._stop()
        runtime.now += runtime.machine.stw.start_work_ns
        runtime.pacer.set_stacks(STACK * len(runtime.graph.stacks))
        runtime.pacer.start_cycle(round(runtime.now), runtime.settings.gomaxprocs)
        self.began, self.mark_ns = runtime.now, 0.0
        self.assists.credit.clear()
        self.pauses.clear()
        self.marking.begin()
        if self.finalizers.states:
            self.marking.roots.insert(1, SPECIALS)
        for span, index, _ in runtime.heap.tiny.values():
            for ref in span.items[index]:
                self.marking.born(ref)
        self._greyed(self.marking.grey)
        barrier = self.marking.barrier
        on = ", barriers go on" if barrier.shades_old or barrier.shades_new else ""
        text = f"cycle {self.count}: the world stops{on}, all objects are white"
        if runtime.settings.concurrent:
            text += "; the world starts again and marking runs beside it"
            self._restart()
        runtime.tell("gc", "start", text, "mgc.go: gcStart")

    def scan_root(self, actor: str) -> Bytes:
        """Scan the next root; returns the work in bytes."""
        runtime, mark, work = self.runtime, self.runtime.machine.mark, 0
        name = self.marking.roots[0]
        part: ScanPart = "globals" if name == GLOBALS else "stack"
        if name == SPECIALS:
            self.marking.roots.remove(name)
            fields = [
                to for ref in self.finalizers.states for to in runtime.graph.fields[ref].values()
            ]
            found = [to for to in fields if to is not None and self.marking.shade(to)]
            text = "what objects with finalizers lead to"
        else:
            found = self.marking.scan_root(name)
            text = "the global variables" if name == GLOBALS else f"the stack of {name}"
            work = 8 * max(1, len(list(runtime.graph.root(name))))  # no stack is quite empty
            runtime.now += mark.stack_ns + work * mark.stack_byte_ns
            self._worked(part, work, background=actor == "gc")
        self._greyed(found)
        text = f"scans {text}; {self._turned(found)}"
        runtime.tell(actor, "root", text, "mgcmark.go: markroot")
        return work

    def scan_next(self, actor: str) -> Bytes:
        """Scan what the queue gives; returns the work in bytes."""
        runtime, mark = self.runtime, self.runtime.machine.mark
        span, refs = self.order.pop()
        found = [to for ref in refs for to in self.marking.scan(ref)]
        self._greyed(found)
        self.visits += 1
        self.visits_while_stopped += self.stopped
        work = sum(runtime.items[ref].scan for ref in refs)
        pointers = sum(len(runtime.graph.fields[ref]) for ref in refs)
        each = mark.object_ns
        if runtime.settings.marker == "greentea":
            runtime.now += mark.span_visit_ns
            each = mark.sparse_object_ns
        runtime.now += len(refs) * each + work * mark.byte_ns + pointers * mark.pointer_ns
        self._worked("heap", work, background=actor == "gc")
        what = runtime.listed(refs)
        if runtime.settings.marker == "greentea":
            what = f"the span at {span.address(0):#x} for {what}"
        if actor == "gc":
            runtime.tell(
                actor,
                "scan",
                f"scans {what}: black; {self._turned(found)}",
                "mgcmark.go: scanObject",
            )
        return work

    def _rescan(self) -> None:
        """Stacks had no barrier, so they are scanned again (Go 1.5 to 1.7)."""
        self.phase = CyclePhase.TERMINATION
        self._stop()
        self.marking.roots = list(self.runtime.graph.stacks)
        text = "the world stops: stacks may hide white objects, so all of them are scanned again"
        self.runtime.tell("gc", "end", text, "Go 1.5 mgc.go: gcMarkTermination")

    def _end(self) -> None:
        runtime = self.runtime
        self._stop()
        runtime.now += runtime.machine.stw.termination_work_ns
        self.lost = self.marking.lost()
        for ref in sorted(self.lost):
            text = f"{runtime.name(ref)} is white, but the program can reach it"
            runtime.tell("gc", "lost", text)
        self.phase = CyclePhase.OFF
        marked = self._marked_bytes()
        pacer, heap = runtime.pacer, runtime.heap
        pacer.end_cycle(round(runtime.now), runtime.settings.gomaxprocs)
        pacer.reset_live(marked)
        heap.begin_sweep(lambda ref: self.finalizers.keep(ref, marked=ref in self.marking.marked))
        text = f"nothing is grey: marking ends, {format_bytes(marked)} marked; what is white dies"
        runtime.tell("gc", "end", text, "mgc.go: gcMarkTermination")
        done = heap.mheap.sweeping.done
        pacer.commit(sweep_done=done)
        pages = heap.mheap.stats.pages_in_use
        self.runtime.pace.commit(
            done=done, trigger=pacer.trigger()[0], heap_live=pacer.heap_live, pages_in_use=pages
        )
        self._restart()
        for swept in heap.flush():
            runtime.tell_swept("gc", swept)
        heap.mheap.pages.next_gen()

    def sweep_step(self) -> None:
        """The background sweeper takes the next span."""
        for swept in self.runtime.heap.sweep_next():
            self.runtime.now += self.runtime.machine.sweep.span_ns
            self.runtime.tell_swept("sweeper", swept)

    # -- finalizers, and what the last cycle lost ------------------------------------------------

    def finalizer_step(self) -> None:
        """The finalizer goroutine runs the next one; then the object is like any other."""
        ref = self.finalizers.run()
        text = f"runs the finalizer of {self.runtime.name(ref)}, which the next cycle can free"
        self.runtime.tell("finalizers", "finalizer", text, "mfinal.go: runFinalizers")

    def freed(self, ref: Ref) -> None:
        """An object is no more."""
        if ref in self.lost:
            text = f"frees {self.runtime.name(ref)}, which the program can still reach"
            self.runtime.tell("sweeper", "lost", text, "mgcsweep.go: sweep")

    # -- what the program's steps do to a cycle --------------------------------------------------

    def barrier(self, actor: str, old: Ref | None, new: Ref | None) -> None:
        """A pointer in the heap is about to change."""
        shaded = self.marking.before_write(old, new)
        self._greyed(shaded)
        self.barriers += 1
        barrier = self.marking.barrier
        self.runtime.now += self.runtime.machine.barrier.pointer_ns * (
            barrier.shades_old + barrier.shades_new
        )
        if shaded:
            text = f"the write barrier shades {self.runtime.listed(shaded)}"
            self.runtime.tell(actor, "barrier", text, "mbarrier.go; mwbbuf.go: wbBufFlush1")

    def allocated(self, actor: str, ref: Ref, placed: PlacedObject[Ref]) -> None:
        """An object is new: black while marking; a refill moves heap_live and tests the trigger."""
        runtime = self.runtime
        if self.marks:
            self.marking.born(ref)
            for to in runtime.graph.fields[ref].values():
                if to is not None:
                    self._greyed(self.marking.before_write(None, to))
            size = runtime.items[ref].size
            slot = size if placed.how == "tiny" else placed.span.size
            self.assists.charge(actor, slot - size)
        if placed.heap_live:
            runtime.pacer.update(placed.heap_live, runtime.heap_scan)
            runtime.heap_scan = 0
            trigger, _ = runtime.pacer.trigger()
            if not self.marks and not self.wanted and runtime.pacer.heap_live >= trigger:
                self.wanted = True
                text = f"heap_live reaches the trigger, {format_bytes(trigger)}: a cycle is due"
                runtime.tell(actor, "start", text, "mgc.go: gcTrigger.test")

    # -- details ---------------------------------------------------------------------------------

    def _turned(self, refs: Sequence[Ref]) -> str:
        """What objects that were shaded are now: one without pointers has nothing to scan."""
        fields, listed = self.runtime.graph.fields, self.runtime.listed
        leaves = [ref for ref in refs if not fields[ref]]
        grey = f"grey: {listed([ref for ref in refs if fields[ref]])}"
        return f"{grey}; black at once, without pointers: {listed(leaves)}" if leaves else grey

    def _greyed(self, refs: Sequence[Ref]) -> None:
        mark = self.runtime.machine.mark
        for ref in refs:
            item = self.runtime.items[ref]
            if item.noscan:
                self.runtime.now += mark.noscan_object_ns
            elif self.runtime.graph.fields[ref]:
                self.order.push(ref, item.span)

    def _worked(self, part: ScanPart, work: Bytes, *, background: bool = True) -> None:
        self.runtime.pacer.add_scan_work(part, work)
        if background:
            self.runtime.pacer.bg_scan_credit += work

    def _marked_bytes(self) -> Bytes:
        slots = {
            (item.span.row, item.index): item.span.size
            for ref, item in self.runtime.items.items()
            if ref in self.marking.marked
        }
        return sum(slots.values())

    def _stop(self) -> None:
        if not self.stopped:
            self.stopped, self._pause_began = True, self.runtime.now

    def _restart(self) -> None:
        pause = self.runtime.now - self._pause_began
        self.pause_count += 1
        self.stopped = False
        self.pause_ns += pause
        self.pauses.append(pause)

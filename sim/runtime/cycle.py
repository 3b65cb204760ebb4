"""The collection cycle (runtime/mgc.go: gcStart, gcMarkDone, gcMarkTermination)."""

from __future__ import annotations

import math

from sim.engine.clock import Clock, ClockTime
from sim.go.markcourse import OBLET, ROOT_BLOCK, MarkCourse, MarkStretch
from sim.go.pacer import check
from sim.go.scavenge import ScavengeGoals, gc_percent_goal, memory_limit_goal
from sim.machine.profile import MachineProfile, MarkCosts
from sim.runtime.interfaces import Heap, HeapUsage, Mutator, Snapshot
from sim.runtime.memory import MemoryAccounts
from sim.runtime.recording import Recording
from sim.runtime.state import GC, CycleRecord, Process, Settings
from sim.units import Bytes


class Collector:
    """Collects whenever somebody asks; it is the only writer of what `GC` does not give others."""

    def __init__(
        self,
        clock: Clock,
        gc: GC,
        settings: Settings,
        machine: MachineProfile,
        heap: Heap,
        mutator: Mutator,
        memory: MemoryAccounts,
        recording: Recording,
    ) -> None:
        self._clock, self._machine, self._gc = clock, machine, gc
        self._settings, self._on = settings, settings.switches
        self._heap, self._mutator, self._memory = heap, mutator, memory
        self._recording = recording
        self._last_goal: Bytes = 0
        """Goal of the cycle before."""
        gc.limits_changed = self._change_limits

    def run(self) -> Process[None]:
        """One cycle after the other."""
        gc, mutator = self._gc, self._mutator
        while True:
            reason, g = yield gc.wanted
            gc.wanted = self._clock.event()
            yield from self._heap.finish_sweep()
            yield from self._start(reason, g)
            if gc.marking:
                yield from mutator.mark()
            yield from self._terminate()

    # -- the start ---------------------------------------------------------------------------

    def _start(self, reason: str, g: object) -> Process[None]:
        """Stop the world, take the snapshot, hand out the work, go on."""
        gc, mutator = self._gc, self._mutator
        self._open_record(reason)
        cycle = gc.cycle
        mutator.begin_cycle()
        cycle.stop_start = yield from mutator.stop(reason, g)
        mutator.book_idle()
        gc.limiter.start_gc_transition(enable_gc=True, now=int(self._clock.now))
        self._heap.flush()
        cycle.heap_start = gc.pacer.heap_live
        self._count_work(self._heap.snapshot())
        cycle.scannable, cycle.scan_expected = gc.pacer.heap_scan, gc.pacer.scan_expected
        gc.pacer.start_cycle(
            int(cycle.started), self._settings.gomaxprocs, periodic=reason == "time"
        )
        check(gc.pacer, self._settings.pacer_name)
        cycle.assist_ratio_start = gc.pacer.assist_work_per_byte
        self._set_workers()
        yield from self._work_stopped(self._machine.stw.start_work_ns + mutator.restart_ns())
        gc.limiter.finish_gc_transition(int(self._clock.now))
        if self._on.concurrent and gc.barrier.shaded_pointers:
            self._begin_marking()
        else:
            yield from self._mark_while_stopped()
        cycle.pause_start = self._start_the_world(cycle.marked_stopped)
        cycle.mark_started = self._clock.now
        gc.started.succeed()
        gc.started = self._clock.event()

    def _open_record(self, reason: str) -> None:
        gc = self._gc
        gc.cycle = CycleRecord(
            number=gc.cycles + 1,
            reason=reason,
            started=self._clock.now,
            trigger=gc.trigger_at,
            reachable_bytes=gc.cycle.reachable_bytes,
        )

    def _count_work(self, found: Snapshot) -> None:
        """The scan work of the cycle, and what a unit of it costs."""
        gc, cycle = self._gc, self._gc.cycle
        cycle.scan = {
            "globals": self._settings.globals_bytes,
            "stack": found.stack_scan,
            "heap": max(found.heap_scan, round(found.tables.nbytes) + round(found.links.nbytes)),
        }
        cycle.scan_left = dict(cycle.scan)
        cycle.reachable_bytes = found.reachable
        gc.scan_units = sum(cycle.scan.values())
        course = self._stretches(found)
        cpu = sum(stretch.ns for stretch in course)
        gc.ns_per_unit = cpu / max(1, gc.scan_units)
        gc.course = MarkCourse(
            course if self._on.mark_course else [MarkStretch(gc.scan_units, cpu)]
        )
        gc.crowding = found.crowding_ns / max(1.0, cpu)
        gc.pacer.set_stacks(found.stacks)

    def _stretches(self, found: Snapshot) -> list[MarkStretch]:
        """What every cycle takes and globals, stacks, tables, what these lead to, and lists.

        Globals cost by the byte, stacks by goroutine and byte (runtime/mgcmark.go: markroot).
        Tables and nodes are no objects of the workload: their bytes are part of the work that its
        objects are, unless these are less. As many can mark along lists and trees as what all of
        these lead to takes longer than the longest list.
        """
        mark, nbytes = self._machine.mark, self._settings.globals_bytes
        heap, tables = self._gc.cycle.scan["heap"], round(found.tables.nbytes)
        tables_ns = min(found.tables.cpu_ns, found.cpu_ns)
        rest_ns = found.cpu_ns - tables_ns + found.specials_ns
        links, nodes = found.links, round(found.links.nbytes)
        linked = nodes + round((heap - tables - nodes) * links.share)
        links_ns = links.nodes_ns + rest_ns * links.share
        followers = max(links_ns / links.longest_ns, 1.0) if links.longest_ns else math.inf
        return [
            MarkStretch(nbytes, mark.cycle_ns + nbytes * mark.root_byte_ns, ROOT_BLOCK),
            MarkStretch(
                found.stack_scan,
                stacks_ns(found.goroutines, found.stack_scan, mark),
                math.ceil(found.stack_scan / max(found.goroutines, 1)),
            ),
            MarkStretch(tables, tables_ns, OBLET),
            MarkStretch(heap - tables - linked, rest_ns * (1 - links.share)),
            MarkStretch(linked, links_ns, at_a_time=followers),
        ]

    def _set_workers(self) -> None:
        """How many workers of which kind this cycle may use."""
        gc, on, workers = self._gc, self._on, self._gc.pacer.workers
        gc.dedicated_needed = workers.dedicated if on.dedicated_workers else 0
        gc.fraction = workers.fraction if on.fractional_workers else 0.0
        gc.max_idle_workers = workers.max_idle if on.idle_workers else 0

    def _begin_marking(self) -> None:
        """Switch on assists, black allocation, the barrier and the slower program."""
        gc, on, machine = self._gc, self._on, self._machine
        gc.marking = True
        gc.slowdown = machine.mutator.slowdown if on.mutator_slowdown else 1.0
        shaded = gc.barrier.shaded_pointers if on.write_barrier else 0
        gc.write_ns = machine.barrier.pointer_ns * shaded
        self._mutator.begin_marking()

    def _mark_while_stopped(self) -> Process[None]:
        """The textbook collector: everybody marks while the program stands still."""
        gc, ps = self._gc, self._settings.gomaxprocs
        ns = round(gc.scan_units * gc.ns_per_unit / ps)
        for part, units in gc.cycle.scan_left.items():
            gc.pacer.add_scan_work(part, units)
        yield from self._mutator.stand_still(ns)
        gc.cpu["dedicated"] += ns * ps
        gc.cycle.cpu["dedicated"] = gc.cycle.marked_stopped = ns * ps

    # -- the end -----------------------------------------------------------------------------

    def _terminate(self) -> Process[None]:
        """Stop the world, close the cycle, begin to sweep, go on."""
        gc, heap, mutator, cycle = self._gc, self._heap, self._mutator, self._gc.cycle
        cycle.mark_ended = self._clock.now
        cycle.stop_end = yield from mutator.stop("mark termination", None)
        heap.flush()
        cycle.heap_end = gc.pacer.heap_live
        cycle.assist_ratio_end = gc.pacer.assist_work_per_byte
        mutator.book_idle()
        gc.limiter.start_gc_transition(enable_gc=False, now=int(self._clock.now))
        gc.marking, gc.slowdown, gc.write_ns = False, 1.0, 0.0
        mutator.end_marking()
        gc.pacer.end_cycle(int(cycle.mark_ended), self._settings.gomaxprocs)
        cycle.cons_mark, cycle.limit_goal = gc.pacer.old_cons_mark, gc.pacer.limit_in_force
        cycle.goal = self._last_goal = gc.pacer.heap_goal()
        cycle.marked_bytes, cycle.black_bytes, cycle.reachable_bytes = heap.begin_sweep()
        gc.pacer.reset_live(cycle.marked_bytes)
        yield from self._finish_stopped()
        self._commit()
        heap.commit()
        gc.limiter.finish_gc_transition(int(self._clock.now))
        cycle.pause_end = self._start_the_world()
        self._close_record()
        heap.resume()
        gc.running = False
        gc.ended.succeed()
        gc.ended = self._clock.event()

    def _finish_stopped(self) -> Process[None]:
        """What is done before the world runs again: more with older barriers and eager sweeping."""
        scanned, mutator = self._gc.cycle.scan["stack"], self._mutator
        yield from self._work_stopped(self._machine.stw.termination_work_ns)
        if self._gc.barrier.rescans_stacks:
            goroutines = mutator.population().goroutines
            rescan = stacks_ns(goroutines, scanned, self._machine.mark)
            yield from mutator.stand_still(rescan / self._settings.gomaxprocs)
        if not self._on.lazy_sweep:
            yield from self._heap.sweep_while_stopped()

    def _commit(self) -> None:
        """Fix goal and trigger, and what the heap may keep (mgcpacer.go: gcControllerCommit)."""
        gc = self._gc
        usage = self._memory.tell_pacer()
        gc.pacer.commit(sweep_done=self._heap.swept)
        check(gc.pacer, self._settings.pacer_name)
        gc.trigger_at, goal = gc.pacer.trigger()
        gc.scavenge_goals = self._scavenge_goals(usage, goal)

    def _change_limits(self) -> None:
        """Somebody has set GOGC or GOMEMLIMIT: they hold at once, in a cycle as well."""
        self._commit()
        self._gc.pacer.update(0, 0)  # while marking, assists follow (gcController.revise)
        self._heap.change_pace()

    def _scavenge_goals(self, usage: HeapUsage, goal: Bytes) -> ScavengeGoals:
        """What the heap may keep until the next cycle ends (mgcscavenge.go: gcPaceScavenger)."""
        limit, use = self._gc.memory_limit, self._gc.pacer.memory
        return ScavengeGoals(
            gc_percent_goal(
                heap_goal=goal,
                last_heap_goal=self._last_goal,
                last_heap_in_use=self._heap.in_use_when_marked,
                heap_retained=int(usage.in_use + usage.free),
            ),
            memory_limit_goal(limit, use.mapped_ready),
        )

    def _close_record(self) -> None:
        gc = self._gc
        gc.cycles += 1
        gc.forced += gc.cycle.reason == "forced"
        gc.last_end = gc.cycle.ended = self._clock.now
        gc.limiter.cycles = gc.cycles
        self._recording.cycle()

    # -- both --------------------------------------------------------------------------------

    def _work_stopped(self, ns: float) -> Process[None]:
        """What stopping the world takes beside waiting for Ps."""
        if self._on.stop_the_world and ns > 0:
            yield from self._mutator.stand_still(ns)

    def _start_the_world(self, marked: ClockTime = 0) -> ClockTime:
        """How long it stood still; what was marked meanwhile, in CPU-ns, counts as marking."""
        stopped = self._mutator.start()
        self._gc.cpu["pause"] += stopped * self._settings.gomaxprocs - marked
        return stopped


def stacks_ns(goroutines: float, scanned: Bytes, costs: MarkCosts) -> float:
    """CPU-ns of scanning so many stacks, of which so many bytes are in use (mgcmark.go)."""
    return goroutines * costs.stack_ns + scanned * costs.stack_byte_ns

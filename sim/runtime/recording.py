"""Cycles, pauses and samples as rows of the tables; what a mode does not know is null."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sim.engine.clock import Clock
from sim.record.facts import Cycle, Pause
from sim.record.sample import Sample
from sim.runtime.interfaces import AssistCounts, Heap, Mutator, SweepReport
from sim.runtime.memory import MemoryAccounts
from sim.runtime.state import GC, CycleRecord, Process, Settings
from sim.units import MAX_INT64, SECOND, Nanoseconds

UNKNOWN: Final = AssistCounts(None, None, None)
SWEEPERS: Final = (
    "background",
    "refill",
    "debt",
    "reclaim",
    "flush",
    "call",
    "stopped",
    "start",
)
"""Who sweeps spans: the columns `swept_*` of the table of cycles."""
NONE_SWEPT: Final[dict[str, int | None]] = {f"swept_{who}": None for who in SWEEPERS}
"""These columns where the mode does not know who sweeps."""


class Recording:
    """Writes down what happened; it changes nothing."""

    def __init__(
        self,
        clock: Clock,
        emit: Callable[[Any], None],
        gc: GC,
        settings: Settings,
        heap: Heap,
        mutator: Mutator,
        memory: MemoryAccounts,
    ) -> None:
        self._clock, self._emit, self._gc, self._settings = clock, emit, gc, settings
        self._heap, self._mutator, self._memory = heap, mutator, memory
        self.listener: Callable[[Cycle | Pause], None] = lambda _: None
        """Is told of cycles and their pauses as well. Set by the build of a mode."""

    def cycle(self) -> None:
        """A cycle has ended; the sweep that it tells of is the one before its start."""
        cycle = self._gc.cycle
        self._tell(self._cycle(cycle, self._heap.sweep_report()))
        for kind, at, stopping, total in (
            ("sweep-termination", cycle.started, cycle.stop_start, cycle.pause_start),
            ("mark-termination", cycle.mark_ended, cycle.stop_end, cycle.pause_end),
        ):
            self._tell(Pause(int(at), kind, int(stopping), int(total), cycle.number))

    def _tell(self, fact: Cycle | Pause) -> None:
        self._emit(fact)
        self.listener(fact)

    def _cycle(self, cycle: CycleRecord, sweep: SweepReport) -> Cycle:
        gc, pacer, ps = self._gc, self._gc.pacer, self._settings.gomaxprocs
        assists = self._mutator.assists() or UNKNOWN
        finalized = self._heap.finalized()
        return Cycle(
            number=cycle.number,
            reason=cycle.reason,
            start_ns=int(cycle.started),
            mark_ns=int(cycle.mark_started),
            mark_term_ns=int(cycle.mark_ended),
            end_ns=int(cycle.ended),
            procs=ps,
            trigger=min(cycle.trigger, MAX_INT64),
            heap_goal=min(cycle.goal, MAX_INT64),
            limit_goal=cycle.limit_goal,
            heap_start=cycle.heap_start,
            heap_end=cycle.heap_end,
            heap_marked=cycle.marked_bytes,
            allocated_black=cycle.black_bytes,
            floating=max(cycle.marked_bytes - cycle.reachable_bytes, 0),
            stacks=self._mutator.stacks(),
            dedicated_workers=pacer.workers.dedicated,
            fractional_goal=pacer.workers.fraction,
            heap_scannable=cycle.scannable,
            heap_scan=cycle.scan["heap"],
            stack_scan=cycle.scan["stack"],
            globals_scan=cycle.scan["globals"],
            scan_expected=cycle.scan_expected,
            cons_mark=cycle.cons_mark,
            assist_ratio_start=cycle.assist_ratio_start,
            assist_ratio_end=cycle.assist_ratio_end,
            dedicated_ns=int(cycle.cpu.get("dedicated", 0)),
            fractional_ns=int(cycle.cpu.get("fractional", 0)),
            idle_ns=int(cycle.cpu.get("idle", 0)),
            assist_ns=int(cycle.cpu.get("assist", 0)),
            assists=assists.assists,
            assist_parks=assists.parks,
            assist_wait_ns=assists.wait_ns,
            stw_start_stopping_ns=int(cycle.stop_start),
            stw_start_ns=int(cycle.pause_start),
            stw_end_stopping_ns=int(cycle.stop_end),
            stw_end_ns=int(cycle.pause_end),
            stw_cpu_ns=int((cycle.pause_start + cycle.pause_end) * ps - cycle.marked_stopped),
            **(_swept(sweep.by) if sweep.by is not None else NONE_SWEPT),
            sweep_end_heap=sweep.end_heap,
            sweep_allocated=sweep.allocated,
            sweep_pages=sweep.pages,
            sweep_ratio=sweep.ratio,
            freed_spans=sweep.freed_spans,
            freed_bytes=sweep.freed_bytes,
            finalizers_due=finalized.due,
            finalizers_run=finalized.run,
            limiter_fill_ns=gc.limiter.fill,
            limiter_overflow_ns=gc.limiter.overflow,
            limiting=gc.limiter.limiting,
            gc_cpu_fraction=self._gc_cpu_fraction(),
        )

    def _gc_cpu_fraction(self) -> float:
        """GC share of the CPU since the start as gctrace counts it: without idle workers."""
        cpu = self._gc.cpu
        busy = cpu["assist"] + cpu["dedicated"] + cpu["fractional"] + cpu["pause"]
        return busy / max(1, self._clock.now * self._settings.gomaxprocs)

    def take_samples(self, distance: Nanoseconds) -> Process[None]:
        """At regular instants; that of the end is taken when nothing is pending any more."""
        while self._clock.now < self._settings.duration:
            self.sample()
            yield self._clock.timeout(distance)

    def sample(self) -> None:
        """The state at this instant, under the names of runtime/metrics (metrics.go, mstats.go)."""
        gc, settings = self._gc, self._settings
        (classes, resident), heap = self._memory.classes(), self._heap.allocated()
        found, finalized = self._mutator.population(), self._heap.finalized()
        scan = gc.cycle.scan or {"globals": settings.globals_bytes, "stack": 0, "heap": 0}
        self._emit(
            Sample(
                at_ns=int(self._clock.now),
                **classes._asdict(),
                total=sum(classes),
                allocs_bytes=heap.allocated_bytes,
                allocs_objects=heap.allocated_objects,
                frees_bytes=heap.freed_bytes,
                frees_objects=heap.freed_objects,
                tiny_allocs=heap.tiny_allocs,
                heap_goal=min(gc.pacer.heap_goal(), MAX_INT64),
                heap_marked=gc.pacer.heap_marked,
                objects=heap.objects,
                finalizers_queued=finalized.queued,
                finalizers_executed=finalized.executed,
                cycles_automatic=gc.cycles - gc.forced,
                cycles_forced=gc.forced,
                cycles_total=gc.cycles,
                gogc=gc.gc_percent,
                gomemlimit=gc.memory_limit,
                limiter_last_enabled=gc.limiter.last_enabled_cycle,
                scan_globals=scan["globals"],
                scan_heap=scan["heap"],
                scan_stack=scan["stack"],
                scan_total=sum(scan.values()),
                stack_starting_size=self._mutator.stack_size(),
                **self._cpu_classes()._asdict(),
                gomaxprocs=settings.gomaxprocs,
                goroutines=found.goroutines,
                goroutines_created=found.created,
                goroutines_runnable=found.runnable,
                goroutines_running=found.running,
                goroutines_waiting=found.waiting,
                phase="mark" if gc.marking else "off",
                heap_live=gc.pacer.heap_live,
                trigger=min(gc.trigger_at, MAX_INT64),
                reachable=gc.cycle.reachable_bytes,
                rss=sum(resident.values()),
            )
        )

    def _cpu_classes(self) -> CpuClasses:
        """Where the CPU time went; what is neither GC, scavenging nor idle is the program's."""
        idle = self._mutator.idle_ns() / SECOND
        seconds = {kind: ns / SECOND for kind, ns in self._gc.cpu.items()}
        gc_total = sum(seconds.values())
        total = self._clock.now * self._settings.gomaxprocs / SECOND
        scavenge = {who: ns / SECOND for who, ns in self._heap.scavenge_cpu().items()}
        scavenge_total = sum(scavenge.values())
        return CpuClasses(
            cpu_assist=seconds["assist"],
            cpu_dedicated=seconds["dedicated"] + seconds["fractional"],
            cpu_gc_idle=seconds["idle"],
            cpu_pause=seconds["pause"],
            cpu_gc_total=gc_total,
            cpu_idle=idle,
            cpu_scavenge_assist=scavenge["assist"],
            cpu_scavenge_background=scavenge["background"],
            cpu_scavenge_total=scavenge_total,
            cpu_total=total,
            cpu_user=total - gc_total - idle - scavenge_total,
        )


def _swept(by: dict[str, int]) -> dict[str, int | None]:
    return {column: by.get(who, 0) for who, column in zip(SWEEPERS, NONE_SWEPT, strict=True)}


class CpuClasses(NamedTuple):
    """CPU time of all Ps since the start, in seconds (runtime/metrics: /cpu/classes)."""

    cpu_assist: float
    cpu_dedicated: float
    cpu_gc_idle: float
    cpu_pause: float
    cpu_gc_total: float
    cpu_idle: float
    cpu_scavenge_assist: float
    cpu_scavenge_background: float
    cpu_scavenge_total: float
    cpu_total: float
    cpu_user: float

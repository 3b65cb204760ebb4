"""The tables of a fluid run: cycles, pauses and samples, as the detailed mode tells them."""

from __future__ import annotations

import operator
from typing import Final

import numpy as np

from sim.fluid.collecting import CycleFacts
from sim.fluid.engine import Flow
from sim.fluid.footprint import MCACHE, MSPAN, PROFILE_TABLE
from sim.record.facts import Cycle, Pause
from sim.record.sample import Sample
from sim.units import SECOND

LARGEST: Final = (1 << 63) - 1
SAMPLES: Final = 1000
LONGEST_GAP: Final = SECOND
"""ns between samples where no cycle ends; the detailed mode takes them at regular instants."""
KINDS: Final = ("assist", "dedicated", "fractional", "idle", "pause")


class Teller:
    """Writes down what happened."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._cpu = dict.fromkeys(KINDS, 0.0)
        self._forced = 0
        self._last_sample = float("-inf")
        self._facts: CycleFacts | None = None
        self._frees = [0.0, 0.0]

    def cycle(self, facts: CycleFacts) -> None:
        """A cycle has ended."""
        flow, pacer = self._flow, self._flow.pacer
        procs, limiter = flow.parts.procs, flow.parts.limiter
        pause = (facts.pause_start + facts.pause_end) * procs
        for kind, ns in facts.cpu.items():
            self._cpu[kind] += ns
        self._cpu["pause"] += pause
        self._forced += facts.reason == "forced"
        self._facts = facts
        self._frees[0] += facts.freed_bytes
        cpu = self._cpu
        busy = cpu["assist"] + cpu["dedicated"] + cpu["fractional"] + cpu["pause"]
        flow.parts.emit(Cycle(
            number=facts.number, reason=facts.reason,
            start_ns=int(facts.started), mark_ns=int(facts.mark_started),
            mark_term_ns=int(facts.mark_ended), end_ns=int(facts.ended), procs=procs,
            trigger=min(facts.trigger, LARGEST), heap_goal=min(facts.goal, LARGEST),
            limit_goal=facts.limit_goal, heap_start=facts.heap_start, heap_end=facts.heap_end,
            heap_marked=facts.heap_marked, allocated_black=facts.black, floating=None,
            stacks=facts.stacks, dedicated_workers=pacer.workers.dedicated,
            fractional_goal=pacer.workers.fraction, heap_scannable=facts.scannable,
            heap_scan=facts.scan["heap"], stack_scan=facts.scan["stack"],
            globals_scan=facts.scan["globals"], scan_expected=facts.scan_expected,
            cons_mark=facts.cons_mark, assist_ratio_start=facts.ratio_start,
            assist_ratio_end=facts.ratio_end, dedicated_ns=int(facts.cpu["dedicated"]),
            fractional_ns=int(facts.cpu["fractional"]), idle_ns=int(facts.cpu["idle"]),
            assist_ns=int(facts.cpu["assist"]),
            assists=None, assist_parks=None, assist_wait_ns=None,
            stw_start_stopping_ns=int(facts.stop_start), stw_start_ns=int(facts.pause_start),
            stw_end_stopping_ns=int(facts.stop_end), stw_end_ns=int(facts.pause_end),
            stw_cpu_ns=int(pause), swept_background=None, swept_refill=None, swept_debt=None,
            swept_reclaim=None, swept_flush=None, swept_call=None, swept_stopped=None,
            swept_start=None,
            sweep_end_heap=None, sweep_allocated=None, sweep_pages=None, sweep_ratio=None,
            freed_spans=round(facts.freed_spans), freed_bytes=round(facts.freed_bytes),
            finalizers_due=0, finalizers_run=0,
            limiter_fill_ns=limiter.fill, limiter_overflow_ns=limiter.overflow,
            limiting=limiter.limiting, gc_cpu_fraction=busy / max(1.0, flow.now * procs),
        ))  # fmt: skip
        for kind, at, stopping, total in (
            ("sweep-termination", facts.started, facts.stop_start, facts.pause_start),
            ("mark-termination", facts.mark_ended, facts.stop_end, facts.pause_end),
        ):
            flow.parts.emit(Pause(int(at), kind, int(stopping), int(total), facts.number))

    def sample(self, *, always: bool = False) -> None:
        """The state at this instant: after a cycle, and where there is none now and then.

        A run has no more than a thousand or so.
        """
        flow, last = self._flow, self._last_sample
        if not flow.parts.sampling or flow.now == last:
            return
        least = max(flow.parts.sampling, flow.parts.duration // SAMPLES)
        due = flow.last_end > last and flow.now - last >= least
        if always or due or flow.now - last >= max(least, LONGEST_GAP):
            self._last_sample = flow.now
            flow.parts.emit(self._sample())

    def _sample(self) -> Sample:
        flow, pacer = self._flow, self._flow.pacer
        parts, footprint, model = flow.parts, flow.parts.footprint, flow.spans
        footprint.see(flow)
        there = flow.there
        taken = list(map(operator.add, flow.total_taken, flow.taken))
        allocated = int(np.dot(taken, model.slot_bytes))
        objects = int(footprint.objects)
        facts = self._facts
        scan = facts.scan if facts else {"globals": parts.globals_bytes, "stack": 0, "heap": 0}
        cpu = {kind: ns / SECOND for kind, ns in self._cpu.items()}
        gc_total, total = sum(cpu.values()), flow.now * parts.procs / SECOND
        idle = flow.idle_ns / SECOND
        assist, background = footprint.assist_ns / SECOND, footprint.background_ns / SECOND
        mspans, mcaches = int(footprint.spans * MSPAN), parts.procs * MCACHE
        other = int(footprint.metadata) - mspans - mcaches
        free, in_use = int(footprint.free), int(footprint.in_use)
        released, stacks = int(footprint.released), int(footprint.stacks)
        unknown = int(parts.machine.footprint.other_bytes)
        goroutines = round(there.goroutines)
        running = round(min(there.running, parts.procs))
        return Sample(
            at_ns=int(flow.now), heap_free=free, heap_objects=objects, heap_released=released,
            heap_stacks=stacks, heap_unused=max(in_use - objects, 0), mcache_free=None,
            mcache_inuse=mcaches, mspan_free=None, mspan_inuse=mspans, metadata_other=other,
            os_stacks=None, other=unknown, profiling_buckets=PROFILE_TABLE,
            total=free + max(in_use, objects) + released + stacks + mcaches + mspans + other
            + unknown + PROFILE_TABLE,
            allocs_bytes=allocated, allocs_objects=int(sum(taken)),
            frees_bytes=max(allocated - objects, 0), frees_objects=None, tiny_allocs=None,
            heap_goal=min(pacer.heap_goal(), LARGEST), heap_marked=pacer.heap_marked,
            objects=int(model.used.sum()), finalizers_queued=0, finalizers_executed=0,
            cycles_automatic=flow.cycles - self._forced,
            cycles_forced=self._forced, cycles_total=flow.cycles, gogc=parts.gc_percent,
            gomemlimit=parts.memory_limit,
            limiter_last_enabled=parts.limiter.last_enabled_cycle,
            scan_globals=scan["globals"], scan_heap=scan["heap"], scan_stack=scan["stack"],
            scan_total=sum(scan.values()), stack_starting_size=flow.stacks.starting_size,
            cpu_assist=cpu["assist"], cpu_dedicated=cpu["dedicated"] + cpu["fractional"],
            cpu_gc_idle=cpu["idle"], cpu_pause=cpu["pause"], cpu_gc_total=gc_total,
            cpu_idle=idle, cpu_scavenge_assist=assist, cpu_scavenge_background=background,
            cpu_scavenge_total=assist + background, cpu_total=total,
            cpu_user=total - gc_total - idle - assist - background,
            gomaxprocs=parts.procs, goroutines=goroutines,
            goroutines_created=None, goroutines_runnable=None, goroutines_running=running,
            goroutines_waiting=max(goroutines - running, 0), phase="off",
            heap_live=pacer.heap_live, trigger=min(flow.trigger(), LARGEST),
            reachable=None, rss=int(footprint.rss),
        )  # fmt: skip

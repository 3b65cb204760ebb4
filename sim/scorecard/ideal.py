"""An ideal program under a pacer: it allocates and is marked at constant rates, without actors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final, NamedTuple

from sim.go.pacer import NEVER, Pacer, ScanPart
from sim.go.pacer.go127 import BACKGROUND_UTILIZATION
from sim.units import MS, US, Bytes, Fraction, KiB, MiB, Nanoseconds

STEP: Final = 500 * US
WITHOUT_GC: Final = 1 << 40
"""heap_live up to which a program may grow that is never collected."""


class CycleSeen(NamedTuple):
    """What a cycle of an ideal program came to."""

    trigger: Bytes
    goal: Bytes
    """The goal in force when marking ended."""
    heap_end: Bytes
    """heap_live when marking ended."""
    marked: Bytes
    mark: Nanoseconds
    """How long marking took."""
    utilization: Fraction
    """GC share of the CPUs while marking."""
    assists: Fraction
    """Share of the CPUs that assists took."""

    @property
    def goal_ratio(self) -> float:
        """heap_live at the end of marking over the goal: above 1 is overshoot."""
        return self.heap_end / self.goal


@dataclass(frozen=True)
class IdealProgram:
    """Rates in bytes per CPU nanosecond; the model of Go's own TestGcPacer.

    Assists get the share of the CPUs that the assist ratio asks for, workers a quarter at least;
    what is allocated while marking dies in the next cycle.
    """

    allocates: float = 33 * KiB / MS
    scans: float = 1 * MiB / MS
    live: Bytes = 64 * MiB
    scannable: Fraction = 1.0
    stacks: Bytes = 8 * KiB
    globals_scan: Bytes = 32 * KiB
    gomaxprocs: int = 8

    def run(
        self, pacer: Pacer, cycles: int, look: Callable[[Pacer], None] = lambda _: None
    ) -> Iterator[CycleSeen]:
        """Cycles of a pacer that is configured already, each as it ends.

        `look` sees the pacer after every step.
        """
        return run_programs(repeat(self, cycles), pacer, look)


def run_programs(
    programs: Iterable[IdealProgram], pacer: Pacer, look: Callable[[Pacer], None] = lambda _: None
) -> Iterator[CycleSeen]:
    """One cycle under each of the programs; ends early where the pacer never collects."""
    now = 0
    for program in programs:
        trigger, _ = pacer.trigger()
        if trigger >= WITHOUT_GC:
            return
        seen = _Cycle(program, pacer, look, now).run(trigger)
        now += seen.mark
        yield seen


@dataclass
class _Cycle:
    """One cycle in progress."""

    program: IdealProgram
    pacer: Pacer
    look: Callable[[Pacer], None]
    now: Nanoseconds
    duration: Nanoseconds = 0
    assist_time: float = 0.0
    black: Bytes = 0
    left: dict[ScanPart, int] = field(default_factory=dict)

    def run(self, trigger: Bytes) -> CycleSeen:
        """Allocate up to the trigger, mark, and begin anew."""
        program, pacer = self.program, self.pacer
        self.allocate(max(trigger - pacer.heap_live, 0))
        pacer.set_stacks(program.stacks)
        self.left = {
            "globals": program.globals_scan,
            "stack": program.stacks,
            "heap": int(program.live * program.scannable),
        }
        pacer.start_cycle(self.now, program.gomaxprocs, periodic=False)
        self.look(pacer)
        while any(self.left.values()):
            self.step()
            self.look(pacer)
        cpu = self.duration * program.gomaxprocs
        pacer.end_cycle(self.now + self.duration, program.gomaxprocs)
        goal, heap_end = pacer.heap_goal(), pacer.heap_live
        pacer.reset_live(program.live + self.black)
        pacer.commit(sweep_done=True)
        self.look(pacer)
        assists = self.assist_time / cpu
        return CycleSeen(
            trigger,
            goal,
            heap_end,
            pacer.heap_marked,
            self.duration,
            BACKGROUND_UTILIZATION + assists,
            assists,
        )

    def step(self) -> None:
        """Half a millisecond, or what is left of marking."""
        program, pacer = self.program, self.pacer
        asked = pacer.assist_work_per_byte * program.allocates
        share = max(asked / (asked + program.scans), BACKGROUND_UTILIZATION)
        rate = program.scans * program.gomaxprocs * share
        ns = min(STEP, max(1, round(sum(self.left.values()) / rate)))
        self.scan(max(1, int(rate * ns)))
        assist = ns * program.gomaxprocs * (share - BACKGROUND_UTILIZATION)
        pacer.add_mark_time("assist", int(assist))
        self.assist_time += assist
        self.duration += ns
        allocated = int(program.allocates * program.gomaxprocs * (1 - share) * ns)
        self.black += allocated
        self.allocate(allocated)

    def allocate(self, nbytes: Bytes) -> None:
        """heap_live grows."""
        self.pacer.update(nbytes, int(nbytes * self.program.scannable))

    def scan(self, work: int) -> None:
        """Mark work: globals first, then stacks, then the heap."""
        for part, left in self.left.items():
            some = min(work, left)
            self.left[part] -= some
            work -= some
            if some:
                self.pacer.add_scan_work(part, some)


def never_collects(pacer: Pacer) -> bool:
    """Whether the pacer's trigger is out of reach."""
    return WITHOUT_GC <= pacer.trigger()[0] <= NEVER

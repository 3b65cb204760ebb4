"""What a pacer promises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from sim.errors import ModelError
from sim.go.pacer import Pacer, check
from sim.scorecard.ideal import CycleSeen, IdealProgram, never_collects
from sim.testing.promise import checker
from sim.units import MAX_INT64, GiB, KiB, MiB

CYCLES: Final = 12
STEADY: Final = IdealProgram()
PROGRAMS: Final = (
    STEADY,
    replace(STEADY, live=0),
    replace(STEADY, live=300 * KiB, gomaxprocs=1),
    replace(STEADY, live=GiB, allocates=20 * STEADY.allocates, gomaxprocs=64),
    replace(STEADY, scannable=0.0),
    replace(STEADY, live=MiB, stacks=64 * MiB, globals_scan=128 * MiB, gomaxprocs=3),
)
ATTRIBUTES: Final = (
    "heap_live",
    "heap_marked",
    "heap_scan",
    "bg_scan_credit",
    "assist_work_per_byte",
    "assist_bytes_per_work",
    "workers",
    "memory",
    "old_cons_mark",
    "scan_expected",
    "limit_in_force",
    "set_limits",
)


def check_pacer(make: Callable[[], Pacer]) -> None:
    """AssertionError unless the pacers that `make` makes keep `sim.go.pacer.Pacer`.

    Ideal programs are paced: small and large, with and without pointers, from 1 to 64 Ps, with
    GOGC from 0 to 400 and off. In all of them goals, triggers, workers and assist ratios make
    sense at every step, heap_live is what was told, and a fresh pacer remembers nothing.
    """
    _check_protocol(make())
    _check_books(make())
    for gogc in (100, 25, 400, 0):
        for program in PROGRAMS:
            first, second = (list(_watched(make(), gogc, program)) for _ in range(2))
            checker(make())(
                first == second, "a fresh pacer gives the same answers: nothing is shared"
            )
    off = make()
    off.configure(-1, MAX_INT64, 0)
    checker(off)(
        never_collects(off), f"GOGC=off never collects, got the trigger {off.trigger()[0]}"
    )


def _check_protocol(pacer: Pacer) -> None:
    pacer.configure(100, MAX_INT64, 0)
    for name in ATTRIBUTES:
        checker(pacer)(hasattr(pacer, name), f"it has the attribute {name}")


def _check_books(pacer: Pacer) -> None:
    """heap_live is the sum of what was told, and what was marked after a cycle."""
    promise = checker(pacer)
    pacer.configure(100, MAX_INT64, 0)
    pacer.update(5 * MiB, MiB)
    promise(pacer.heap_live == 5 * MiB, f"update adds to heap_live, got {pacer.heap_live}")
    pacer.start_cycle(0, 4, periodic=False)
    promise(pacer.bg_scan_credit == 0, "a cycle starts without background credit")
    pacer.update(MiB, 0)
    promise(pacer.heap_live == 6 * MiB, "update adds to heap_live while marking, too")
    pacer.add_scan_work("heap", MiB)
    pacer.end_cycle(1_000_000, 4)
    pacer.reset_live(3 * MiB)
    pacer.commit(sweep_done=False)
    promise(
        pacer.heap_live == pacer.heap_marked == 3 * MiB,
        f"what was marked is alive after a cycle, got {pacer.heap_live} and {pacer.heap_marked}",
    )


def _watched(pacer: Pacer, gogc: int, program: IdealProgram) -> Iterator[CycleSeen]:
    """Cycles of a program, with a look at the pacer whenever it may have changed its mind."""
    pacer.configure(gogc, MAX_INT64, program.globals_scan)
    _look(pacer)
    for seen in program.run(pacer, CYCLES, _look):
        promise, workers = checker(pacer), pacer.workers
        whole, fraction = workers.dedicated, workers.fraction
        promise(
            0 <= whole <= program.gomaxprocs and 0 <= fraction <= 1 and workers.max_idle >= 0,
            f"it wants workers that {program.gomaxprocs} Ps can have, got {workers}",
        )
        promise(whole > 0 or fraction > 0, f"somebody marks, got {workers}")
        yield seen


def _look(pacer: Pacer) -> None:
    try:
        check(pacer, type(pacer).__name__)
    except ModelError as error:
        raise AssertionError(str(error)) from None
    promise, expected = checker(pacer), pacer.scan_expected
    promise(
        isinstance(expected, int) and expected >= 0, f"scan_expected is a count, got {expected!r}"
    )
    promise(
        math.isfinite(pacer.old_cons_mark), f"old_cons_mark is finite, got {pacer.old_cons_mark!r}"
    )
    limit = pacer.limit_in_force
    promise(isinstance(limit, bool), f"limit_in_force is True or False, got {limit!r}")

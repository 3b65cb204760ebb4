"""What no run should be asked for: it would fill memory or disk before it had said anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sim.actors.overload import MOST_GOROUTINES
from sim.config.check import Path
from sim.config.run import RunConfig
from sim.workload.program import Batch, ClosedLoop, Load, Program, Repeat, Spawn, Step

MOST_SAMPLES: Final = 10_000_000
"""Rows of the table of samples: about 5 GB on disk."""


def beyond(config: RunConfig) -> Iterator[tuple[Path, str]]:
    """Path of each key that asks for too much, and what to do instead.

    The path of a key of the workload begins with `workload`.
    """
    if every := config.record.samples:
        yield from _too_many(
            ("record", "samples"),
            "samples",
            config.longest // every,
            MOST_SAMPLES,
            "choose a longer distance or a shorter duration",
        )
    for name, load in config.program.load.items():
        together = _lanes(load, config.gomaxprocs) * _family(config.program, load.goroutine)
        yield from _too_many(
            ("workload", "load", name),
            "goroutines at the same time",
            together,
            MOST_GOROUTINES,
            "simulate a part of the program",
        )


def _too_many(
    path: Path, what: str, number: int, most: int, remedy: str
) -> Iterator[tuple[Path, str]]:
    if number > most:
        yield path, f"expected at most {most:,} {what}, got {number:,}: {remedy}"


def _lanes(load: Load, procs: int) -> int:
    match load:
        case ClosedLoop(workers=workers):
            return workers
        case Batch():
            return load.lanes(procs)
    return 1


def _family(program: Program, kind: str) -> int:
    """How many goroutines one of a kind and all that it spawns are."""
    return 1 + _spawned(program, program.goroutines[kind].steps)


def _spawned(program: Program, steps: tuple[Step, ...]) -> int:
    total = 0
    for step in steps:
        match step:
            case Spawn():
                total += step.count * _family(program, step.goroutine)
            case Repeat():
                inside = _spawned(program, step.steps)
                total += inside if step.times else 0
    return total

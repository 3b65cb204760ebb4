"""What no run should be asked for: it would fill memory or disk before it had said anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sim.actors.overload import MOST_GOROUTINES
from sim.config.check import Path
from sim.config.run import RunConfig
from sim.units import SECOND, PerSecond, format_duration
from sim.workload.arrivals import Bursts, Poisson, Regular, Varying
from sim.workload.program import (
    Batch,
    ClosedLoop,
    Load,
    OpenLoop,
    Program,
    Repeat,
    Spawn,
    Spin,
    Step,
    Wait,
    Work,
)

MOST_SAMPLES: Final = 10_000_000
"""Rows of the table of samples: about 5 GB on disk."""


MOST_REQUESTS: Final = 1_000_000_000
"""Requests of a run that are simulated one by one: some 10 hours of CPU time."""
_AT_ONE_INSTANT: Final = (
    "expected requests or a think time that take time: the client of these sends the next one at"
    " the same instant, without end"
)
MOST_AT_ONCE: Final = 1_000_000
"""Steps that may happen at one instant."""


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
    if config.program.serves and config.record.warmup >= config.longest:
        longest = format_duration(config.longest)
        yield (
            ("record", "warmup"),
            f"expected less than the {longest} of the run: nothing would count",
        )
    yield from _endless(config.program)
    for name, load in config.program.load.items():
        if config.model.detail == "events":
            yield from _too_many(
                ("workload", "load", name),
                "requests in a run",
                round(_arrivals(load) * config.longest / SECOND),
                MOST_REQUESTS,
                "offer less, simulate a shorter time, or choose model.detail: fluid",
            )
        together = _lanes(load, config.gomaxprocs) * _family(config.program, load.goroutine)
        yield from _too_many(
            ("workload", "load", name),
            "goroutines at the same time",
            together,
            MOST_GOROUTINES,
            "simulate a part of the program",
        )


def _arrivals(load: Load) -> PerSecond:
    """Mean rate at which requests come; 0 where nothing says it."""
    if not isinstance(load, OpenLoop):
        return 0.0
    match load.arrivals:
        case Poisson(rate=rate) | Regular(rate=rate):
            return rate
        case Bursts(rate=rate, burst=burst, lasting=lasting, period=period):
            return rate + (burst - rate) * lasting / period
        case Varying(rates=rates):
            return sum(rates) / len(rates)
    return 0.0


def _endless(program: Program) -> Iterator[tuple[Path, str]]:
    """What goes on and on at one instant of simulated time."""
    for name, load in program.load.items():
        closed = isinstance(load, ClosedLoop) and not load.think.mean()
        if closed and _takes_no_time(program, program.goroutines[load.goroutine].steps):
            yield ("workload", "load", name), _AT_ONE_INSTANT
    for name, kind in program.goroutines.items():
        for step in _repeated(kind.steps):
            if step.times > MOST_AT_ONCE and _takes_no_time(program, step.steps):
                why = f"expected steps that take time where they are repeated {step.times:,} times"
                yield ("workload", "goroutines", name), why


def _repeated(steps: Sequence[Step]) -> Iterator[Repeat]:
    for step in steps:
        if isinstance(step, Repeat):
            yield step
            yield from _repeated(step.steps)


def _takes_no_time(program: Program, steps: Sequence[Step]) -> bool:
    """Whether all of them happen at one instant."""
    for step in steps:
        match step:
            case Work(cpu=cpu, allocate=allocate) if not cpu.mean() and not allocate.mean():
                continue
            case Wait(time=time) | Spin(time=time) if not time.mean():
                continue
            case Repeat(times=times) if not times or _takes_no_time(program, step.steps):
                continue
            case Spawn() if _takes_no_time(program, program.goroutines[step.goroutine].steps):
                continue
        return False
    return True


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

"""What a run is too short to tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from sim.record.phases import PhaseName
from sim.results.names import words
from sim.results.result import Result
from sim.units import Figure, format_duration

ENOUGH: Final = 10
"""Cycles, or requests beyond a percentile, below which it is said that they are few."""
QUANTILES: Final = (("latency_p99", 0.99), ("latency_p999", 0.999))


class Few(NamedTuple):
    """Something of which a run has too little."""

    number: int
    what: str
    """Which figure of the summary it is, or phase of the run."""
    sentence: str
    """What the run cannot tell for that."""


NEVER: Final = Few(
    0, PhaseName.SERVICE, "load had not begun at the end: all figures are of start-up"
)


def few(result: Result, figures: Mapping[str, Figure]) -> Iterator[Few]:
    """What a run with this summary rests on too little for."""
    if not began(result):
        yield NEVER
    elif not result.counts:
        ends, begins = format_duration(result.end_ns), format_duration(result.service_ns)
        sentence = f"warm-up would last until {begins}, the run ended at {ends}: nothing counts"
        yield Few(0, PhaseName.SERVICE, sentence)
    cycles, requests = (_count(figures, name) for name in ("gc_cycles", "requests"))
    if result.counts and awaits_cycle(result):
        yield Few(0, "gc_cycles", "no GC cycle is in service: what GC costs is not known")
    if 0 < cycles < ENOUGH:
        counted = "1 GC cycle is" if cycles == 1 else f"{cycles} GC cycles are"
        sentence = f"{counted} no distribution: GC CPU and pauses may be of chance"
        yield Few(cycles, "gc_cycles", sentence)
    thin = {name: beyond for name, q in QUANTILES if 0 < (beyond := requests * (1 - q)) < ENOUGH}
    if thin:
        decide = max(1, round(next(iter(thin.values()))))
        counted = "1 request is" if requests == 1 else f"{requests} requests are"
        slowest = "slowest decides" if decide == 1 else f"slowest {decide} decide"
        names = " and ".join(map(words, thin))
        yield Few(requests, "requests", f"{counted} few for {names}: the {slowest}")


def began(result: Result) -> bool:
    """Whether load began before the end of the run."""
    return bool({PhaseName.WARM_UP, PhaseName.SERVICE} & {*result.phases["phase"]})


def awaits_cycle(result: Result) -> bool:
    """Whether service has no GC cycle yet, though GOGC or GOMEMLIMIT will make one begin."""
    serves = PhaseName.WARM_UP in {*result.phases["phase"]}
    return serves and result.service("cycles").empty and result.collects


def fewest(found: Sequence[tuple[str, Few]]) -> list[str]:
    """A sentence for each thing that some settings, named before, have too little of."""
    lines = []
    for what in dict.fromkeys(one.what for _, one in found):
        mine = [(name, one) for name, one in found if one.what == what]
        name, least = min(mine, key=lambda item: item[1].number)
        others = len({other for other, _ in mine}) - 1
        settings = "setting" if others == 1 else "settings"
        also = f"; likewise {others} more {settings}" if others else ""
        lines.append(f"{name}: {least.sentence}{also}.")
    return lines


def _count(figures: Mapping[str, Figure], name: str) -> int:
    return round(figures[name].value) if name in figures else 0

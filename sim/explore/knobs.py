"""What can be turned on the page, and the values that its sliders stop at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sim import quantities
from sim.advice.scenario import Future
from sim.fitting.fit import Fit, live_heap
from sim.fitting.settings import name_gogc, name_limit
from sim.replay.program import Load
from sim.replay.setting import Setting
from sim.units import Bytes, Fraction, MiB

GOGC: Final = (
    10,
    15,
    20,
    25,
    30,
    40,
    50,
    60,
    75,
    90,
    100,
    125,
    150,
    175,
    200,
    250,
    300,
    400,
    500,
    600,
    800,
    1000,
    None,
)
TRAFFIC: Final = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)
GROWTH: Final = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
MOST_PROCS: Final = 16
SIZES: Final = 32
LARGEST: Final = 12
"""Of the live heap: limits and containers on the sliders go so far, in even ratios."""


class Position(NamedTuple):
    """Where all knobs stand."""

    gogc: int | None
    limit: Bytes | None
    procs: int
    traffic: Fraction
    growth: Fraction
    container: Bytes | None
    """Memory of the container, a line in the pictures."""

    @property
    def setting(self) -> Setting:
        """What the runtime is told."""
        return Setting(self.gogc, self.limit, self.procs)

    @property
    def scenario(self) -> Future:
        """What the program does."""
        return Future(self.growth, self.traffic)


@dataclass(frozen=True, slots=True)
class Knob:
    """One slider with its field: a field of Position."""

    title: str
    values: Sequence[Any]
    parse: Callable[[str], Any]
    name: Callable[[Any], str]

    def nearest(self, value: Any) -> int:
        """The stop of the slider that is next to a value; that of no limit is exact."""
        if value is None or value in self.values:
            return list(self.values).index(value)
        numbers = [(abs(stop - value), k) for k, stop in enumerate(self.values) if stop is not None]
        return min(numbers)[1]


def _named_share(share: Fraction) -> str:
    return f"{share:.0%}"


KINDS: Final[Mapping[str, tuple[str, Callable[[str], Any], Callable[[Any], str]]]] = {
    "gogc": ("GOGC", quantities.GOGC.read, name_gogc),
    "limit": ("GOMEMLIMIT", quantities.GOMEMLIMIT.read, name_limit),
    "procs": ("GOMAXPROCS", quantities.GOMAXPROCS.read, str),
    "traffic": ("Load, of that in the log", quantities.TRAFFIC.read, _named_share),
    "growth": ("Growth of the live heap", quantities.GROWTH.read, _named_share),
    "container": ("Memory of the container", quantities.GOMEMLIMIT.read, name_limit),
}
"""By field of Position: title, reader of what is typed, and name of a value."""


def knobs(values: Mapping[str, Sequence[Any]]) -> dict[str, Knob]:
    """The knobs that have more than one value to choose from."""
    return {
        name: Knob(title, values[name], parse, named)
        for name, (title, parse, named) in KINDS.items()
        if len(values.get(name, ())) > 1
    }


def all_values(fit: Fit, container: Bytes | None) -> dict[str, Sequence[Any]]:
    """The stops of the page that answers live."""
    sizes = _sizes(live_heap(fit), container)
    procs = sorted({*range(1, MOST_PROCS + 1), fit.logged.procs, 2 * fit.logged.procs})
    return {
        "gogc": _with(GOGC, fit.logged.gogc),
        "limit": _with((*sizes, None), fit.logged.memory_limit),
        "procs": procs,
        "traffic": TRAFFIC if fit.program.load is Load.WAITING else (1.0,),
        "growth": GROWTH,
        "container": (*sizes, None),
    }


def _sizes(live: float, container: Bytes | None) -> list[Bytes]:
    """Whole MiB from the live heap to a dozen of it, in even ratios, and the container."""
    ratios = [LARGEST ** (k / (SIZES - 1)) for k in range(SIZES)]
    found = {max(4, round(live * ratio / MiB)) * MiB for ratio in ratios}
    return sorted(found | ({container} if container else set()))


def _with(stops: Sequence[Any], value: Any) -> list[Any]:
    """With a stop for the value, `None` at the end."""
    found = {stop for stop in stops if stop is not None} | ({value} if value is not None else set())
    return [*sorted(found), None]

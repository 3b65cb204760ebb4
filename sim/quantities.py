"""What people type for options: how each quantity is read, and between what it must lie.

The one place of these bounds. The command line looks at every option before work begins, and the
functions behind it read what they are given with the same objects. (Keys of a config have theirs in
the annotations of `sim.config`.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from sim.errors import UserError
from sim.text import quoted
from sim.units import (
    MAX_INT64,
    MINUTE,
    MOST_PER_SECOND,
    MS,
    SLOWEST_RATE,
    format_bytes,
    format_duration,
    parse_bytes,
    parse_duration,
    parse_fraction,
    parse_rate,
)

ADDRESS_SPACE: Final = 1 << 47
"""Bytes of user address space on linux/amd64 (runtime/malloc.go: heapAddrBits)."""
MOST_GOGC: Final = (1 << 31) - 1
"""What Go reads has 32 bits (runtime/mgcpacer.go: readGOGC)."""
MOST_PS: Final = 4096
"""More than the largest machines have; the state of each is simulated."""
MOST_SEED: Final = MAX_INT64
MOST_RUNS: Final = 100_000
"""Of one command: their configs, of a few kilobytes each, are in memory at once."""
MOST_REPETITIONS: Final = 1000
"""Measurements of the same on a real machine."""
MOST_PROCESSES: Final = 1024
"""Processes that simulate at the same time."""
MOST_SETTINGS: Final = 1000
"""Settings of one prediction."""
MOST_CYCLES: Final = 300_000
"""Cycles of a log, and of what is predicted at the setting of the log: weeks of a service."""
MOST_REQUESTS: Final = 10_000_000
"""Requests whose latency is predicted, one by one: half a gigabyte."""
_DIGITS: Final = 20
"""More than any number that Go reads has."""
_HOUR: Final = 60 * MINUTE

N = TypeVar("N", int, float)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Readable(Protocol[T_co]):
    """What can be typed for an option."""

    def read(self, text: str) -> T_co:
        """What it stands for. Raises UserError for text that says nothing or lies outside."""
        ...


class Dimension(NamedTuple, Generic[N]):
    """What a quantity is: in words, and how it is read and written."""

    words: str
    parse: Callable[[str], N]
    show: Callable[[float], str]


@dataclass(frozen=True)
class Quantity(Generic[N]):
    """A number with a unit, between two bounds."""

    name: str
    """As sentences call it: that of the option, or of the variable of Go."""
    dimension: Dimension[N]
    least: N
    most: N

    def read(self, text: str | float) -> N:
        """See `Readable`."""
        try:
            value = self.dimension.parse(str(text))
        except UserError as error:
            raise UserError(f"{self.name}: {error}") from None
        if not self.least <= value <= self.most:
            raise UserError(
                f"{self.name}: expected {self.bounds}, got {quoted(text)}{self._meant(text)}"
            )
        return value

    def _meant(self, text: str | float) -> str:
        """A share without its sign for per cent is what people type."""
        per_cent = f"{text}%"
        try:
            value = self.dimension.parse(per_cent)
        except UserError:
            return ""
        return f" (did you mean {per_cent}?)" if self.least <= value <= self.most else ""

    @property
    def bounds(self) -> str:
        """Between what it lies, in words."""
        least, most = self.dimension.show(self.least), self.dimension.show(self.most)
        return f"{self.dimension.words} from {least} to {most}"


@dataclass(frozen=True)
class Limit(Generic[N]):
    """A quantity, or a word that says that there is none: None."""

    quantity: Quantity[N]
    words: tuple[str, ...]

    def read(self, text: str | float) -> N | None:
        """See `Readable`."""
        return None if text in self.words else self.quantity.read(text)


@dataclass(frozen=True)
class Values(Generic[T]):
    """Values with commas between them, at least one."""

    name: str
    one: Readable[T]
    most: int = MOST_SETTINGS

    def read(self, text: str) -> list[T]:
        """See `Readable`."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        if not words:
            raise UserError(f"{self.name}: expected at least one value, got {quoted(text)}")
        if len(words) > self.most:
            raise UserError(
                f"{self.name}: expected at most {self.most:,} values, got {len(words):,}"
            )
        return [self.one.read(word) for word in words]


def _whole(example: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
            raise UserError(f"expected {example}, got {quoted(text)}")
        return int(text)

    return parse


def _digits(value: float) -> str:
    return f"{value:.0f}"


def _percent(share: float) -> str:
    return f"{100 * share:g}%"


def _hours(ns: float) -> str:
    return f"{ns / _HOUR:g}h" if ns >= _HOUR else format_duration(ns)


_PERCENT: Final = Dimension("a number", _whole("a number such as 100 or off"), _digits)
_COUNT: Final = Dimension("a number", _whole("a number such as 4"), _digits)
_SIZE: Final = Dimension("a size", parse_bytes, format_bytes)
_OBJECT_SIZE: Final = _SIZE._replace(parse=partial(parse_bytes, likely="B"))
_SHARE: Final = Dimension("a share", parse_fraction, _percent)
_TIME: Final = Dimension("a time", parse_duration, _hours)
_RATE: Final = Dimension("a rate", parse_rate, lambda rate: f"{rate:g}/s")

GOGC: Final = Limit(Quantity("GOGC", _PERCENT, 0, MOST_GOGC), ("off",))
GOMEMLIMIT: Final = Limit(Quantity("GOMEMLIMIT", _SIZE, 1, MAX_INT64), ("none", "off"))
GOMAXPROCS: Final = Quantity("GOMAXPROCS", _COUNT, 1, MOST_PS)
GOGCS: Final = Values("GOGC", GOGC)
GOMEMLIMITS: Final = Values("GOMEMLIMIT", GOMEMLIMIT)
GOMAXPROCS_VALUES: Final = Values("GOMAXPROCS", GOMAXPROCS)
OBJECT: Final = Quantity("SIZE", _OBJECT_SIZE, 0, ADDRESS_SPACE)
CONTAINER: Final = Quantity("memory", _SIZE, 1, ADDRESS_SPACE)
RESIDENT: Final = Quantity("rss", _SIZE, 1, ADDRESS_SPACE)
GROWTH: Final = Quantity("growth", _SHARE, 0.0, 100.0)
TRAFFIC: Final = Quantity("traffic", _SHARE, 0.001, 100.0)
GC_CPU: Final = Quantity("max-gc-cpu", _SHARE, 0.001, 1.0)
LATENCY: Final = Quantity("p99", _TIME, 1, _HOUR)
ARRIVALS: Final = Quantity("arrivals", _RATE, SLOWEST_RATE, MOST_PER_SECOND)
HORIZON: Final = Quantity("horizon", _TIME, MS, 10_000 * _HOUR)
LOG_TIME: Final = Quantity("from, to", _TIME, 0, MAX_INT64)
SIMULATED_TIME: Final = Quantity("duration", _TIME, 1, 10_000 * _HOUR)
WARMUP: Final = Quantity("warmup", _TIME, 0, 10_000 * _HOUR)

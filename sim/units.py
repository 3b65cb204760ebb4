"""Units: integers inside, `512MiB` and `250us` only where people read and write.

Memory is an int of bytes, simulated time an int of nanoseconds, a rate a float per second.
The aliases carry their unit as metadata, so that configuration, schemas and table columns can
read it, while the type checker sees plain numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple, TypeAlias

from sim.errors import UserError
from sim.text import LONGEST, quoted


@dataclass(frozen=True)
class Unit:
    """What a number counts: `bytes`, `ns`, `per_second`, `bytes_per_second`, `fraction`."""

    name: str


Bytes: TypeAlias = Annotated[int, Unit("bytes")]
Nanoseconds: TypeAlias = Annotated[int, Unit("ns")]
PerSecond: TypeAlias = Annotated[float, Unit("per_second")]
BytesPerSecond: TypeAlias = Annotated[float, Unit("bytes_per_second")]
Fraction: TypeAlias = Annotated[float, Unit("fraction")]

KiB: Final = 1 << 10
MiB: Final = 1 << 20
GiB: Final = 1 << 30
TiB: Final = 1 << 40

US: Final = 1_000
MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND

_BYTE_UNITS: Final = {"B": 1, "KiB": KiB, "MiB": MiB, "GiB": GiB, "TiB": TiB}
_TIME_UNITS: Final = {
    "ns": 1,
    "us": US,
    "µs": US,
    "ms": MS,
    "s": SECOND,
    "m": MINUTE,
    "min": MINUTE,
    "h": 60 * MINUTE,
}
_NUMBER: Final = r"([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
_SIZE: Final = re.compile(rf"{_NUMBER}\s*([A-Za-z]*)")
_DURATION: Final = re.compile(rf"{_NUMBER}\s*([a-zµ]+)")


MAX_INT64: Final = (1 << 63) - 1
"""Go's math.MaxInt64, in bytes or nanoseconds (292 years): GOMEMLIMIT=off (runtime/mgcpacer.go:
readGOMEMLIMIT), and what tables say of a goal that is never reached."""
UNLIMITED: Final = 1 << 62
"""From here on a size or a percentage of metrics means "off": Go's MaxInt64, and -1 as an unsigned
number, however a scraper has rounded them."""
MOST_PER_SECOND: Final = 1e12
SLOWEST_RATE: Final = 1e-9
"""A second: once in 32 years."""


def _whole(number: str, size: int, text: object) -> int:
    """A number of units, exactly where it is written without a fraction."""
    about = float(number) * size
    if not about <= MAX_INT64:
        raise UserError(f"expected at most {MAX_INT64:.3g}, which 64 bits hold, got {quoted(text)}")
    return int(number) * size if number.isdigit() else round(about)


def parse_bytes(text: str | int, likely: str = "MiB") -> int:
    """Bytes of a size in Go's GOMEMLIMIT syntax (`512MiB`, `64KiB`, `100B`; 0 needs no unit).

    Decimal fractions are a convenience (`1.5GiB`). Raises UserError for other units: Go does not
    know MB or GB either; it suggests the one that is `likely` where there is none.
    """
    match = _SIZE.fullmatch(str(text).strip())
    if match is None:
        raise UserError(f"expected a size such as 512MiB, got {quoted(text)}")
    number, unit = match.groups()
    if unit == "" and float(number) == 0:
        return 0
    if unit not in _BYTE_UNITS:
        first = unit[:1].upper() or likely[0]
        nearest = next((name for name in _BYTE_UNITS if name[0] == first), "KiB")
        got = f"the unit {quoted(unit)}" if unit else "no unit"
        raise UserError(
            f"expected a size with one of the units B, KiB, MiB, GiB, TiB, got {got} in"
            f" {quoted(text)} (did you mean {number[:LONGEST]}{nearest}?)"
        )
    return _whole(number, _BYTE_UNITS[unit], text)


def parse_duration(text: str | int) -> int:
    """Nanoseconds of a duration such as `250us`, `1.5s`, `2m` (0 needs no unit)."""
    if str(text).strip() == "0":
        return 0
    match = _DURATION.fullmatch(str(text).strip())
    if match is None or match.group(2) not in _TIME_UNITS:
        raise UserError(f"expected a duration such as 250us, 10ms or 2s, got {quoted(text)}")
    return _whole(match.group(1), _TIME_UNITS[match.group(2)], text)


def parse_rate(text: str | float) -> float:
    """Events per second of a rate such as `2000/s`, `5/m`, `0.1/ms`."""
    number, _, unit = str(text).strip().partition("/")
    if unit not in _TIME_UNITS or not re.fullmatch(_NUMBER, number.strip()):
        raise UserError(f"expected a rate such as 2000/s, got {quoted(text)}")
    rate = float(number) * SECOND / _TIME_UNITS[unit]
    if rate and not SLOWEST_RATE <= rate <= MOST_PER_SECOND:
        raise UserError(
            f"expected a rate from {SLOWEST_RATE:g}/s to {MOST_PER_SECOND:g}/s, got {quoted(text)}"
        )
    return rate


def parse_byte_rate(text: str) -> float:
    """Bytes per second of a rate such as `256MiB/s`."""
    size, _, unit = str(text).strip().partition("/")
    if unit not in _TIME_UNITS:
        raise UserError(f"expected a rate such as 256MiB/s, got {quoted(text)}")
    return parse_bytes(size) * SECOND / _TIME_UNITS[unit]


def parse_fraction(text: str | float) -> float:
    """A fraction of at least 0, written as `0.1` or `10%`."""
    words = str(text).strip()
    try:
        value = float(words[:-1]) / 100 if words.endswith("%") else float(words)
    except ValueError:
        value = math.nan
    if not (words.isascii() and 0 <= value < math.inf):
        raise UserError(f"expected a fraction such as 0.1 or 10%, got {quoted(text)}")
    return value


def format_bytes(count: float) -> str:
    """A size for people: three significant digits in the largest binary unit below it."""
    for unit, size in reversed(_BYTE_UNITS.items()):
        if abs(count) >= size > 1:
            return (
                f"{count / size:.3g}{unit}"
                if abs(count) < 1000 * size
                else f"{count / size:.0f}{unit}"
            )
    return f"{count:.0f}B"


def format_duration(ns: float) -> str:
    """A duration for people: three significant digits in the largest unit up to seconds."""
    for unit, size in (("s", SECOND), ("ms", MS), ("us", US)):
        if abs(ns) >= size:
            return f"{ns / size:.3g}{unit}" if abs(ns) < 1000 * size else f"{ns / size:.0f}{unit}"
    return f"{ns:.0f}ns"


_DIGITS: Final = re.compile(r"-?[\d.]+")


class Figure(NamedTuple):
    """A number and its unit: ns, bytes, fraction, count, per_second or bytes_per_second."""

    value: float
    unit: str

    def __str__(self) -> str:
        match self.unit:
            case "ns":
                return format_duration(self.value)
            case "bytes":
                return format_bytes(self.value)
            case "bytes_per_second":
                return f"{format_bytes(self.value)}/s"
            case "fraction":
                return f"{100 * self.value:.3g}%"
            case "per_second":
                return f"{self.value:.4g}/s"
            case _:
                return f"{self.value:.0f}"


def in_one_unit(values: Sequence[float], unit: str) -> list[str]:
    """Figures in words; where all have the same unit, only the first one says it."""
    texts = [str(Figure(value, unit)) for value in values]
    if len({_DIGITS.sub("", text) for text in texts}) > 1:
        return texts
    return [texts[0], *(_DIGITS.findall(text)[0] for text in texts[1:])]

"""Dumps of Go's runtime/metrics: one JSON object a line, written and read.

A line maps the names of the metrics to numbers, and histograms to `buckets` and `counts`; the
outermost bounds are the strings "-Inf" and "+Inf", for which JSON has no number. `at_ns` is the
time of the dump. This is what a Go program gets by encoding what metrics.Read gave it.

Source: runtime/metrics (description.go, histogram.go), runtime/histogram.go, runtime/metrics.go.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias

from sim.formats.gofloat import format_float
from sim.formats.log import Problem
from sim.text import quoted
from sim.units import SECOND, Bytes, Nanoseconds

_LARGEST: Final = 1 << 64
"""Of a whole number: unsigned, of 64 bits; floats may have rounded it up."""


class MetricKind(Enum):
    """The type of a metric's value."""

    UINT64 = "uint64"
    FLOAT64 = "float64"
    HISTOGRAM = "float64-histogram"


class Metric(NamedTuple):
    """A metric of the runtime."""

    name: str
    """Path and unit, e.g. `/gc/heap/goal:bytes`."""
    kind: MetricKind
    cumulative: bool
    """Only ever grows, so that differences make sense and values of one instant mean little."""
    description: str

    @property
    def unit(self) -> str:
        """Of the value; of the bounds if it is a histogram."""
        return self.name.rpartition(":")[2]


class Histogram(NamedTuple):
    """Counts between bounds; each bucket includes its lower bound and excludes its upper one."""

    buckets: tuple[float, ...]
    """Ascending bounds, one more than there are counts."""
    counts: tuple[int, ...]


Value: TypeAlias = int | float | Histogram


class Dump(NamedTuple):
    """All metrics at one instant."""

    at: Nanoseconds | None
    values: Mapping[str, Value]


def format_line(dump: Dump) -> str:
    """The dump as a line of JSON, without the newline."""
    at = {} if dump.at is None else {"at_ns": dump.at}
    return json.dumps(at | {name: _encode(value) for name, value in dump.values.items()})


def parse(
    lines: Iterable[str], report: Callable[[Problem], None] = lambda problem: None
) -> Iterator[tuple[int, Dump]]:
    """The dumps in a file with their line numbers; lines that are no JSON object are passed over.

    Metrics that no Go version in the catalogue knows are kept: a newer Go has more of them.
    `report` hears of lines with damaged JSON or with values that no metric can have.
    """
    for line_number, text in enumerate(lines, start=1):
        if not text.lstrip().startswith("{"):
            continue
        try:
            row = json.loads(text)
            names = [name for name in row if name.startswith("/")]
            at = None if row.get("at_ns") is None else int(row["at_ns"])
            yield line_number, Dump(at, {name: _decode(row[name]) for name in names})
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            report(Problem(line_number, f"not a dump of runtime/metrics: {error}", kept=False))


def _encode(value: Value) -> object:
    if not isinstance(value, Histogram):
        return value
    bounds = [bound if math.isfinite(bound) else format_float(bound) for bound in value.buckets]
    return {"buckets": bounds, "counts": list(value.counts)}


def _decode(value: Any) -> Value:
    """Raises ValueError, TypeError or KeyError for what is not a value of a metric."""
    if isinstance(value, dict):
        return _histogram([float(bound) for bound in value["buckets"]], value["counts"])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"value {quoted(value)}")
    if isinstance(value, int) and value > _LARGEST:
        raise ValueError(f"value {quoted(value)}")
    return value


def _histogram(buckets: Sequence[float], counts: Sequence[int]) -> Histogram:
    if len(buckets) != len(counts) + 1 or any(a >= b for a, b in pairwise(buckets)):
        raise ValueError("bounds that do not ascend or do not match the counts")
    if any(not isinstance(count, int) or not 0 <= count <= _LARGEST for count in counts):
        raise ValueError("counts that are none")
    return Histogram(tuple(buckets), tuple(counts))


_MIN_BUCKET_BITS: Final = 9
_MAX_BUCKET_BITS: Final = 48
_SUB_BUCKET_BITS: Final = 2
_SUB_BUCKETS: Final = 1 << _SUB_BUCKET_BITS


def _time_bounds() -> Iterator[Nanoseconds]:
    """Lower bounds of the buckets: powers of two, each cut into four equal parts."""
    for part in range(_SUB_BUCKETS):
        yield part << (_MIN_BUCKET_BITS - 1 - _SUB_BUCKET_BITS)
    for bits in range(_MIN_BUCKET_BITS, _MAX_BUCKET_BITS):
        for part in range(_SUB_BUCKETS):
            yield (_SUB_BUCKETS + part) << (bits - 1 - _SUB_BUCKET_BITS)
    yield 1 << (_MAX_BUCKET_BITS - 1)


TIME_BUCKETS: Final = (-math.inf, *(ns / SECOND for ns in _time_bounds()), math.inf)
"""Bounds in seconds of every histogram of times (runtime/histogram.go: timeHistogram)."""


def time_bucket(duration: Nanoseconds) -> int:
    """Index of the count that a duration falls into: 0 if negative, the last one from 2**47 ns."""
    if duration < 0:
        return 0
    bits = max(duration.bit_length(), _MIN_BUCKET_BITS - 1)
    if bits >= _MAX_BUCKET_BITS:
        return len(TIME_BUCKETS) - 2
    # Durations with fewer bits than the first bucket share its width, and so its shift.
    shift = max(bits, _MIN_BUCKET_BITS) - 1 - _SUB_BUCKET_BITS
    return 1 + (bits - _MIN_BUCKET_BITS + 1) * _SUB_BUCKETS + (duration >> shift) % _SUB_BUCKETS


def size_buckets(size_classes: Iterable[Bytes]) -> tuple[float, ...]:
    """Bounds of allocs-by-size and frees-by-size from the sizes of the size classes, ascending.

    A class holds objects up to and including its size; larger objects are in the last bucket.
    """
    return (1.0, *(float(size + 1) for size in size_classes), math.inf)

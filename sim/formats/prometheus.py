"""Prometheus text exposition of Go programs: the `go_` families, and runtime/metrics behind them.

Names and histogram bounds are those of client_golang's Go collector with all runtime metrics, so
dashboards and rules written for real programs work on simulated ones.

Source: client_golang, prometheus/internal/go_runtime_metrics.go and prometheus/go_collector*.go;
the text format 0.0.4.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from sim.errors import UserError
from sim.formats import json_stream
from sim.formats.gofloat import format_float
from sim.formats.log import Problem
from sim.formats.runtime_metrics import Histogram, Metric, MetricKind, Value
from sim.formats.runtime_metrics_catalogue import CATALOGUE


class MetricSample(NamedTuple):
    """One line of an exposition."""

    name: str
    labels: Mapping[str, str]
    value: float
    at: float | None = None
    """Unix time in seconds, where the line says one."""


def family_name(metric: Metric) -> str:
    """The name client_golang gives a runtime metric."""
    path, _, unit = metric.name.rpartition(":")
    words = f"go{path}_{unit.replace('/', '_per_')}"
    total = "_total" if metric.cumulative and metric.kind is not MetricKind.HISTOGRAM else ""
    return re.sub(r"[-*/]", "_", words) + total


_CLASSES: Final = "/memory/classes/"
_HEAP_INUSE: Final = (f"{_CLASSES}heap/objects:bytes", f"{_CLASSES}heap/unused:bytes")
_HEAP_IDLE: Final = (f"{_CLASSES}heap/free:bytes", f"{_CLASSES}heap/released:bytes")
_TINY: Final = "/gc/heap/tiny/allocs:objects"

OLDER_FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "go_memstats_alloc_bytes": (f"{_CLASSES}heap/objects:bytes",),
    "go_memstats_alloc_bytes_total": ("/gc/heap/allocs:bytes",),
    "go_memstats_buck_hash_sys_bytes": (f"{_CLASSES}profiling/buckets:bytes",),
    "go_memstats_frees_total": ("/gc/heap/frees:objects", _TINY),
    "go_memstats_gc_sys_bytes": (f"{_CLASSES}metadata/other:bytes",),
    "go_memstats_heap_alloc_bytes": (f"{_CLASSES}heap/objects:bytes",),
    "go_memstats_heap_idle_bytes": _HEAP_IDLE,
    "go_memstats_heap_inuse_bytes": _HEAP_INUSE,
    "go_memstats_heap_objects": ("/gc/heap/objects:objects",),
    "go_memstats_heap_released_bytes": (f"{_CLASSES}heap/released:bytes",),
    "go_memstats_heap_sys_bytes": _HEAP_INUSE + _HEAP_IDLE,
    "go_memstats_mallocs_total": ("/gc/heap/allocs:objects", _TINY),
    "go_memstats_mcache_inuse_bytes": (f"{_CLASSES}metadata/mcache/inuse:bytes",),
    "go_memstats_mcache_sys_bytes": (
        f"{_CLASSES}metadata/mcache/inuse:bytes",
        f"{_CLASSES}metadata/mcache/free:bytes",
    ),
    "go_memstats_mspan_inuse_bytes": (f"{_CLASSES}metadata/mspan/inuse:bytes",),
    "go_memstats_mspan_sys_bytes": (
        f"{_CLASSES}metadata/mspan/inuse:bytes",
        f"{_CLASSES}metadata/mspan/free:bytes",
    ),
    "go_memstats_next_gc_bytes": ("/gc/heap/goal:bytes",),
    "go_memstats_other_sys_bytes": (f"{_CLASSES}other:bytes",),
    "go_memstats_stack_inuse_bytes": (f"{_CLASSES}heap/stacks:bytes",),
    "go_memstats_stack_sys_bytes": (f"{_CLASSES}heap/stacks:bytes", f"{_CLASSES}os-stacks:bytes"),
    "go_memstats_sys_bytes": (f"{_CLASSES}total:bytes",),
}
"""Families from before runtime/metrics, and the metrics whose sum they are.

go_goroutines is none of them: it leaves out the runtime's own goroutines, which
/sched/goroutines:goroutines counts.
"""

_METRICS: Final = {family_name(metric): metric for metric in CATALOGUE.values()} | {
    family: CATALOGUE[names[0]] for family, names in OLDER_FAMILIES.items() if len(names) == 1
}

_LABEL: Final = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\.)*"'
_SAMPLE: Final = re.compile(
    rf"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{{\s*((?:{_LABEL}[\s,]*)*)\}})?\s*"
    r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?|[-+]?Inf|NaN)(?:\s+(-?[0-9.]+(?:[eE][-+]?[0-9]+)?))?(?:\s.*)?"
)
_LATEST_SECONDS: Final = 1e11
"""Times from here on are milliseconds, as in the text format; OpenMetrics has seconds."""
_LABEL_PARTS: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
_UNESCAPES: Final = {escape: character for character, escape in _ESCAPES.items()}


def parse(
    lines: Iterable[str], report: Callable[[Problem], None] = lambda problem: None
) -> Iterator[MetricSample]:
    """The samples of an exposition, whatever program exposed them; comments are passed over."""
    for line_number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            yield _sample(text)
        except ValueError as error:
            report(Problem(line_number, str(error), kept=False))


def _sample(text: str) -> MetricSample:
    match = _SAMPLE.fullmatch(text)
    if match is None:
        raise ValueError("not a sample such as go_goroutines 8")
    name, labels, value, at = match.groups()
    time = None if at is None else float(at) / (1e3 if float(at) > _LATEST_SECONDS else 1.0)
    return MetricSample(
        name,
        {key: _unescape(words) for key, words in _LABEL_PARTS.findall(labels or "")},
        float(value),
        time,
    )


def parse_query(text: str) -> Iterator[MetricSample]:
    """The samples of answers of Prometheus' HTTP API to `query_range` or `query`.

    Those of VictoriaMetrics' `/api/v1/export` as well, a series a line. Native histograms are
    passed over. Raises ValueError for JSON that is none, and UserError for an answer that is an
    error.
    """
    for answer in json_stream.values(text):
        if isinstance(answer, dict) and {"metric", "values", "timestamps"} <= answer.keys():
            at = (time / 1e3 for time in answer["timestamps"])
            yield from _series(answer["metric"], zip(at, answer["values"], strict=True))
            continue
        if not isinstance(answer, dict) or "status" not in answer:
            raise ValueError("not an answer of the HTTP API of Prometheus")
        if answer["status"] != "success":
            raise UserError(f"Prometheus answered: {answer.get('error', answer['status'])}")
        for series in answer["data"]["result"]:
            one = [series["value"]] if "value" in series else []
            yield from _series(series["metric"], series.get("values") or one)


def _series(
    metric: Mapping[str, object], values: Iterable[tuple[float, str | float | None]]
) -> Iterator[MetricSample]:
    """The samples of one series; those that say that it was not there are left out."""
    labels = {name: str(value) for name, value in metric.items()}
    name = labels.pop("__name__", "")
    for at, value in values:
        if value is not None and not math.isnan(float(value)):
            yield MetricSample(name, labels, float(value), float(at))


def _unescape(text: str) -> str:
    return re.sub(r"\\.", lambda match: _UNESCAPES.get(match[0], match[0]), text)


def runtime_metrics(samples: Iterable[MetricSample]) -> dict[str, Value]:
    """The runtime metrics that the samples of one scrape of one program hold.

    A counter is exact up to 2**53: Prometheus knows only floats. Histograms come back with the
    bounds of the exposition, which are coarser than Go's. Raises UserError for values that no
    metric can have.
    """
    values: dict[str, Value] = {}
    buckets: dict[str, list[tuple[float, int]]] = {}
    for sample in samples:
        metric = _METRICS.get(sample.name.removesuffix("_bucket"))
        if metric is None:
            continue
        if not 0 <= sample.value < math.inf:
            raise UserError(f"{sample.name}: expected a number from 0 up, got {sample.value}")
        if metric.kind is MetricKind.HISTOGRAM:
            bucket = (_excluded_bound(sample), int(sample.value))
            buckets.setdefault(metric.name, []).append(bucket)
        else:
            exact = metric.kind is MetricKind.FLOAT64
            values[metric.name] = sample.value if exact else int(sample.value)
    return values | {name: _histogram(name, cumulative) for name, cumulative in buckets.items()}


def _excluded_bound(sample: MetricSample) -> float:
    """Prometheus includes the upper bound of a bucket, Go excludes it."""
    try:
        return math.nextafter(float(sample.labels["le"]), math.inf)
    except (KeyError, ValueError) as error:
        raise UserError(f"{sample.name}: expected a label le with a number") from error


def _histogram(name: str, cumulative: list[tuple[float, int]]) -> Histogram:
    bounds, totals = zip(*sorted(cumulative), strict=True)
    counts = tuple(b - a for a, b in pairwise((0, *totals)))
    if min(counts) < 0 or len({*bounds}) < len(bounds) or bounds[-1] != math.inf:
        raise UserError(f'{name}: expected the buckets of one histogram, up to le="+Inf"')
    return Histogram((0.0, *bounds), counts)


def format_lines(values: Mapping[str, Value]) -> Iterator[str]:
    """An exposition of runtime metrics and of older families that follow, without newlines.

    Raises KeyError for a metric that Go does not have.
    """
    families = {family_name(CATALOGUE[name]): (name, value) for name, value in values.items()}
    for family, names in OLDER_FAMILIES.items():
        if all(name in values for name in names):
            total = sum(value for name in names if isinstance(value := values[name], int))
            families[family] = (names[0], total)
    for family, (name, value) in sorted(families.items()):
        metric = CATALOGUE[name]
        yield f"# HELP {family} {' + '.join(OLDER_FAMILIES.get(family, [metric.description]))}"
        if isinstance(value, Histogram):
            yield f"# TYPE {family} histogram"
            yield from _histogram_lines(family, metric, value, values)
        else:
            yield f"# TYPE {family} {'counter' if metric.cumulative else 'gauge'}"
            yield f"{family} {format_float(value)}"


_EXACT_SUMS: Final = {
    "/gc/heap/allocs-by-size:bytes": "/gc/heap/allocs:bytes",
    "/gc/heap/frees-by-size:bytes": "/gc/heap/frees:bytes",
}


def _histogram_lines(
    family: str, metric: Metric, fine: Histogram, values: Mapping[str, Value]
) -> Iterator[str]:
    coarse = rebucket(fine, metric.unit)
    totals = list(accumulate(coarse.counts))
    for bound, total in zip(coarse.buckets[1:], totals, strict=True):
        le = format_float(math.nextafter(bound, -math.inf) if bound < math.inf else bound)
        yield f'{family}_bucket{{le="{le}"}} {format_float(total)}'
    exact = values.get(_EXACT_SUMS.get(metric.name, ""))
    # Without an exact sum client_golang takes the lower bounds, and so underestimates.
    lowest = sum(low * n for low, n in zip(coarse.buckets, coarse.counts, strict=False))
    yield f"{family}_sum {format_float(exact if isinstance(exact, int) else lowest)}"
    yield f"{family}_count {format_float(totals[-1])}"


def rebucket(fine: Histogram, unit: str) -> Histogram:
    """The histogram with the few bounds of client_golang; those it already has, it keeps.

    Sizes double from bound to bound. Times grow tenfold up to a second. Negative values, which
    clocks make possible, count with the smallest.
    """
    base, largest = (2, math.inf) if unit == "bytes" else (10, 1.0)
    bounds: list[float] = []
    for bound in fine.buckets:
        if -math.inf < bound <= largest and (not bounds or bound >= bounds[-1] * base):
            bounds.append(bound)
    lowest, *inner = (bound for bound in bounds if bound < math.inf)
    counts = [0] * (len(inner) + 1)
    for low, count in zip(fine.buckets, fine.counts, strict=False):
        counts[bisect_right(inner, low)] += count
    return Histogram((lowest, *inner, math.inf), tuple(counts))

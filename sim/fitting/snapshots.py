"""The metrics of a process at several times: scrapes, answers of Prometheus, dumps.

Whatever they came from, they are under the names of runtime/metrics; what Prometheus alone has
keeps its own name (`process_resident_memory_bytes`).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sim.errors import UserError
from sim.formats import json_stream, prometheus, runtime_metrics
from sim.formats.log import open_log
from sim.formats.prometheus import MetricSample
from sim.units import SECOND, Nanoseconds

ALLOCATED: Final = "/gc/heap/allocs:bytes"
CYCLES: Final = "/gc/cycles/total:gc-cycles"
RSS: Final = "process_resident_memory_bytes"
CPU: Final = "process_cpu_seconds_total"
PAUSES: Final = "go_gc_duration_seconds_sum"
STARTED: Final = "process_start_time_seconds"
_LAST_GC: Final = "go_memstats_last_gc_time_seconds"
_GO: Final = "go_info"
_FAMILIES: Final = ("go_", "process_")
_OTHER_NAMES: Final = {
    "go_gc_duration_seconds_count": CYCLES,
    "go_memstats_sys_bytes": ("/memory/classes/total:bytes"),
}
_OWN_NAMES: Final = {RSS, CPU, PAUSES, STARTED, _LAST_GC}
_LONGEST_WITHOUT_GC: Final = 150.0
"""Seconds: Go collects every two minutes, whatever happens (runtime/proc.go: forcegcperiod)."""
_RENAMED: Final = re.compile(r"(.*[_:])go_(?:memstats_alloc_bytes|gc_heap_allocs_bytes)_total")
"""What is allocated, which all versions have, under a name that is not its own."""


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """Metrics of one process at one time."""

    at: Nanoseconds
    """Unix time."""
    values: Mapping[str, float]
    go: int | None = None
    """The Go version is 1.`go`."""


def read_snapshots(
    metrics: Path | None, expositions: Sequence[Path], process: str | None = None
) -> tuple[list[MetricsSnapshot], list[str]]:
    """The metrics of one process in order of time, and what to doubt of them.

    Of several processes in an answer of Prometheus the one that allocates most is taken, or the one
    of which `process` is a label. After a restart only what follows counts. Raises UserError for
    files without metrics of a Go process, and where times cannot be told.
    """
    if metrics is not None and expositions:
        raise UserError("expected --metrics or --prometheus, got both: one source says it all")
    if metrics is not None:
        return _since_restart(_dumps(metrics))
    found, doubts = _chosen(_by_process(expositions), process)
    kept, more = _since_restart(found)
    return kept, [*doubts, *more]


def values_of(samples: Iterable[MetricSample]) -> dict[str, float]:
    """Numbers of one process at one time, client_golang's older names translated."""
    samples = list(samples)
    found = {
        name: float(value)
        for name, value in prometheus.runtime_metrics(samples).items()
        if not isinstance(value, runtime_metrics.Histogram)
    }
    plain = {sample.name: sample.value for sample in samples if "quantile" not in sample.labels}
    found.update({name: plain[name] for name in _OWN_NAMES & plain.keys()})
    for old, new in _OTHER_NAMES.items():
        if old in plain:
            found.setdefault(new, plain[old])
    idle = plain.get("go_memstats_heap_idle_bytes")
    if idle is not None and "/memory/classes/heap/released:bytes" in found:
        free = idle - found["/memory/classes/heap/released:bytes"]
        found.setdefault("/memory/classes/heap/free:bytes", free)
    return found


def _dumps(path: Path) -> list[MetricsSnapshot]:
    with open_log(path) as lines:
        dumps = [dump for _, dump in runtime_metrics.parse(_objects_by_line("".join(lines)))]
    if not any(dump.values for dump in dumps):
        raise UserError(f"{path}: there is no dump of runtime/metrics in it, a JSON object each")
    return [
        MetricsSnapshot(
            dump.at or 0,
            {
                name: float(value)
                for name, value in dump.values.items()
                if not isinstance(value, runtime_metrics.Histogram)
            },
        )
        for dump in dumps
    ]


def _objects_by_line(text: str) -> Iterable[str]:
    """JSON in any layout; text with other lines in between as it is."""
    try:
        return [json.dumps(value) for value in json_stream.values(text)]
    except ValueError:
        return text.splitlines()


def _by_process(paths: Sequence[Path]) -> dict[str, list[MetricsSnapshot]]:
    """Snapshots by process; what several answers have of the same time belongs together."""
    together: dict[tuple[str, float | None, Path | None], list[MetricSample]] = defaultdict(list)
    for path in paths:
        for sample in _samples(path):
            name = sample.labels.get("pod") or sample.labels.get("instance") or ""
            together[name, sample.at, path if sample.at is None else None].append(sample)
    found: dict[str, list[MetricsSnapshot]] = defaultdict(list)
    for (name, at, file), some in together.items():
        if values := values_of(some):
            found[name].append(MetricsSnapshot(_time(at, values, file), values, _version(some)))
    return found


def _samples(path: Path) -> list[MetricSample]:
    """The samples of one file; UserError where none is of a Go process."""
    with open_log(path) as lines:
        text = "".join(lines)
    try:
        samples = list(
            prometheus.parse_query(text)
            if text.lstrip().startswith(("{", "["))
            else prometheus.parse(text.splitlines())
        )
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: expected a scrape, or the JSON of a query_range: {error}"
        ) from error
    samples = _without_prefix(samples)
    if not any(sample.name.startswith(_FAMILIES) for sample in samples):
        raise UserError(
            f"{path}: there is no metric of a Go process in it, such as"
            " go_memstats_alloc_bytes_total"
        )
    return samples


def _without_prefix(samples: list[MetricSample]) -> list[MetricSample]:
    """Under the names of client_golang, where rewriting rules put one text before all of them."""
    found = (_RENAMED.fullmatch(sample.name) for sample in samples)
    prefix = next((match[1] for match in found if match), "")
    return [one._replace(name=one.name.removeprefix(prefix)) for one in samples]


def _time(at: float | None, values: Mapping[str, float], path: Path | None) -> Nanoseconds:
    """When a scrape was made: as it says, else when its file was written, or the last cycle was."""
    if at is None:
        assert path is not None
        at, last_gc = path.stat().st_mtime if str(path) != "-" else 0.0, values.get(_LAST_GC)
        if last_gc and not 0 <= at - last_gc < _LONGEST_WITHOUT_GC:
            at = last_gc
    return round(at * SECOND)


def _version(samples: Iterable[MetricSample]) -> int | None:
    named = (s.labels.get("version", "") for s in samples if s.name == _GO)
    found = next((match for name in named if (match := re.match(r"go1\.(\d+)", name))), None)
    return None if found is None else int(found[1])


def _chosen(
    by_process: Mapping[str, list[MetricsSnapshot]], name: str | None
) -> tuple[list[MetricsSnapshot], list[str]]:
    if not by_process:
        return [], []
    one = name is None or len(by_process) == 1
    matching = [key for key in by_process if one or (name or "") in key]
    if not matching:
        raise UserError(f"--process: expected one of {', '.join(sorted(by_process))}, got {name!r}")

    def allocated(key: str) -> float:
        values = [snapshot.values.get(ALLOCATED, 0.0) for snapshot in by_process[key]]
        return max(values) - min(values)

    best = max(matching, key=allocated)
    others = sorted(by_process.keys() - {best})
    doubts = [f"of {len(by_process)} processes {best} is used, which allocates most"] * bool(others)
    return by_process[best], doubts


def _since_restart(snapshots: list[MetricsSnapshot]) -> tuple[list[MetricsSnapshot], list[str]]:
    """In order of time; from the last restart on, after which counters begin anew.

    Moments at which nobody counted what is allocated are left out.
    """
    counted = [snapshot for snapshot in snapshots if ALLOCATED in snapshot.values] or snapshots
    ordered = sorted(counted, key=lambda snapshot: snapshot.at)
    begins = [
        k
        for k in range(1, len(ordered))
        if ordered[k].values.get(ALLOCATED, 0.0) < ordered[k - 1].values.get(ALLOCATED, 0.0)
    ]
    kept = ordered[begins[-1] :] if begins else ordered
    first = kept[0].at if kept else 0
    doubts = [f"{len(begins)} restarts: only what follows the last one counts"] * bool(begins)
    return [replace(one, at=one.at - first) for one in kept], doubts

"""Chrome's trace-event format, which Perfetto and chrome://tracing open.

Events are written as they come, so a trace may be larger than memory. Times are microseconds
with decimals in the file, nanoseconds here.

Source: "Trace Event Format", the JSON object format with events X, C, i and M.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple, TypeAlias

from sim.units import US, Nanoseconds


class TraceTrack(NamedTuple):
    """A row of the picture, within a group of rows."""

    process: str
    name: str


@dataclass(frozen=True, slots=True)
class TraceSlice:
    """Something that lasted; slices of a track must nest or follow each other."""

    track: TraceTrack
    name: str
    start: Nanoseconds
    duration: Nanoseconds
    args: Mapping[str, Any] = field(default_factory=dict)
    """Shown when the slice is selected."""


@dataclass(frozen=True, slots=True)
class Instant:
    """Something that happened."""

    track: TraceTrack
    name: str
    at: Nanoseconds
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counter:
    """New values of a curve, which has the name of its track; several series are stacked."""

    track: TraceTrack
    at: Nanoseconds
    values: Mapping[str, float]


Event: TypeAlias = TraceSlice | Instant | Counter


def write(events: Iterable[Event], out: IO[str]) -> None:
    """Write a whole trace; tracks appear in the order of their first events."""
    processes: dict[str, int] = {}
    tracks: dict[TraceTrack, int] = {}
    separator = "\n"
    out.write('{"displayTimeUnit": "ns", "traceEvents": [')
    for event in events:
        for row in _rows(event, processes, tracks):
            out.write(separator + json.dumps(row))
            separator = ",\n"
    out.write("\n]}\n")


def _rows(
    event: Event, processes: dict[str, int], tracks: dict[TraceTrack, int]
) -> Iterator[dict[str, Any]]:
    """The event, after the names of its process and track if they are new."""
    process, name = event.track
    known = len(tracks)
    if process not in processes:
        processes[process] = len(processes) + 1
        yield _metadata("process_name", {"pid": processes[process]}, {"name": process})
    ids = {"pid": processes[process]}
    if not isinstance(event, Counter):
        ids["tid"] = tracks.setdefault(event.track, len(tracks) + 1)
        if len(tracks) > known:
            yield _metadata("thread_name", ids, {"name": name})
            yield _metadata("thread_sort_index", ids, {"sort_index": ids["tid"]})
    yield _row(event) | ids


def _metadata(what: str, ids: dict[str, int], args: dict[str, Any]) -> dict[str, Any]:
    return {"ph": "M", "name": what, **ids, "args": args}


def _row(event: Event) -> dict[str, Any]:
    match event:
        case TraceSlice(_, name, start, duration, args):
            times = {"ts": start / US, "dur": duration / US}
            return {"ph": "X", "name": name, **times, "args": dict(args)}
        case Instant(_, name, at, args):
            return {"ph": "i", "s": "t", "name": name, "ts": at / US, "args": dict(args)}
        case Counter(track, at, values):
            return {"ph": "C", "name": track.name, "ts": at / US, "args": dict(values)}


def read(source: IO[str]) -> list[Event]:
    """The slices, instants and counters of a trace, in order; others are passed over.

    Reads the whole file. Raises ValueError for what is not a trace.
    """
    trace = json.load(source)
    rows = trace["traceEvents"] if isinstance(trace, dict) else trace
    names = {
        (row["name"], row["pid"], row.get("tid")): row["args"]["name"]
        for row in rows
        if row["ph"] == "M" and "name" in row["args"]
    }
    events = []
    for row in rows:
        pid, tid = row["pid"], row.get("tid")
        track = TraceTrack(
            names.get(("process_name", pid, None), str(pid)),
            names.get(("thread_name", pid, tid), str(tid)),
        )
        events += _event(track, row)
    return events


def _event(track: TraceTrack, row: Mapping[str, Any]) -> list[Event]:
    at, args = round(row.get("ts", 0) * US), row.get("args", {})
    match row["ph"]:
        case "X":
            return [TraceSlice(track, row["name"], at, round(row["dur"] * US), args)]
        case "i":
            return [Instant(track, row["name"], at, args)]
        case "C":
            return [Counter(TraceTrack(track.process, row["name"]), at, args)]
    return []

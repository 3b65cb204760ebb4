"""Execution traces of Go, as text: what `go tool trace -d=parsed trace.out` prints (Go 1.22 on).

An event is a line, `M=.. P=.. G=.. KIND Time=.. ...`, with stacks indented below it. Of all that is
summed up who ran for how long, and which functions goroutines were started for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sim.units import Nanoseconds

_EVENT: Final = re.compile(
    r"M=-?\d+ P=-?\d+ G=-?\d+ (?P<kind>\w+) Time=(?P<at>\d{1,19})(?: (?P<rest>.*))?"
)
_GOROUTINE: Final = re.compile(r"GoID=(?P<id>\d+) (?P<before>\w+)->(?P<after>\w+)")
_LABEL: Final = re.compile(r'Label="GC \((?P<worker>\w+)\)" Resource=Goroutine\((?P<id>\d+)\)')
_PROCS: Final = re.compile(
    r'Name="/sched/gomaxprocs:threads" Value=Value\{Uint64\((?P<n>\d{1,9})\)\}'
)
_FUNCTION: Final = re.compile(r"\t(?P<name>\S.*) @ 0x")


@dataclass(slots=True)
class Started:
    """Goroutines that were started during the trace to run one function; times in ns."""

    count: int = 0
    cpu: Nanoseconds = 0
    """For which they ran."""


@dataclass(slots=True)
class ExecTrace:
    """A trace, summed up; times in ns."""

    duration: Nanoseconds = 0
    procs: int = 0
    """GOMAXPROCS at its end; 0 where no event tells."""
    program_cpu: Nanoseconds = 0
    """For which goroutines ran that are no mark workers."""
    worker_cpu: dict[str, Nanoseconds] = field(default_factory=dict)
    """The same for mark workers, by kind: dedicated, fractional, idle."""
    started: dict[str, Started] = field(default_factory=dict)
    """By the function that the goroutines run, such as `main.handle`."""


def parse(lines: Iterator[str]) -> ExecTrace:
    """Sum up the events; lines of other kinds are passed over."""
    reader = _TraceReader()
    for line in lines:
        if event := _EVENT.match(line):
            reader.event(event["kind"], int(event["at"]), event["rest"] or "")
        else:
            reader.detail(line)
    return reader.finish()


class _TraceReader:
    def __init__(self) -> None:
        self._found = ExecTrace()
        self._begin: Nanoseconds | None = None
        self._now: Nanoseconds = 0
        self._running: dict[str, Nanoseconds] = {}
        self._workers: dict[str, str] = {}
        self._functions: dict[str, str] = {}
        self._new: str | None = None
        """A goroutine of which the next stack tells what it runs."""

    def event(self, kind: str, at: Nanoseconds, rest: str) -> None:
        self._new = None
        self._now = at
        if self._begin is None:
            self._begin = at
        if kind == "StateTransition" and (change := _GOROUTINE.match(rest)):
            self._transition(change["id"], change["before"], change["after"])
        elif kind == "Label" and (label := _LABEL.match(rest)):
            self._stop(label["id"])
            self._workers[label["id"]] = label["worker"]
            self._running[label["id"]] = at
        elif kind == "Metric" and (procs := _PROCS.match(rest)):
            self._found.procs = int(procs["n"])

    def detail(self, line: str) -> None:
        if self._new is not None and (function := _FUNCTION.match(line)):
            name = self._functions[self._new] = function["name"]
            self._found.started.setdefault(name, Started()).count += 1
            self._new = None

    def finish(self) -> ExecTrace:
        for goroutine in list(self._running):
            self._stop(goroutine)
        if self._begin is not None:
            self._found.duration = self._now - self._begin
        return self._found

    def _transition(self, goroutine: str, before: str, after: str) -> None:
        if before == "NotExist":
            self._new = goroutine
        if before == "Running":
            self._stop(goroutine)
            self._workers.pop(goroutine, None)
        if after == "Running":
            self._running[goroutine] = self._now

    def _stop(self, goroutine: str) -> None:
        since = self._running.pop(goroutine, None)
        if since is None:
            return
        ran, worker = self._now - since, self._workers.get(goroutine)
        if worker is not None:
            self._found.worker_cpu[worker] = self._found.worker_cpu.get(worker, 0) + ran
            return
        self._found.program_cpu += ran
        if function := self._functions.get(goroutine):
            self._found.started[function].cpu += ran

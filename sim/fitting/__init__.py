"""Logs into programs, with what could not be known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sim.errors import UserError
from sim.fitting.evidence import Evidence
from sim.fitting.gctrace_fit import (
    MORE_THAN_MOMENTS,
    Fit,
    fit_program,
    held,
    idle_part,
    wants_more_than_there_is,
    within_what_there_is,
)
from sim.fitting.gctrace_log import GCTraceLog, read_gctrace
from sim.fitting.horizon import for_a_horizon, within
from sim.fitting.metrics_log import KnownProcess, log_of
from sim.fitting.reproduction import ALIKE, reproduce
from sim.fitting.resident import Resident, own_memory, untouched
from sim.fitting.same_process import check_same_process
from sim.fitting.settings import parse_gogc, parse_limit
from sim.fitting.several import together
from sim.fitting.versions import eras, name, parse_go
from sim.replay.program import Load
from sim.replay.setting import Setting
from sim.units import format_bytes, parse_bytes, parse_duration, parse_rate

NOTHING_ELSE = Evidence()


def fit_log(
    path: Path | None,
    gogc: str | None = None,
    gomemlimit: str | None = None,
    load: str | None = None,
    evidence: Evidence = NOTHING_ELSE,
    arrivals: str | None = None,
    process: str | None = None,
    rss: str | None = None,
    window: tuple[str | None, str | None] = (None, None),
    horizon: str | None = None,
    go: str | None = None,
    procs: int | None = None,
    also: Sequence[Path] = (),
    binary: Path | None = None,
) -> Fit:
    """The program of a gctrace log, or without one of metrics in the evidence.

    `gogc`, `gomemlimit` and `procs` are those of the log, and `load` is `busy` or `waiting`; None:
    as the evidence or the log suggest. `process` names one of several that wrote the log; None: the
    one with most GC CPU. `arrivals` is how many requests came, such as `500/s`, and `rss` the
    largest resident memory of the process, such as `82MiB`. `window` is the part of the log that is
    measured, from a time to a time since the start of the process; `horizon` is for how long a
    service is predicted, instead of for as long as the log; `go` is the version that wrote it, such
    as `1.22`; `also` are more logs of the program, under other settings; `binary` is its file.
    Raises UserError for a log or a word that says nothing, for sources of different processes, and
    for requests to a program that is busy all the time.
    """
    if load is not None and load not in set(Load):
        raise UserError(f"load: expected busy or waiting, got {load!r}")
    log = within(_read(path, gogc, gomemlimit, evidence, process, procs), *window)
    scraped = evidence.snapshots[-1].go if evidence.snapshots else None
    if go is not None or scraped is not None:
        log = replace(log, go=parse_go(go or f"1.{scraped}", log.go))
    logged = Setting(
        parse_gogc(gogc) if gogc else evidence.gogc or log.segment.gogc,
        parse_limit(gomemlimit)
        if gomemlimit
        else evidence.memory_limit or log.segment.memory_limit,
        log.segment.procs,
    )
    known = evidence.load if load is None else Load(load)
    fit = _of_likeliest_version(log, logged, known)
    if also:
        others = [fit_log(other, load=fit.program.load.value, go=go) for other in also]
        found = together([fit, *others])
        log = replace(log, go=fit.go)
        fit = fit_program(log, logged, fit.program.load, found.per_cycle // fit.program.procs)
        fit = replace(fit, logs=found.logs, assumptions=(*fit.assumptions, found.sentence()))
    resident = evidence.resident if rss is None else Resident(parse_bytes(rss))
    overheads = evidence.overheads or fit.overheads
    if resident is not None and (ballast := untouched(resident, fit.last, held(fit), overheads)):
        overheads = replace(overheads, ballast=ballast)
        doubt = (
            f"less is resident than the heap was: {format_bytes(ballast)} are taken for memory that"
            " the program never touches, a ballast, and takes no RSS"
        )
        fit = replace(fit, warnings=(*fit.warnings, doubt))
    own = own_memory(overheads, resident, binary)
    whole = replace(
        fit,
        resident=resident,
        overheads=own.overheads,
        program_spread=own.spread,
        sizes=evidence.sizes,
        assumptions=(
            *fit.course.sentences(),
            *fit.assumptions,
            *own.sentences,
            *evidence.sentences,
        ),
        arrivals=_arrivals(arrivals, fit, evidence),
    )
    again = reproduce(whole)
    checked = replace(whole, reproduction=again, warnings=(*whole.warnings, *again.doubts()))
    return checked if horizon is None else for_a_horizon(checked, parse_duration(horizon))


def _of_likeliest_version(log: GCTraceLog, logged: Setting, load: Load | None) -> Fit:
    """The program by the newest pacer with which its log comes out again as well as by any."""
    found = [_fitted(replace(log, go=one), logged, load) for one in eras(log.go)]
    if len(found) == 1:
        return found[0]
    misfits = [reproduce(fit).misfit for fit in found]
    best = next(fit for fit, off in zip(found, misfits, strict=True) if off < min(misfits) + ALIKE)
    note = f"of the pacers of Go {name(log.go)} that of Go {name(best.go)} makes the log again best"
    return replace(best, assumptions=(*best.assumptions, note))


def _fitted(log: GCTraceLog, logged: Setting, load: Load | None) -> Fit:
    """Where idle workers mark although load and collection want all Ps, one of both has to give.

    A busy program works on few Ps for moments, or other processes keep it from them; where idle
    workers do much of the marking, it waits for load, and allocates less while it is marked.
    """
    fit = fit_program(log, logged, load)
    if load is None and fit.program.load is Load.WAITING and wants_more_than_there_is(fit):
        moments = idle_part(fit) < MORE_THAN_MOMENTS
        return fit_program(log, logged, Load.BUSY) if moments else within_what_there_is(fit)
    return fit


def _read(
    path: Path | None,
    gogc: str | None,
    gomemlimit: str | None,
    evidence: Evidence,
    process: str | None,
    procs: int | None,
) -> GCTraceLog:
    """A log; where nobody has one, what stands for it."""
    if path is not None:
        log = read_gctrace(path, process=process)
        if evidence.snapshots:
            check_same_process(log, evidence.snapshots[-1], given=gogc is not None)
        return log
    if not evidence.snapshots:
        raise UserError(
            "expected a log, such as app.gctrace, or metrics instead: --prometheus with two scrapes"
            " or the JSON of a query_range, or --metrics with dumps of runtime/metrics"
        )
    known = KnownProcess(
        parse_gogc(gogc) if gogc else None, parse_limit(gomemlimit) if gomemlimit else None, procs
    )
    return log_of(evidence.snapshots, known, evidence.doubts)


def _arrivals(text: str | None, fit: Fit, evidence: Evidence) -> float | None:
    busy = fit.program.load is Load.BUSY
    if text is None:
        return None if busy else evidence.arrivals
    per_second = parse_rate(text)
    if busy:
        raise UserError(
            "arrivals: the program of the log is busy all the time, so that requests wait without"
            " end: their latency needs a log with CPU to spare"
        )
    if per_second <= 0:
        raise UserError(f"arrivals: expected a rate above 0 such as 500/s, got {text!r}")
    return per_second

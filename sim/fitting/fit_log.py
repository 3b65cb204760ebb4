"""From a log, or metrics instead of one, to the program that wrote it."""

from __future__ import annotations

from dataclasses import replace

from sim.errors import UserError
from sim.fitting.drift import still_growing
from sim.fitting.evidence import Evidence, read_evidence
from sim.fitting.fit import Fit, held
from sim.fitting.gctrace_fit import fit_program
from sim.fitting.gctrace_log import GCTraceLog, GoVersions, read_gctrace
from sim.fitting.horizon import check_requests, for_a_horizon, within
from sim.fitting.large import ballast_perhaps
from sim.fitting.load import (
    MORE_THAN_MOMENTS,
    idle_part,
    queueing,
    wants_more_than_there_is,
    within_what_there_is,
)
from sim.fitting.metrics_log import KnownProcess, log_of
from sim.fitting.reproduction import MISFIT_TOLERANCE, reproduce
from sim.fitting.resident import Resident, own_memory, unlikely, untouched
from sim.fitting.same_process import check_same_process
from sim.fitting.several import same_run, together
from sim.fitting.source import Source, by_keywords, path, paths
from sim.fitting.versions import FIRST_LIMIT, eras, name, parse_go
from sim.formats.go_version import of_binary
from sim.quantities import ARRIVALS, GOGC, GOMEMLIMIT, HORIZON, RESIDENT
from sim.replay.program import Load
from sim.replay.setting import Setting
from sim.units import Bytes, format_bytes


def fit_source(source: Source) -> Fit:
    """The program of a gctrace log, or without one of metrics.

    Raises UserError for a log or a word that says nothing, for sources of different processes, and
    for requests to a program that is busy all the time.
    """
    if source.load is not None and source.load not in set(Load):
        raise UserError(f"load: expected busy or waiting, got {source.load!r}")
    evidence = read_evidence(
        path(source.metrics),
        paths(source.prometheus),
        path(source.pprof),
        path(source.trace),
        source.process,
    )
    log = within(_read(source, evidence), *source.window)
    log = replace(log, go=_version(log.go, source, evidence))
    fit = _known(_program(log, source, evidence), source, evidence)
    again = reproduce(fit)
    growth = still_growing(fit)
    first = () if growth is None else (growth.sentence(),)
    doubts = (*first, *fit.warnings, *again.doubts(), *queueing(fit))
    checked = replace(fit, reproduction=again, warnings=doubts)
    if source.horizon is not None:
        checked = for_a_horizon(checked, HORIZON.read(source.horizon))
    check_requests(checked)
    return checked


fit_log = by_keywords(fit_source, Source)
"""`fit_source` by keywords: `fit_log("app.gctrace", rss="82MiB")`."""


def _program(log: GCTraceLog, source: Source, evidence: Evidence) -> Fit:
    """What the log says of the program, and other logs of it."""
    logged = Setting(
        evidence.gogc or log.segment.gogc if source.gogc is None else _gogc(source),
        evidence.memory_limit or log.segment.memory_limit
        if source.gomemlimit is None
        else _limit(source),
        log.segment.procs,
    )
    known = evidence.load if source.load is None else Load(source.load)
    fit = _of_likeliest_version(log, logged, known)
    if not source.also:
        return fit
    load = fit.program.load
    others = [fit_log(other, load=load.value, go=source.go) for other in source.also]
    for file, other in zip(source.also, others, strict=True):
        if same_run(fit.observed, other.observed):
            raise UserError(f"--also: {file}: expected another run, got the one of the log again")
    found = together([fit, *others])
    log = replace(log, go=fit.go)
    again = fit_program(log, logged, load, found.per_cycle // fit.program.procs)
    return replace(again, logs=found.logs, assumptions=(*again.assumptions, found.sentence()))


def _known(fit: Fit, source: Source, evidence: Evidence) -> Fit:
    """With what is known of the run besides its cycles: memory, sizes of objects, requests."""
    resident = evidence.resident if source.rss is None else Resident(RESIDENT.read(source.rss))
    overheads = evidence.overheads or fit.overheads
    doubts = []
    program = fit.program
    if resident is None and (size := ballast_perhaps(program.large, program.cycles[0], held(fit))):
        doubts.append(
            f"one object of {format_bytes(size)} comes first and stays: if the program never"
            " touches it, a ballast, resident memory is less by as much; --rss tells"
        )
    if resident is not None and (ballast := untouched(resident, fit.last, held(fit), overheads)):
        overheads = replace(overheads, ballast=ballast)
        doubts.append(
            f"less is resident than the heap was: {format_bytes(ballast)} are taken for memory that"
            " the program never touches, a ballast, and takes no RSS"
        )
    if resident is not None and (doubt := unlikely(resident, fit.last, overheads)):
        doubts.append(doubt)
    own = own_memory(overheads, resident, path(source.binary))
    return replace(
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
        warnings=(*fit.warnings, *doubts),
        arrivals=_arrivals(source.arrivals, fit, evidence),
    )


def _of_likeliest_version(log: GCTraceLog, logged: Setting, load: Load | None) -> Fit:
    """The program by the newest pacer with which its log comes out again as well as by any."""
    newest = _fitted(log, logged, load)
    versions = eras(log.go)
    if len(versions) == 1 or (misfit := reproduce(newest).misfit) <= MISFIT_TOLERANCE:
        return newest
    found = [_fitted(replace(log, go=one), logged, load) for one in versions[1:]]
    misfits = [misfit, *(reproduce(fit).misfit for fit in found)]
    best = next(k for k, off in enumerate(misfits) if off <= min(misfits) + MISFIT_TOLERANCE)
    if best == 0:
        return newest
    told = f"that of Go {name(versions[best])} makes the log again best"
    note = f"of the pacers of Go {name(log.go)} {told}"
    fit = found[best - 1]
    return replace(fit, assumptions=(*fit.assumptions, note))


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


def _read(source: Source, evidence: Evidence) -> GCTraceLog:
    """A log; where nobody has one, what stands for it."""
    log = path(source.log)
    if log is not None:
        found = read_gctrace(log, process=source.process)
        if evidence.snapshots:
            check_same_process(found, evidence.snapshots[-1], given=source.gogc is not None)
        return found
    if not evidence.snapshots:
        raise UserError(
            "expected a log, such as app.gctrace, or metrics instead: --prometheus with two scrapes"
            " or the JSON of a query_range, or --metrics with dumps of runtime/metrics"
        )
    known = KnownProcess(_gogc(source), _limit(source), source.gomaxprocs)
    return log_of(evidence.snapshots, known, evidence.doubts)


def _version(go: GoVersions, source: Source, evidence: Evidence) -> GoVersions:
    """The version that wrote the log: as given, scraped, in the program's file, or by its lines."""
    binary = path(source.binary)
    scraped = evidence.snapshots[-1].go if evidence.snapshots else None
    linked = None if binary is None or go.newest < FIRST_LIMIT else of_binary(binary)
    version = linked if scraped is None else scraped
    told = source.go or (None if version is None else f"1.{version}")
    return go if told is None else parse_go(told, go)


def _gogc(source: Source) -> int | None:
    return None if source.gogc is None else GOGC.read(str(source.gogc))


def _limit(source: Source) -> Bytes | None:
    return None if source.gomemlimit is None else GOMEMLIMIT.read(source.gomemlimit)


def _arrivals(text: str | None, fit: Fit, evidence: Evidence) -> float | None:
    busy = fit.program.load is Load.BUSY
    if text is None:
        return None if busy else evidence.arrivals
    per_second = ARRIVALS.read(text)
    if busy:
        raise UserError(
            "arrivals: the program of the log is busy all the time, so that requests wait without"
            " end: their latency needs a log with CPU to spare"
        )
    return per_second

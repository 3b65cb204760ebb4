"""The part of a log that is measured, and how long the program of it is predicted for."""

from __future__ import annotations

from dataclasses import replace

from sim.errors import UserError
from sim.fitting.fit import Fit
from sim.fitting.gctrace_log import FEWEST_CYCLES, GCTraceLog
from sim.quantities import LOG_TIME, MOST_CYCLES, MOST_REQUESTS
from sim.replay.program import Window
from sim.units import SECOND, Nanoseconds, format_duration


def within(log: GCTraceLog, begin: str | None, end: str | None) -> GCTraceLog:
    """Only cycles that began within the window are measured; times are those of the lines.

    Raises UserError for a window with too few cycles.
    """
    if begin is None and end is None:
        return log
    low = 0 if begin is None else LOG_TIME.read(begin)
    high = log.lines[-1].at + 1 if end is None else LOG_TIME.read(end)
    inside = [n for n, line in enumerate(log.lines) if low <= line.at < high]
    inside = [n for n in inside if log.measured.start <= n < log.measured.stop]
    if len(inside) < FEWEST_CYCLES:
        first, last = log.lines[log.measured.start].at, log.lines[log.measured.stop - 1].at
        raise UserError(
            f"--from, --to: expected a window with at least {FEWEST_CYCLES} cycles, got one with"
            f" {len(inside)}; the log has them from {format_duration(first)} to"
            f" {format_duration(last)}"
        )
    return replace(log, measured=slice(inside[0], inside[-1] + 1))


def check_requests(fit: Fit) -> None:
    """Raises UserError where more requests would come than can be looked at one by one."""
    if fit.arrivals is None:
        return
    duration = _predicted(fit) / fit.program.demand
    if (count := fit.arrivals * duration / SECOND) > MOST_REQUESTS:
        raise UserError(
            f"arrivals: expected at most {MOST_REQUESTS:,} requests in the"
            f" {format_duration(duration)} that are predicted, got about {count:,.0f}: --from and"
            " --to choose a part of the log, --horizon a shorter time"
        )


def _predicted(fit: Fit) -> float:
    """Bytes that the program allocates in what is predicted."""
    return max(1.0, fit.program.end.high - fit.program.begin.low)


def for_a_horizon(fit: Fit, horizon: Nanoseconds) -> Fit:
    """The steady part of a service for so long, again and again where the log is shorter.

    Raises UserError for a program without a steady part that waits for load.
    """
    if fit.steady_from is None:
        raise UserError(
            "--horizon: the program of the log is no service that holds its live heap, so that its"
            " log alone says what it does; --from and --to choose a part of it"
        )
    begin = fit.steady_from
    end = begin + fit.program.demand * horizon
    if (cycles := fit.cycles * (end - begin) / _predicted(fit)) > MOST_CYCLES:
        raise UserError(
            f"horizon: expected at most {MOST_CYCLES:,} cycles, got {format_duration(horizon)},"
            f" which has about {cycles:,.0f}: a shorter one shows the same"
        )
    program = replace(
        fit.program, begin=Window(begin, begin), end=Window(end, end), repeats_from=begin
    )
    sentence = f"predictions are for {format_duration(horizon)} of the steady part"
    return replace(fit, program=program, stands_for=1.0, assumptions=(*fit.assumptions, sentence))

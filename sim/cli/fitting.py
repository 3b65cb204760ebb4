"""What the commands that predict have in common: the program of a log, from their options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.progress import progress

if TYPE_CHECKING:
    from sim.fitting.gctrace_fit import Fit


def fitted(
    log: Path | None,
    *,
    quiet: bool,
    gogc: str | None = None,
    gomemlimit: str | None = None,
    gomaxprocs: int | None = None,
    load: str | None = None,
    arrivals: str | None = None,
    process: str | None = None,
    rss: str | None = None,
    window: tuple[str | None, str | None] = (None, None),
    horizon: str | None = None,
    go: str | None = None,
    also: Sequence[Path] | None = None,
    binary: Path | None = None,
    metrics: Path | None = None,
    prometheus: Sequence[Path] | None = None,
    pprof: Path | None = None,
    trace: Path | None = None,
) -> Fit:
    """See `sim.fitting.fit_log`. A log that holds nothing is refused before the rest is loaded."""
    from sim.fitting import fit_log
    from sim.fitting.evidence import read_evidence

    with progress("fitting the log", quiet=quiet):
        evidence = read_evidence(metrics, prometheus or (), pprof, trace, process)
        return fit_log(
            log,
            gogc,
            gomemlimit,
            load,
            evidence,
            arrivals,
            process=process,
            rss=rss,
            window=window,
            horizon=horizon,
            go=go,
            procs=gomaxprocs,
            also=also or (),
            binary=binary,
        )

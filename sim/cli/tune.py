"""`gomemsim tune`: settings for a container, from a log."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.options import Exposition, GivenLoad, GivenLog, LoggedGOGC, LoggedLimit, Metrics, Quiet
from sim.cli.progress import progress


def tune(
    log: GivenLog,
    memory: Annotated[str, typer.Option(metavar="SIZE", help="Memory of the container.")],
    cpu: Annotated[
        int | None, typer.Option(min=1, help="GOMAXPROCS of the container [default: as logged].")
    ] = None,
    max_gc_cpu: Annotated[
        str, typer.Option(metavar="SHARE", help="Most GC CPU, idle workers not counted.")
    ] = "25%",
    p99: Annotated[
        str | None, typer.Option(metavar="TIME", help="Longest 99th percentile of pauses.")
    ] = None,
    growth: Annotated[
        str, typer.Option(metavar="SHARE", help="Growth of the live heap to be prepared for.")
    ] = "0%",
    logged_gogc: LoggedGOGC = None,
    logged_gomemlimit: LoggedLimit = None,
    load: GivenLoad = None,
    metrics: Metrics = None,
    prometheus: Exposition = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random streams.")] = 1,
    quiet: Quiet = False,
) -> None:
    """Recommend GOGC and GOMEMLIMIT for a container, with trade-offs and risks."""
    from sim.advice import words
    from sim.advice.prediction import predict
    from sim.advice.risks import risks
    from sim.advice.tuning import Goals
    from sim.advice.tuning import tune as search
    from sim.advice.whatif import preface
    from sim.fitting import fit_log
    from sim.fitting.evidence import read_evidence
    from sim.units import parse_bytes, parse_duration, parse_fraction

    fit = fit_log(log, logged_gogc, logged_gomemlimit, load, read_evidence(metrics, prometheus))
    goals = Goals(
        memory=parse_bytes(memory),
        procs=cpu or fit.program.procs,
        max_gc_cpu=parse_fraction(max_gc_cpu),
        p99=None if p99 is None else parse_duration(p99),
        growth=parse_fraction(growth),
    )
    with progress("tune", quiet=quiet) as report:
        found = search(fit, goals, seed, report)
    if found.best is None:
        print(words.nothing_fits(found))
    else:
        confirmed = predict(fit, [found.best.setting], seed)[0]
        print(words.recommendation(found, confirmed, risks(fit, found.best.setting, goals, seed)))
    if not quiet:
        print(f"\nThe trade-off:\n\n{words.trade_off(found)}")
        print(f"\nKnown policies:\n\n{words.policies(found)}")
        print(f"\nWhat this rests on:\n\n{preface(fit)}")

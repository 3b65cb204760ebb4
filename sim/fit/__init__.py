"""Logs into programs, with what could not be known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sim.errors import UserError
from sim.fit.change import change_sentences
from sim.fit.gctrace_fit import Fit, fit_program
from sim.fit.gctrace_log import read_gctrace
from sim.fit.observe import guess_gogc
from sim.fit.settings import parse_gogc, parse_limit
from sim.fluid.program import Load
from sim.fluid.setting import Setting

_DEFAULT_GOGC = 100


def fit_log(
    path: Path, gogc: str | None = None, gomemlimit: str | None = None, load: str | None = None
) -> Fit:
    """The program of a gctrace log.

    `gogc` and `gomemlimit` are those of the log, and `load` is `busy` or `waiting`; None: as the
    log suggests. Raises UserError for a log or a word that says nothing.
    """
    if load is not None and load not in set(Load):
        raise UserError(f"load: expected busy or waiting, got {load!r}")
    log = read_gctrace(path)
    percent = parse_gogc(gogc) if gogc is not None else guess_gogc(log.lines) or _DEFAULT_GOGC
    logged = Setting(
        percent, None if gomemlimit is None else parse_limit(gomemlimit), log.lines[-1].procs
    )
    fit = fit_program(log, logged, None if load is None else Load(load))
    return replace(fit, warnings=(*fit.warnings, *change_sentences(fit)))

"""Logs into programs, with what could not be known."""

from __future__ import annotations

from pathlib import Path

from sim.errors import UserError
from sim.fit.gctrace_fit import Fit, fit_program
from sim.fit.gctrace_log import read_gctrace
from sim.fluid.program import Load


def fit_log(path: Path, gogc: int, load: str | None = None) -> Fit:
    """The program of a gctrace log; `load` (`busy`, `waiting`) overrides what was recognised."""
    if load is not None and load not in set(Load):
        raise UserError(f"load: expected busy or waiting, got {load!r}")
    return fit_program(read_gctrace(path), gogc, None if load is None else Load(load))

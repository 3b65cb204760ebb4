"""Fits of recorded logs that several tests look at: each is made once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sim.fitting import fit_log
from sim.fitting.gctrace_fit import Fit


@cache
def fitted(log: Path) -> Fit:
    """The program of a log, with nothing else known about it."""
    return fit_log(log)

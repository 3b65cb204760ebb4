"""Fits of recorded logs that several tests look at: each is made once."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any

from sim.fitting.fit import Fit
from sim.fitting.fit_log import fit_log


@cache
def fitted(log: Path) -> Fit:
    """The program of a log, with nothing else known about it."""
    return fit_log(log)


def made_once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which remembers what it made of arguments that are equal byte by byte."""
    known: dict[bytes, Any] = {}

    @wraps(function)
    def remembering(*arguments: Any) -> Any:
        key = pickle.dumps(arguments)
        if key not in known:
            known[key] = function(*arguments)
        return known[key]

    return remembering

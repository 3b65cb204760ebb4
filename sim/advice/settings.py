"""Lists of settings as people type them."""

from __future__ import annotations

from itertools import product

from sim.errors import UserError
from sim.fitting.fit import Fit
from sim.quantities import GOGCS, GOMAXPROCS_VALUES, GOMEMLIMITS, MOST_SETTINGS
from sim.replay.setting import Setting


def limit_as_logged(fit: Fit) -> str:
    """The limit under which the log was written, or none, as one types it."""
    limit = fit.logged.memory_limit
    return "none" if limit is None else f"{limit}B"


def grid(gogc: str, gomemlimit: str, gomaxprocs: str) -> list[Setting]:
    """Every combination of comma-separated values, in the order typed.

    Raises UserError for a value that Go would not take.
    """
    percents, limits = GOGCS.read(gogc), GOMEMLIMITS.read(gomemlimit)
    procs = GOMAXPROCS_VALUES.read(gomaxprocs)
    if (count := len(percents) * len(limits) * len(procs)) > MOST_SETTINGS:
        raise UserError(
            f"expected at most {MOST_SETTINGS:,} settings, got {count:,}: predict them in parts"
        )
    every = product(procs, limits, percents)
    return list(dict.fromkeys(Setting(percent, limit, ps) for ps, limit, percent in every))

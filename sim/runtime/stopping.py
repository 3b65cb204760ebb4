"""What stopping and starting the world costs (runtime/proc.go: stop- and startTheWorldWithSema)."""

from __future__ import annotations

import numpy as np

from sim.machine.profile import StopCosts


def time_to_stop(others: int, costs: StopCosts, rng: np.random.Generator) -> float:
    """ns until all Ps stand still, of which so many others run something.

    Source: runtime/proc.go: stopTheWorldWithSema; a lognormal distribution around what
    `calibrate` measures.
    """
    typical = costs.stop_ns
    if others:
        typical += costs.stop_other_ns + costs.stop_per_p_ns * (others - 1)
    return typical * float(rng.lognormal(0.0, costs.stop_sigma))


def woken_to_mark(idle: int, dedicated: int, fraction: float) -> int:
    """Of so many idle Ps, those that are woken with the world since a worker is to mark there.

    So it is since Go 1.26, in which dedicated workers take them, and fractional ones while the
    share of each is not used up (runtime/proc.go: procresize; mgcpacer.go: assignWaitingGCWorker).
    """
    return idle if fraction > 0 else min(idle, dedicated)


def time_to_restart(others: int, costs: StopCosts) -> float:
    """ns of waking so many Ps (runtime/proc.go: startTheWorldWithSema)."""
    return costs.restart_per_p_ns * others

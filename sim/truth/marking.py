"""What marking the heap of one program costs, beside what its steps cost in the benchmarks' heaps.

Costs of steps are means over many heaps. How far apart the objects of one program lie, and what
the caches still hold of them when a cycle begins, is its own, and its workload does not say it. A
run apart from those that are compared tells: with a GOGC that is nobody's setting, and as few Ps
as are asked for, so that markers do not disturb each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from sim.config.machine import load_profile, save_profile
from sim.config.run import RunConfig
from sim.simulation import simulate
from sim.truth.recorded import RecordedFigures, simulated
from sim.units import MAX_INT64

OWN_GOGC: Final = 125


def own_run(config: RunConfig) -> RunConfig:
    """The run that tells what marking costs in the heap of a program."""
    return replace(config, gc_percent=OWN_GOGC, memory_limit=MAX_INT64)


def mark_factor(config: RunConfig, runs: Sequence[RecordedFigures]) -> float:
    """How many times as much CPU time a cycle takes in real runs of a config as in a simulated one.

    1 where there are no cycles to compare.
    """
    real = float(np.mean([_cycle_cpu(run) for run in runs]))
    found = _cycle_cpu(simulated(simulate(config)))
    return real / found if real and found else 1.0


def _cycle_cpu(figures: RecordedFigures) -> float:
    return figures.gc_cpu / max(figures.gc_cycles, 1)


def save_machine(config: RunConfig, runs: Sequence[RecordedFigures], out: Path) -> None:
    """Write the machine of a config with costs of marking that fit the heap of its real runs."""
    factor = mark_factor(config, runs)
    machine = load_profile(config.machine).marked_by(config.gc.marker.name)
    told = f"{factor:.3f} times the costs of {config.machine}, by runs of {config.workload}"
    provenance = {**machine.provenance, "mark": told}
    mark = machine.mark.times(factor)
    save_profile(replace(machine, mark=mark, mark_classic=None, provenance=provenance), out)

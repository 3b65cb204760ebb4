"""What the detailed simulator says of a setting that was found with rates."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from sim.advice.prediction import Prediction
from sim.advice.report import variables
from sim.config import load
from sim.config.machine import load_profile
from sim.fitting.fit import Fit
from sim.fitting.workload import Container, to_yaml
from sim.machine.profile import DEFAULT
from sim.results.gc_cost import gc_cpu
from sim.results.result import Result
from sim.simulation import simulate
from sim.units import SECOND, Bytes, Fraction, Nanoseconds

CYCLES: Final = 24
"""Cycles that are simulated, if they come within the longest run. Chosen so that the mean over
cycles that differ by a quarter is known to 5 %."""
SHORTEST: Final[Nanoseconds] = 2 * SECOND
"""ns of a simulated run at least."""
LONGEST: Final[Nanoseconds] = 20 * SECOND
"""ns of a simulated run at most. A judgement, so that an answer comes soon; fewer cycles widen what
is confirmed."""
STARTING_UP: Final[Fraction] = 1 / 3
"""Share of the cycles which do not count. A judgement; smaller counts the start."""
FEWEST: Final = 6
"""Cycles that a confirmation is made of. A judgement."""


class Detail(NamedTuple):
    """A run span by span under one setting."""

    simulated: Nanoseconds
    cycles_per_second: float
    peak_rss: Bytes
    gc_cpu: Fraction
    """Of the Ps, idle workers not counted."""
    idle: Fraction
    """Of the Ps, what idle workers took."""


def confirm(fit: Fit, prediction: Prediction, seed: int = 1) -> Detail | None:
    """Simulate the fitted workload in detail under the setting of the prediction.

    None where cycles are so rare that there are too few of them in a run of 20 seconds.
    """
    figures = prediction.middle
    wanted = CYCLES * SECOND * figures.wall_seconds / max(figures.gc_cycles, 1.0)
    duration = round(min(max(wanted, SHORTEST), LONGEST))
    sets = [f"{key}={value}" for key, value in variables(prediction.setting).items()]
    sets.append(f"workload.file={round(fit.overheads.program)}B")  # resident, as in the prediction
    with TemporaryDirectory() as name:
        folder = Path(name)
        text = to_yaml(fit, "a log", load_profile(DEFAULT), Container())
        (folder / "fitted.yaml").write_text(text, encoding="utf-8")
        run = folder / "run.yaml"
        run.write_text(f"workload: ./fitted.yaml\nduration: {duration}ns\nseed: {seed}\n")
        result = simulate(load(run, sets))
    return _measured(result)


def _measured(result: Result) -> Detail | None:
    cycles = result.cycles
    if len(cycles) < FEWEST:
        return None
    ends = cycles["end_ns"].to_numpy()
    first = int(STARTING_UP * len(ends))
    time = int(ends[-1] - ends[first])
    spent = gc_cpu(cycles.iloc[first + 1 :], time)
    return Detail(
        simulated=int(ends[-1]),
        cycles_per_second=(len(ends) - 1 - first) * SECOND / time,
        peak_rss=int(result.samples["sim:rss:bytes"].max()),
        gc_cpu=float(spent["fraction"]),
        idle=float(spent["idle"] / spent["total"]),
    )

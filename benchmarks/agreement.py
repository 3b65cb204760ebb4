"""How near the fluid mode comes to the detailed one: `python benchmarks/agreement.py [NAME...]`.

Every shipped workload runs in both modes under the config of its name if there is one, else on four
Ps. The fluid mode answers what happens on average, so that its mean over a few seeds is held
against that of the detailed mode. Regular requests come a little more often with each seed: else
all seeds would meet them in the same phase of every cycle. Without names, the table goes into
docs/fluid.md.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Final, NamedTuple

from sim.config import load
from sim.config.run import RunConfig
from sim.results.summary import summary
from sim.simulation import simulate
from sim.workload.arrivals import Regular
from sim.workload.program import Load, OpenLoop

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "fluid.md"
TABLE: Final = re.compile(r"(?<=<!-- agreement -->\n).*(?=<!-- end -->)", re.DOTALL)
DURATIONS: Final = {
    "cache": "30s", "connections": "20s", "cron-bursts": "20s", "metrics-store": "30s",
    "slow-leak": "30s", "stream-pool": "3s", "grpc-fanout": "5s",
}  # fmt: skip
USUAL: Final = "10s"
NAMES: Final = tuple(path.stem for path in sorted((ROOT / "workloads").glob("*.yaml")))
SEEDS: Final = (1, 2, 3, 4, 5)
FASTER: Final = 1 / 1000
"""By which part regular requests come more often with each seed."""
MIB: Final = 2.0**20


class Figures(NamedTuple):
    """What is compared."""

    cycles: float
    peak_heap: float
    """Bytes."""
    gc_cpu: float
    """Share of GOMAXPROCS, without idle workers."""


class Agreement(NamedTuple):
    """Both modes side by side, seed by seed."""

    name: str
    events: list[Figures]
    fluid: list[Figures]

    def mean(self, mode: str, figure: str) -> float:
        """Mean over the seeds; `mode` is `events` or `fluid`."""
        return fmean(float(getattr(run, figure)) for run in getattr(self, mode))

    def spread(self, figure: str) -> float:
        """Relative standard deviation between seeds of the detailed mode."""
        values = [float(getattr(run, figure)) for run in self.events]
        return stdev(values) / fmean(values)

    def error(self, figure: str) -> float:
        """Relative difference of the means."""
        return self.mean("fluid", figure) / self.mean("events", figure) - 1

    @property
    def one_cycle(self) -> float:
        """What one cycle is worth: it may lie on either side of the end of the run."""
        return 1 / self.mean("events", "cycles")


def run_of(name: str, seed: int) -> RunConfig:
    """The run in which both modes are compared, with this seed."""
    run = replace(config(name), seed=seed)
    load = {key: _moved(one, seed) for key, one in run.program.load.items()}
    return replace(run, program=replace(run.program, load=load))


def _moved(load: Load, seed: int) -> Load:
    if isinstance(load, OpenLoop) and isinstance(load.arrivals, Regular):
        rate = load.arrivals.rate * (1 + FASTER * (seed - 1))
        return replace(load, arrivals=replace(load.arrivals, rate=rate))
    return load


def config(name: str) -> RunConfig:
    """The config of a workload."""
    own = ROOT / "configs" / f"{name}.yaml"
    if own.exists():
        return load(own)
    sets = ["GOMAXPROCS=4", f"duration={DURATIONS.get(name, USUAL)}"]
    return load({"workload": str(ROOT / "workloads" / f"{name}.yaml")}, sets)


def figures(run: RunConfig) -> Figures:
    """Simulate and sum up."""
    found = summary(simulate(run)).numbers()
    return Figures(*(float(found.get(key, 0.0)) for key in ("gc_cycles", "peak_heap", "gc_cpu")))


def agreement(name: str, seeds: Sequence[int] = SEEDS) -> Agreement:
    """Both modes on one workload."""
    runs = [run_of(name, seed) for seed in seeds]
    fluid = [replace(run, model=replace(run.model, detail="fluid")) for run in runs]
    return Agreement(name, [figures(run) for run in runs], [figures(run) for run in fluid])


def table(rows: list[Agreement]) -> str:
    """The rows as markdown."""
    head = "| workload | cycles | fluid | | peak heap MiB | fluid | | GC CPU % | fluid | |\n"
    lines = [head + "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for row in rows:
        cells = [row.name]
        for figure, unit, digits in (("cycles", 1, 1), ("peak_heap", MIB, 1), ("gc_cpu", 0.01, 2)):
            true, fluid = (row.mean(mode, figure) / unit for mode in ("events", "fluid"))
            cells += [f"{true:.{digits}f} ± {row.spread(figure):.1%}", f"{fluid:.{digits}f}"]
            cells += [f"{row.error(figure):+.1%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    found = table([agreement(name) for name in sys.argv[1:] or NAMES])
    print(found, end="")
    if not sys.argv[1:]:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(TABLE.sub(lambda _: found, text), encoding="utf-8")

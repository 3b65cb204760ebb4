"""How near the fluid mode comes to the detailed one: `python benchmarks/agreement.py [NAME...]`.

Every shipped workload runs in both modes on one, two, four and six Ps, else as the config of its
name says if there is one. The fluid mode answers what happens on average, so that its mean over a
few seeds is held against that of the detailed mode. Regular requests come a little more often with
each seed: else all seeds would meet them in the same phase of every cycle. Figures are those from
the begin of load on. Without names, the table goes into docs/fluid.md.
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
from sim.units import MS
from sim.workload.arrivals import Regular
from sim.workload.program import Load, OpenLoop

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "fluid.md"
TABLE: Final = re.compile(r"(?<=<!-- agreement -->\n).*(?=<!-- end -->)", re.DOTALL)
DURATIONS: Final = {
    "busy-store": "5s",
    "cache": "30s",
    "connections": "10s",
    "cron-bursts": "20s",
    "grpc-fanout": "3s",
    "metrics-store": "30s",
    "slow-leak": "30s",
    "small-proxy": "4s",
    "stream-pool": "2s",
}
USUAL: Final = "10s"
NAMES: Final = tuple(path.stem for path in sorted((ROOT / "workloads").glob("*.yaml")))
SEEDS: Final = (1, 2, 3)
PS: Final = (1, 2, 4, 6)
BOUNDS: Final = {"cycles": 0.03, "peak_heap": 0.03, "gc_cpu": 0.05}
"""Largest relative differences, for all workloads; cycles and GC CPU may be off by a cycle."""
SAMPLING: Final = 50 * MS
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
    ps: int
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

    def missed(self) -> list[str]:
        """Figures that differ by more than their bound."""
        cycle = 1 / max(self.mean("events", "cycles"), 1.0)
        room = {"cycles": cycle, "peak_heap": 0.0, "gc_cpu": cycle}
        return [
            figure
            for figure, bound in BOUNDS.items()
            if abs(self.error(figure)) > max(bound, room[figure])
        ]


def run_of(name: str, ps: int, seed: int) -> RunConfig:
    """The run in which both modes are compared, on so many Ps and with this seed."""
    run = config(name)
    load = {key: _moved(one, seed) for key, one in run.program.load.items()}
    return replace(
        run,
        seed=seed,
        gomaxprocs=ps,
        program=replace(run.program, load=load),
        record=replace(run.record, warmup=0, samples=SAMPLING),
    )


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
    sets = [f"duration={DURATIONS.get(name, USUAL)}"]
    return load({"workload": str(ROOT / "workloads" / f"{name}.yaml")}, sets)


def figures(run: RunConfig) -> Figures:
    """Simulate and sum up."""
    found = summary(simulate(run)).numbers()
    return Figures(*(float(found.get(key, 0.0)) for key in ("gc_cycles", "peak_heap", "gc_cpu")))


def agreement(name: str, ps: int, seeds: Sequence[int] = SEEDS) -> Agreement:
    """Both modes on one workload."""
    runs = [run_of(name, ps, seed) for seed in seeds]
    fluid = [replace(run, model=replace(run.model, detail="fluid")) for run in runs]
    return Agreement(name, ps, [figures(run) for run in runs], [figures(run) for run in fluid])


def table(rows: list[Agreement]) -> str:
    """The rows as markdown; what is beyond its bound is bold."""
    head = "| workload | Ps | cycles | fluid | | peak heap MiB | fluid | | GC CPU % | fluid | |\n"
    lines = [head + "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for row in rows:
        cells, missed = [row.name, str(row.ps)], row.missed()
        for figure, unit, digits in (("cycles", 1, 1), ("peak_heap", MIB, 1), ("gc_cpu", 0.01, 2)):
            true, fluid = (row.mean(mode, figure) / unit for mode in ("events", "fluid"))
            cells += [f"{true:.{digits}f} ± {row.spread(figure):.1%}", f"{fluid:.{digits}f}"]
            error = f"{row.error(figure):+.1%}"
            cells += [f"**{error}**" if figure in missed else error]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    found = table([agreement(name, ps) for name in sys.argv[1:] or NAMES for ps in PS])
    print(found, end="")
    if not sys.argv[1:]:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(TABLE.sub(lambda _: found, text), encoding="utf-8")

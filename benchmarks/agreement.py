"""How near the fluid mode comes to the detailed one: `python benchmarks/agreement.py [NAME...]`.

Every shipped workload runs in both modes with the same seed, under the config of its name if there
is one, else on four Ps. Without names, the table goes into docs/fluid.md.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from sim.config import load
from sim.config.run import RunConfig
from sim.results.summary import summary
from sim.simulation import simulate

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "fluid.md"
TABLE: Final = re.compile(r"(?<=<!-- agreement -->\n).*(?=<!-- end -->)", re.DOTALL)
DURATIONS: Final = {
    "cache": "30s", "connections": "20s", "cron-bursts": "20s", "metrics-store": "30s",
    "slow-leak": "30s", "stream-pool": "3s", "grpc-fanout": "5s",
}  # fmt: skip
USUAL: Final = "10s"
NAMES: Final = tuple(path.stem for path in sorted((ROOT / "workloads").glob("*.yaml")))
MIB: Final = 2.0**20


class Figures(NamedTuple):
    """What is compared."""

    cycles: float
    peak_heap: float
    """Bytes."""
    gc_cpu: float
    """Share of GOMAXPROCS, without idle workers."""


class Agreement(NamedTuple):
    """Both modes side by side."""

    name: str
    events: Figures
    fluid: Figures

    def error(self, figure: str) -> float:
        """Relative difference of the fluid mode."""
        true: float = getattr(self.events, figure)
        return float(getattr(self.fluid, figure)) / true - 1

    @property
    def cycles_apart(self) -> float:
        """Difference in cycles: one may lie on either side of the end of the run."""
        return abs(self.fluid.cycles - self.events.cycles)


def config(name: str) -> RunConfig:
    """The run in which both modes are compared."""
    own = ROOT / "configs" / f"{name}.yaml"
    if own.exists():
        return load(own)
    sets = ["GOMAXPROCS=4", f"duration={DURATIONS.get(name, USUAL)}"]
    return load({"workload": str(ROOT / "workloads" / f"{name}.yaml")}, sets)


def figures(run: RunConfig) -> Figures:
    """Simulate and sum up."""
    found = summary(simulate(run)).numbers()
    return Figures(found["gc_cycles"], found.get("peak_heap", 0.0), found.get("gc_cpu", 0.0))


def agreement(name: str) -> Agreement:
    """Both modes on one workload."""
    run = config(name)
    fluid = replace(run, model=replace(run.model, detail="fluid"))
    return Agreement(name, figures(run), figures(fluid))


def table(rows: list[Agreement]) -> str:
    """The rows as markdown."""
    head = "| workload | cycles | fluid | | peak heap MiB | fluid | | GC CPU % | fluid | |\n"
    lines = [head + "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for row in rows:
        cells = [row.name]
        for figure, unit, digits in (("cycles", 1, 0), ("peak_heap", MIB, 1), ("gc_cpu", 0.01, 2)):
            true, fluid = getattr(row.events, figure) / unit, getattr(row.fluid, figure) / unit
            cells += [f"{true:.{digits}f}", f"{fluid:.{digits}f}", f"{row.error(figure):+.1%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    found = table([agreement(name) for name in sys.argv[1:] or NAMES])
    print(found, end="")
    if not sys.argv[1:]:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(TABLE.sub(lambda _: found, text), encoding="utf-8")

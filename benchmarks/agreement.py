"""How near the fluid mode comes to the detailed one: `python benchmarks/agreement.py [NAME...]`.

Every shipped workload that the fluid mode takes runs in both on one, two, four and six Ps, else as
the config of its name says if there is one. The fluid mode answers what happens on average, so that
its mean over a few seeds is held against that of the detailed mode. Regular requests come a little
more often with each seed: else all seeds would meet them in the same phase of every cycle. Figures
are those from the begin of load on. Without names, the table goes into docs/fluid.md.

Both means hang on chance, and so the verdict is that of two one-sided tests at 5 % each
(Schuirmann 1987), with the 90 % interval of their difference (Welch 1947): inside the bound, the
modes agree; outside of it, they do not; else nobody knows. Runs are added until the interval is as
narrow as the bound, which looks at variances only (Chow and Robbins 1965), or there are as many
seeds as `MOST_SEEDS`.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sim.config import load
from sim.config.run import RunConfig
from sim.errors import UserError
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
SEEDS: Final = (1, 2, 3)
MOST_SEEDS: Final = 8
"""Of pairs whose figures scatter."""
PS: Final = (1, 2, 4, 6)
BOUNDS: Final = {"cycles": 0.03, "peak_heap": 0.03, "gc_cpu": 0.05}
"""Largest relative differences, for all workloads."""
CONFIDENCE: Final = 0.9
"""Of intervals: two one-sided tests at 5 %."""
SAMPLING: Final = 50 * MS
FASTER: Final = 1 / 1000
"""By which part regular requests come more often with each seed."""
MIB: Final = 2.0**20

Floats = NDArray[np.float64]


def _as_rates(name: str) -> bool:
    """Whether the fluid mode runs a workload; some have steps that it refuses."""
    try:
        load({"workload": str(ROOT / "workloads" / f"{name}.yaml")}, ["model.detail=fluid"])
    except UserError:
        return False
    return True


NAMES: Final = tuple(filter(_as_rates, sorted(path.stem for path in ROOT.glob("workloads/*.yaml"))))
"""Workloads that both modes run."""


class Figures(NamedTuple):
    """What is compared."""

    cycles: float
    peak_heap: float
    """Bytes."""
    gc_cpu: float
    """Share of GOMAXPROCS, without idle workers."""


class Difference(NamedTuple):
    """Of two means, relative to the first, with its interval and the largest that may be."""

    mean: float
    half_width: float
    bound: float

    @property
    def verdict(self) -> str:
        """`within` the bound, `beyond` it, or `open`: the interval lies on both sides."""
        if abs(self.mean) + self.half_width <= self.bound:
            return "within"
        return "beyond" if abs(self.mean) - self.half_width > self.bound else "open"


class Agreement(NamedTuple):
    """Both modes side by side, seed by seed."""

    name: str
    ps: int
    events: list[Figures]
    fluid: list[Figures]

    def mean(self, mode: str, figure: str) -> float:
        """Mean over the seeds; `mode` is `events` or `fluid`."""
        return float(np.mean([getattr(run, figure) for run in getattr(self, mode)]))

    def bound(self, figure: str) -> float:
        """Cycles and GC CPU may be off by a cycle."""
        cycle = 1 / max(self.mean("events", "cycles"), 1.0)
        return max(BOUNDS[figure], 0.0 if figure == "peak_heap" else cycle)

    def difference(self, figure: str, confidence: float = CONFIDENCE) -> Difference:
        """Of the means of a figure."""
        events, fluid = (
            np.array([getattr(run, figure) for run in runs]) for runs in (self.events, self.fluid)
        )
        true = float(events.mean())
        half_width = half_width_of_difference(events, fluid, confidence) / true
        return Difference(float(fluid.mean()) / true - 1, half_width, self.bound(figure))

    def verdicts(self, verdict: str, confidence: float = CONFIDENCE) -> list[str]:
        """Figures of which this is true: `within`, `beyond` or `open`."""
        return [one for one in BOUNDS if self.difference(one, confidence).verdict == verdict]

    @property
    def precise(self) -> bool:
        """Whether all intervals are as narrow as their bounds."""
        found = map(self.difference, BOUNDS)
        return all(difference.half_width <= difference.bound for difference in found)


def half_width_of_difference(
    first: Floats, second: Floats, confidence: float = CONFIDENCE
) -> float:
    """Of the interval of the difference of two means of any variances (Welch 1947)."""
    if len(first) < 2:
        return 0.0
    of_means = [float(some.var(ddof=1)) / len(some) for some in (first, second)]
    total, parts = sum(of_means), zip(of_means, (first, second), strict=True)
    if not total:
        return 0.0
    freedom = total**2 / sum(of_mean**2 / (len(some) - 1) for of_mean, some in parts)
    return float(stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(total)


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


def agreement(
    name: str, ps: int, seeds: Sequence[int] = SEEDS, most: int = MOST_SEEDS
) -> Agreement:
    """Both modes on one workload, with these seeds and more where they are needed."""
    found = Agreement(name, ps, [], [])
    for seed in _seeds(found, seeds, most):
        run = run_of(name, ps, seed)
        found.events.append(figures(run))
        found.fluid.append(figures(replace(run, model=replace(run.model, detail="fluid"))))
    return found


def _seeds(found: Agreement, first: Sequence[int], most: int) -> Iterator[int]:
    """The first ones, and others until means are known."""
    yield from first
    for seed in range(max(first) + 1, most + 1):
        if found.precise:
            return
        yield seed


def table(rows: list[Agreement]) -> str:
    """The rows as markdown; what is beyond its bound is bold, what nobody knows in italics."""
    head = "| workload | Ps | seeds |" + "".join(
        f" {figure} | fluid | |" for figure in ("cycles", "peak heap MiB", "GC CPU %")
    )
    lines = [head, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    signs = {"within": "", "open": "*", "beyond": "**"}
    for row in rows:
        cells = [row.name, str(row.ps), str(len(row.events))]
        for figure, unit, digits in (("cycles", 1, 1), ("peak_heap", MIB, 1), ("gc_cpu", 0.01, 2)):
            cells += [f"{row.mean(mode, figure) / unit:.{digits}f}" for mode in ("events", "fluid")]
            found = row.difference(figure)
            sign = signs[found.verdict]
            cells += [f"{sign}{found.mean:+.1%} ± {found.half_width:.1%}{sign}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def summed_up(rows: list[Agreement]) -> str:
    """How many pairs agree, do not, or are not known."""
    beyond = sum(bool(row.verdicts("beyond")) for row in rows)
    within = sum(len(row.verdicts("within")) == len(BOUNDS) for row in rows)
    differences = [[row.difference(figure) for figure in BOUNDS] for row in rows]
    near = sum(all(abs(one.mean) <= one.bound for one in some) for some in differences)
    unknown = len(rows) - within - beyond
    return (
        f"\nOf {len(rows)} pairs, {within} are within all bounds for certain, {beyond} beyond one; "
        f"of {unknown} an interval lies on both sides of one. "
        f"The means themselves are within all bounds in {near}.\n"
    )


if __name__ == "__main__":
    pairs = [(name, ps) for name in sys.argv[1:] or NAMES for ps in PS]
    rows = joblib.Parallel(n_jobs=-1, batch_size=1)(
        joblib.delayed(agreement)(*one) for one in pairs
    )
    found = table(rows) + summed_up(rows)
    print(found, end="")
    if not sys.argv[1:]:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(TABLE.sub(lambda _: found, text), encoding="utf-8")

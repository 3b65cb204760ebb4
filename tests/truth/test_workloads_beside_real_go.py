"""Every shipped workload is one that a real program can execute, and that does there what it does
here: the simulator would otherwise answer for a program that nobody can write.

Here each does a fixed amount of work, so that a busy machine only takes longer, and bounds are
generous: what is published comes from `gomemsim validate`. Both sides are medians of several runs:
of a hundred requests chance decides how many are at their largest when a cycle begins.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import pytest
import yaml

from sim.config import load
from sim.config.run import RunConfig
from sim.formats.gctrace import parse
from sim.simulation import simulate
from sim.truth.recorded import RecordedFigures, read_recorded, simulated
from sim.truth.toolchain import find_go
from sim.truth.twin import build_twin, run_twin
from sim.units import MiB

ROOT = Path(__file__).parents[2]
WORKLOADS = sorted(path.stem for path in (ROOT / "workloads").glob("*.yaml"))
SLEEPERS = {"deep-stacks", "every-second", "shrink"}
"""Programs that do things at given times and never end: they run for two seconds.

Their heaps go up and down, and when cycles come depends on the machine: no cycle is typical, but
the largest marked heap is that of the same data."""
LEAKS = {"slow-leak", "steady-leak"}
"""Of heaps that grow from nothing no cycle is typical either: how many there were when little was
alive hangs on the first milliseconds, and the median of all with it."""
COUNT = {
    "batch-parser": 60,
    "connections": 3000,
    "garbage64": 60,
    "hbsteady": 200,
    "metrics-store": 100,
    "small-proxy": 4000,
    "steady-leak": 64,
}
"""Requests of each load, 1000 of others."""
MESSAGES = "{times: 2, steps: [{wait: 100ms}, {work: {cpu: 60us, allocate: 8KiB, of: text}}]}"
SMALLER = {
    "cache": ("workload.stores.entries.size=48MiB",),
    "connections": (
        "workload.load.clients.parallel=3000",
        f"workload.goroutines.connection.steps.1.repeat={MESSAGES}",
    ),
    "metrics-store": (
        "workload.stores.series.size=32MiB",
        "workload.stores.chunks.size=16MiB",
        "workload.goroutines.query.steps.0.work.allocate=2MiB",
    ),
}
"""What would take seconds to fill, or hours to end, or has so long a tail that the largest of a
hundred requests decides how large the heap is."""
LARGE = 8 * MiB
"""Below it, what is allocated until a busy machine has started a cycle is much of the heap."""
ALLOCATED = "/gc/heap/allocs:bytes"
REPETITIONS: Final = 3
"""Real runs of a program."""
SEEDS: Final = range(1, 6)
"""Of simulated runs."""


def requests_of(workload: str) -> int:
    """Goroutines that each load of a workload starts here."""
    return COUNT.get(workload, 1000)


def short_run(workload: str) -> RunConfig:
    """A run of a workload whose loads are batches."""
    program: dict[str, Any] = yaml.safe_load((ROOT / f"workloads/{workload}.yaml").read_text())
    duration = "2s"
    if workload not in SLEEPERS:
        duration = "60s"
        program["load"] = {
            name: {"goroutine": put["goroutine"], "count": requests_of(workload), "parallel": 16}
            for name, put in program["load"].items()
        }
    source = {"workload": {"name": workload, **program}, "duration": duration}
    return load(source, ["GOMAXPROCS=2", "GOGC=50", *SMALLER.get(workload, ())])


def near(real: float, ours: float, slack: float) -> bool:
    """Within a factor of one and a half, beyond what a program has in any case."""
    return real <= 1.5 * ours + slack and ours <= 1.5 * real + slack


def largest_marked(gctrace: str) -> float:
    """Largest heap that a cycle found alive (bytes)."""
    return max(found.line.heap_marked for found in parse(gctrace.splitlines()))


def medians(runs: Iterable[RecordedFigures]) -> RecordedFigures:
    """Figure by figure the median of runs."""
    return RecordedFigures(*map(median, zip(*runs, strict=True)))


@pytest.mark.realgo
@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_real_program_does_what_the_simulated_one_does(workload: str, tmp_path: Path) -> None:
    config = short_run(workload)
    logs = [tmp_path / f"app.p2.gogc50.limnone.r{number}.gctrace" for number in range(REPETITIONS)]
    for log in logs:
        run_twin(build_twin(find_go()), config, log)
    (recorded,) = read_recorded(tmp_path).values()
    results = [simulate(replace(config, seed=seed)) for seed in SEEDS]
    real, ours = medians(recorded), medians(map(simulated, results))
    if workload not in SLEEPERS:
        requests = requests_of(workload) * len(config.program.load)
        facts = [json.loads(log.with_suffix(".json").read_text()) for log in logs]
        assert all(fact["n"] == requests for fact in facts)
        real_bytes = median(fact["end"][ALLOCATED] for fact in facts)
        our_bytes = median(result.samples[ALLOCATED].iloc[-1] for result in results)
        assert near(real_bytes, our_bytes, 8 * MiB)
    if workload not in SLEEPERS and real.peak_heap > LARGE:
        assert near(real.gc_cycles, ours.gc_cycles, 8)
    if real.gc_cycles and ours.gc_cycles:  # both tell how large their heaps are
        assert near(real.peak_heap, ours.peak_heap, 16 * MiB)
        marked = real.marked_heap, ours.marked_heap
        if workload in SLEEPERS | LEAKS:
            marked = (
                median(largest_marked(log.read_text()) for log in logs),
                median(largest_marked(result.gctrace()) for result in results),
            )
        assert near(*marked, 8 * MiB)
    assert near(real.peak_rss, ours.peak_rss, 32 * MiB)

"""Workloads beside their real twins, for docs/validation.md: `python docs/make_validation.py`.

Needs the extra `go`, half an hour, and a machine on which nothing else runs. Real runs that
results/validation has are not repeated: it can be interrupted at any time. `--measure` makes the
real runs alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pandas as pd
from make_accuracy import put

from sim.truth.accuracy import errors_markdown, markdown
from sim.truth.calibrate import calibrate
from sim.truth.host import QUIET, host
from sim.truth.recorded import Setting
from sim.truth.toolchain import find_go
from sim.truth.validate import measure, points_of, validate

ROOT: Final = Path(__file__).parents[1]
OUT: Final = ROOT / "results" / "validation"
GRID: Final = {"GOMAXPROCS": ("1", "2"), "GOGC": ("50", "75", "100", "150", "200", "400")}
REPETITIONS: Final = 2
MACHINE: Final = OUT / "machine.yaml"
"""Costs of the machine on which the real runs are made, measured just before them: the same machine
is faster in one hour and slower in another."""
ROUNDS: Final = 3
"""Repetitions of the benchmarks."""
SETS: Final[dict[str, tuple[str, ...]]] = {
    "json-api": ("workload.load.api.arrivals.poisson=1000/s",),
    "batch-parser": ("workload.load.files.count=120",),
    "grpc-fanout": ("workload.load.calls.arrivals.poisson=500/s",),
    "stream-pool": (),
    "small-proxy": (),
    "cache": ("workload.stores.entries.size=64MiB",),
    "cron-bursts": ("workload.load.jobs.arrivals.bursts.burst=700/s",),
    "metrics-store": (
        "workload.stores.series.size=64MiB",
        "workload.stores.chunks.size=32MiB",
        "workload.load.queries.arrivals.poisson=20/s",
    ),
}
"""Workloads, and what of them is changed: so that one P can do the work, and collects in time."""


def main() -> None:
    """Make the real runs; simulate them all, and print the tables into the page."""
    go = find_go()
    if not MACHINE.exists():
        OUT.mkdir(parents=True, exist_ok=True)
        calibrate(out=MACHINE, repetitions=ROUNDS)
    for name, sets in settings().items():
        points = points_of([workload(name)], GRID, sets, go)
        measure(points, out=OUT / name, repetitions=REPETITIONS, go=go)
    if sys.argv[1:] != ["--measure"]:
        put(ROOT / "docs" / "validation.md", page())


def page() -> str:
    """The tables, and what they were made on."""
    table = pd.concat(
        (
            validate(
                [workload(name)], out=OUT / name, grid=GRID, sets=sets, repetitions=REPETITIONS
            )
            for name, sets in settings().items()
        ),
        ignore_index=True,
    )
    machine = "; ".join(f"{key}: {value}" for key, value in host(find_go()).items())
    quiet = table[~(table["others_cpu"] > QUIET)]
    settings_of = [len(rows.drop_duplicates([*Setting._fields])) for rows in (quiet, table)]
    head = (
        f"Up to {REPETITIONS} real runs per setting, 5 s each, and their medians; {machine}. In"
        f" {settings_of[0]} of {settings_of[1]} settings a run was made that nobody disturbed; other"
        f" programs used {table['others_cpu'].max():.0%} of a CPU at most, in the median of a"
        " setting."
        f" Costs: `gomemsim calibrate --repetitions {ROUNDS}`, just before the runs."
    )
    parts = [head, "## Where nobody disturbed the real runs", errors_markdown(quiet)]
    parts += ["## All settings", errors_markdown(table)]
    for name, rows in table.groupby("program", sort=False):
        parts += [f"## {name}", errors_markdown(rows)]
    return "\n\n".join([*parts, "## Setting by setting", markdown(table)])


def settings() -> dict[str, tuple[str, ...]]:
    """What is set for each workload."""
    return {name: (f"machine={MACHINE}", "duration=5s", *changed) for name, changed in SETS.items()}


def workload(name: str) -> Path:
    """The file of a shipped workload."""
    return ROOT / "workloads" / f"{name}.yaml"


if __name__ == "__main__":
    main()

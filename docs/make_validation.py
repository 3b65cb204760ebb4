"""Workloads beside their real twins, for docs/validation.md: `python docs/make_validation.py`.

Needs the extra `go`, a quarter of an hour, and a machine on which nothing else runs. Real runs that
results/validation has are not repeated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd
from make_accuracy import put

from sim.truth.accuracy import errors_markdown, markdown
from sim.truth.host import host
from sim.truth.toolchain import find_go
from sim.truth.validate import cpu_wait, validate

ROOT: Final = Path(__file__).parents[1]
OUT: Final = ROOT / "results" / "validation"
GRID: Final = {"GOMAXPROCS": ("1", "2"), "GOGC": ("50", "75", "100", "150", "200", "400")}
REPETITIONS: Final = 1
DURATION: Final = "duration=3s"
SETS: Final[dict[str, tuple[str, ...]]] = {
    "json-api": ("workload.load.api.arrivals.poisson=1000/s",),
    "batch-parser": ("workload.load.files.count=120",),
    "grpc-fanout": ("workload.load.calls.arrivals.poisson=500/s",),
    "stream-pool": (),
    "small-proxy": (),
    "cache": (),
    "cron-bursts": (),
    "metrics-store": (),
}
"""Workloads, and what of them is changed so that one P can do the work, and do it in time."""


def main() -> None:
    """Run all, and print the tables into the page."""
    tables = [
        validate(
            [ROOT / "workloads" / f"{name}.yaml"],
            out=OUT / name,
            grid=GRID,
            sets=(DURATION, *changed),
            repetitions=REPETITIONS,
        )
        for name, changed in SETS.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    waits = [cpu_wait(OUT / name) for name in SETS]
    machine = "; ".join(f"{key}: {value}" for key, value in host(find_go()).items())
    parts = [
        f"{REPETITIONS} real run per setting, {DURATION.partition('=')[2]} each. {machine}.",
        f"Threads waited {min(waits):.1%} to {max(waits):.1%} of the time for CPUs of others.",
        "## All workloads",
        errors_markdown(table),
    ]
    for name, rows in table.groupby("program", sort=False):
        parts += [f"## {name}", errors_markdown(rows)]
    parts += ["## Setting by setting", markdown(table)]
    put(ROOT / "docs" / "validation.md", "\n\n".join(parts))


if __name__ == "__main__":
    main()

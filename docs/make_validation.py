"""Workloads beside their real twins, for docs/validation.md: `python docs/make_validation.py`.

Needs the extra `go`, three quarters of an hour, and a machine on which nothing else runs. Real runs
that results/validation has are not repeated: it can be interrupted at any time. `--measure` makes
the real runs alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd
import yaml
from make_errors import put

from sim.config.machine import load_profile
from sim.truth.accuracy import errors_markdown
from sim.truth.calibrate import build_benchmarks, run_rounds, write_profile
from sim.truth.host import QUIET, host
from sim.truth.recorded import RecordedSetting
from sim.truth.toolchain import find_go
from sim.truth.validate import OWN_RUNS, measure, points_of, validate

ROOT: Final = Path(__file__).parents[1]
OUT: Final = ROOT / "results" / "validation"
DATA: Final = ROOT / "data"
SHORT: Final = "duration=5s"
GRID: Final = {"GOMAXPROCS": ("1", "2"), "GOGC": ("50", "75", "100", "150", "200", "400")}
REPETITIONS: Final = 2
COSTS: Final = OUT / "costs"
"""Rows of the benchmarks, a round before the runs of each workload."""
MACHINE: Final = OUT / "machine.yaml"
"""Costs of the machine of the real runs, which is faster in one hour than in another."""
SETS: Final[dict[str, list[str]]] = yaml.safe_load((DATA / "workloads.yaml").read_text())
"""Workloads, and what of them is changed: so that one P can do the work, and collects in time."""
COLUMNS: Final = [*RecordedSetting._fields, "figure", "real", "simulated", "spread"]
SETTINGS: Final = """## Setting by setting

All figures are in {download}`validation.csv <../data/validation.csv>`: real and simulated, sizes in
bytes, times in seconds."""


def main() -> None:
    """Make the real runs; simulate them all, and print the tables into the page."""
    go, benchmarks = find_go(), build_benchmarks()
    for name, sets in SETS.items():
        costs_now(COSTS / f"{name}.json", benchmarks)
        points = points_of([workload(name)], GRID, (SHORT, *sets), go)
        measure(points, out=OUT / name, repetitions=REPETITIONS, go=go)
    write_profile([json.loads((COSTS / f"{name}.json").read_text()) for name in SETS], MACHINE)
    if sys.argv[1:] != ["--measure"]:
        put(ROOT / "docs" / "validation.md", page())


def costs_now(out: Path, benchmarks: Mapping[str, Path]) -> None:
    """A round of the benchmarks, unless this was done."""
    if not out.exists():
        (rows,) = run_rounds(benchmarks, 1)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(rows), encoding="utf-8")


def page() -> str:
    """The tables, and what they were made on."""
    general, table = compared(own_costs=False), compared(own_costs=True)
    machine = "; ".join(f"{key}: {value}" for key, value in host(find_go()).items())
    quiet = table[~(table["others_cpu"] > QUIET)]
    factors = ", ".join(f"{name} {mark_factor(name):.2f}" for name in SETS)
    settings_of = [len(rows.drop_duplicates([*RecordedSetting._fields])) for rows in (quiet, table)]
    head = (
        f"Up to {REPETITIONS} real runs per setting, and their medians; {machine}. In"
        f" {settings_of[0]} of {settings_of[1]} settings a run was made that nobody disturbed;"
        f" other programs used {table['others_cpu'].max():.0%} of a CPU at most, in the median of a"
        " setting."
        f" Costs: {len(SETS)} rounds of the benchmarks of `gomemsim calibrate`. Of marking, so many"
        f" times those of the benchmarks: {factors}."
    )
    parts = [head, "## Where nobody disturbed the real runs", errors_markdown(quiet)]
    parts += ["## The same, with the costs of the benchmarks alone"]
    parts += [errors_markdown(general[~(general["others_cpu"] > QUIET)])]
    parts += ["## All settings", errors_markdown(table)]
    for name, rows in table.groupby("program", sort=False):
        parts += [f"## {name}", errors_markdown(rows)]
    table.to_csv(DATA / "validation.csv", columns=COLUMNS, index=False, float_format="%.7g")
    return "\n\n".join([*parts, SETTINGS])


def compared(*, own_costs: bool) -> pd.DataFrame:
    """All workloads beside their twins."""
    tables = (
        validate(
            [workload(name)],
            out=OUT / name,
            grid=GRID,
            sets=sets,
            repetitions=REPETITIONS,
            own_costs=own_costs,
        )
        for name, sets in settings().items()
    )
    return pd.concat(tables, ignore_index=True)


def mark_factor(name: str) -> float:
    """How many times as much marking costs in a workload's heap as in those of the benchmarks."""
    here = load_profile(str(OUT / name / OWN_RUNS / f"{name}.machine.yaml"))
    return here.mark.object_ns / load_profile(str(MACHINE)).mark.object_ns


def settings() -> dict[str, tuple[str, ...]]:
    """What is set for each workload."""
    return {name: (f"machine={MACHINE}", SHORT, *changed) for name, changed in SETS.items()}


def workload(name: str) -> Path:
    """The file of a shipped workload."""
    return ROOT / "workloads" / f"{name}.yaml"


if __name__ == "__main__":
    main()

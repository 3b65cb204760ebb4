"""Workloads after real programs' own profiles, for docs/real-programs.md.

`python docs/make_real_programs.py` takes two minutes. The recordings in data/real-programs become
the workloads there, each from the first run at GOGC=100, as `gomemsim profile` writes them. All
six settings of each, real and simulated in detail, are in data/real-programs.csv and on the page.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

import joblib
import pandas as pd
from make_reliability import put

from sim.cli import main
from sim.config import load
from sim.simulation import simulate
from sim.truth.accuracy import compared, errors
from sim.truth.recorded import (
    RecordedFigures,
    RecordedSetting,
    read_recorded,
    recorded_facts,
    recorded_runs,
    simulated,
)
from sim.units import MiB

ROOT: Final = Path(__file__).parents[1]
REAL: Final = ROOT / "data" / "real-programs"
TABLE: Final = ROOT / "data" / "real-programs.csv"
PAGE: Final = ROOT / "docs" / "real-programs.md"
PROFILED: Final = RecordedSetting("", "2", "100", "off")
"""The setting that the workloads are made from."""
FIGURES: Final = {
    "gc_cycles": ("cycles", 1.0),
    "peak_heap": ("peak heap MiB", MiB),
    "gc_cpu": ("GC CPU ms", 1e-3),
    "peak_rss": ("RSS MiB", MiB),
    "latency_p50": ("p50 ms", 1e-3),
    "latency_p99": ("p99 ms", 1e-3),
    "wall": ("took s", 1.0),
}


def describe(name: str) -> Path:
    """The workload after what was recorded of a program's first run, as the command writes it."""
    (run,) = (
        run
        for run in recorded_runs(REAL)
        if run.setting == PROFILED._replace(program=name) and run.repetition == 0
    )
    facts = recorded_facts(run)
    serves = "requests" in facts
    beside = [REAL / f"{name}.{end}" for end in ("heap.pb.gz", "goroutines")]
    out = REAL / f"{name}.yaml"
    files = [run.log, *(file for file in beside if file.exists())]
    cpus = (facts["utime_s"] + facts["stime_s"]) / facts["wall_s"]
    options = {
        "--go": facts["go"],
        "--rss": f"{facts['maxrss_kb']}KiB",
        "--cpus": f"{cpus:.4g}",
        "--ran": f"{facts['wall_s']}s",
        "--load": "waiting" if serves else "busy",
    }
    if serves:
        options["--arrivals"] = f"{facts['requests'] / facts['seconds']:.5g}/s"
    words = [word for option in options.items() for word in option]
    with contextlib.suppress(SystemExit):
        main(["profile", *map(str, files), "-o", str(out), "--quiet", *words])
    return out


def figures(path: Path, setting: RecordedSetting) -> RecordedFigures:
    """Of a simulated run."""
    sets = [f"GOMAXPROCS={setting.gomaxprocs}", f"GOGC={setting.gogc}"]
    return simulated(simulate(load(path, [*sets, f"GOMEMLIMIT={setting.gomemlimit}"])))


def compare() -> pd.DataFrame:
    """A row for each program, setting and figure."""
    recorded = read_recorded(REAL)
    paths = {name: describe(name) for name in dict.fromkeys(one.program for one in recorded)}
    tasks = (joblib.delayed(figures)(paths[one.program], one) for one in recorded)
    found = joblib.Parallel(n_jobs=-1)(tasks)
    rows = pd.DataFrame(
        row
        for (setting, runs), ours in zip(recorded.items(), found, strict=True)
        for row in compared(setting, runs, [ours])
    )
    serves = rows.groupby("program")["figure"].transform(lambda some: "latency_p50" in set(some))
    rows = rows[rows["figure"].isin(FIGURES) & ~((rows["figure"] == "wall") & serves)]
    held_out = (rows[["gomaxprocs", "gogc"]] != ["2", "100"]).any(axis=1)
    return rows.assign(held_out=held_out)


def medians(table: pd.DataFrame) -> str:
    """Errors by figure, of the settings of the profiles and of the others."""
    parts = []
    for held_out, rows in table.groupby("held_out"):
        found = errors(rows)
        found.insert(0, "", "held out" if held_out else "in sample")
        parts.append(found.rename(index={key: name for key, (name, _) in FIGURES.items()}))
    whole = pd.concat(parts).reset_index()
    names = ["figure", "setting", "n", "median error", "p90 error", "real runs differ by", ""]
    whole.columns = pd.Index(names)
    for column in whole.columns[3:6]:
        whole[column] = [f"{value:.1%}" if value == value else "" for value in whole[column]]  # noqa: PLR0124
    return str(whole.iloc[:, :6].to_markdown(index=False))


def settings(table: pd.DataFrame) -> str:
    """Programs and settings by figures: real / simulated."""
    cells = table.assign(
        cell=[
            " / ".join(
                f"{value / FIGURES[row.figure][1]:.3g}" for value in (row.real, row.simulated)
            )
            for row in table.itertuples()
        ],
        figure=[FIGURES[figure][0] for figure in table["figure"]],
        setting=[
            f"GOGC={row.gogc}"
            + (f", {row.gomemlimit}" if row.gomemlimit != "off" else "")
            + (", one P" if row.gomaxprocs == "1" else "")
            + ("" if row.held_out else " *in sample*")
            for row in table.itertuples()
        ],
    )
    wide = cells.pivot_table(
        index=["program", "setting"], columns="figure", values="cell", aggfunc="first", sort=False
    )
    wide = wide[[name for name, _ in FIGURES.values()]].fillna("")
    return str(wide.reset_index().to_markdown(index=False, disable_numparse=True))


if __name__ == "__main__":
    found = compare()
    for column in ("real", "simulated", "error", "spread"):
        found[column] = [float(f"{value:.4g}") for value in found[column]]
    found.to_csv(TABLE, index=False)
    page = put(PAGE.read_text(encoding="utf-8"), "medians", medians(found))
    PAGE.write_text(put(page, "settings", settings(found)), encoding="utf-8")

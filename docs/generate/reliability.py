"""What was tried against readers and commands, and how often it broke something."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from generate.markdown import table

DATA = Path(__file__).parents[2] / "data"
READERS = {
    "config": "config and workload",
    "gctrace_lines": "gctrace, lines and processes",
    "gctrace": "gctrace, with settings recognised",
    "prometheus": "Prometheus",
    "runtime_metrics": "runtime/metrics",
    "pprof": "pprof",
    "trace": "execution trace",
    "stored": "stored tables",
}


def fuzzed() -> str:
    """Inputs of each reader by `make fuzz`, from data/fuzz.csv."""
    figures = pd.read_csv(DATA / "fuzz.csv").replace({"reader": READERS})
    return _counted(figures, "reader", "inputs", "crashes, hangs, more than 1 GiB")


def befallen() -> str:
    """Points of each class by `make faults`, from data/reliability.csv."""
    figures = pd.read_csv(DATA / "reliability.csv")
    return _counted(figures, "class", "points", "failures")


def _counted(figures: pd.DataFrame, name: str, number: str, failures: str) -> str:
    rows = [
        (str(row[name]), f"{row[number]:,}", f"{row['failures']:,}")
        for row in figures.to_dict("records")
    ]
    total = ("all", f"{figures[number].sum():,}", f"{figures['failures'].sum():,}")
    return table([name, number, failures], [*rows, total])

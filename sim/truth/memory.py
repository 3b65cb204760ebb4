"""Real memory beside simulated memory: heap in use, released, stacks and RSS over time.

The programs of `sim/truth/go/memory` do what the workloads of their names say.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sim.config import NO_GC, NO_LIMIT, RunConfig, load
from sim.errors import UserError
from sim.results.memory import heap_over_time
from sim.simulation import simulate
from sim.truth.toolchain import build, find_go
from sim.units import MS, MiB

QUANTITIES: Final = ("in_use", "free", "released", "stacks", "rss")
STEP: Final = 100 * MS
"""Distance of the instants at which both are compared."""
SLACK: Final = 30
"""Seconds that a program may take beyond the length of the run."""


def validate(
    configs: Sequence[Path],
    recorded: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """A row per program and quantity: means and peaks in bytes, and the error.

    The error is the mean absolute difference over time as share of the largest real RSS. Real runs
    come from the folder `recorded`, or are made now. UserError without a program of that name.
    """
    tables = []
    for count, path in enumerate(configs, 1):
        config = load(path)
        real = record(config) if recorded is None else read(recorded, config.workload)
        tables.append(compare(real, simulated(config)).assign(program=config.workload))
        if progress is not None:
            progress(count / len(configs))
    return pd.concat(tables).set_index("program", append=True).swaplevel()


def record(config: RunConfig) -> pd.DataFrame:
    """Run the real program under the settings of a config; its memory over time."""
    executable = build("memory", find_go())
    off = {NO_GC: "off", NO_LIMIT: "off"}
    env = {
        **os.environ,
        "GOGC": str(off.get(config.gc_percent, config.gc_percent)),
        "GOMEMLIMIT": str(off.get(config.memory_limit, config.memory_limit)),
        "GOMAXPROCS": str(config.gomaxprocs),
    }
    command = [str(executable), config.workload]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(done.stderr.strip() or f"{config.workload} ended with {done.returncode}")
    return on_grid(pd.DataFrame(map(json.loads, done.stdout.splitlines())))


def simulated(config: RunConfig) -> pd.DataFrame:
    """The same of a simulated run."""
    return on_grid(simulate(config).samples)


def on_grid(samples: pd.DataFrame) -> pd.DataFrame:
    """The heap over time at regular instants, which are the index (ns)."""
    heap = heap_over_time(samples)
    at = np.arange(0, samples["at_ns"].iloc[-1] + 1, STEP)
    values = {name: np.interp(at, samples["at_ns"], heap[name]) for name in QUANTITIES}
    return pd.DataFrame(values, index=pd.Index(at, name="at_ns")).round().astype(np.int64)


def compare(real: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """By quantity, over the time that both lasted."""
    at = real.index.intersection(ours.index)
    real, ours = real.loc[at], ours.loc[at]
    return pd.DataFrame(
        {
            "real mean": real.mean(), "simulated mean": ours.mean(),
            "real peak": real.max(), "simulated peak": ours.max(),
            "error": (real - ours).abs().mean() / real["rss"].max(),
        }
    ).rename_axis("quantity")  # fmt: skip


def markdown(table: pd.DataFrame) -> str:
    """The table for people: MiB, and errors in percent."""
    sizes = table.drop(columns="error") / MiB
    return sizes.round(1).assign(error=table["error"].map("{:.1%}".format)).to_markdown()


def write(folder: Path, program: str, real: pd.DataFrame) -> None:
    """Keep a real run."""
    folder.mkdir(parents=True, exist_ok=True)
    real.to_csv(folder / f"{program}.csv")


def read(folder: Path, program: str) -> pd.DataFrame:
    """A real run that was kept; UserError if there is none."""
    path = folder / f"{program}.csv"
    if not path.is_file():
        raise UserError(f"there is no recorded run {path}")
    return pd.read_csv(path, index_col="at_ns")

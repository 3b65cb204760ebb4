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

from sim.config import NO_GC, RunConfig, load
from sim.errors import UserError
from sim.files import write
from sim.results.memory import heap_over_time
from sim.simulation import simulate
from sim.truth.host import need_linux
from sim.truth.toolchain import build, find_go
from sim.units import MAX_INT64, MS, MiB

QUANTITIES: Final = ("in_use", "free", "released", "stacks", "rss")
STEP: Final = 100 * MS
"""Distance of the instants at which both are compared."""
REPEAT: Final = 4
"""How often a real program runs; the two shortest runs count, on which least else was going on."""


def validate(
    configs: Sequence[Path],
    recorded: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """A row per program and quantity: means and peaks in bytes, the error and the spread.

    The error is the mean absolute difference over time as share of the largest real RSS, the
    spread that of a second real run. Real runs come from the folder `recorded`; those that are not
    there are made now, and kept there. UserError without a program of that name.
    """
    tables = []
    for count, path in enumerate(configs, 1):
        config = load(path)
        real = real_runs(config, recorded)
        table = compare(real[0], simulated(config))
        table["spread"] = compare(*real)["error"]
        tables.append(table.assign(program=config.workload))
        if progress is not None:
            progress(count / len(configs))
    return pd.concat(tables).set_index("program", append=True).swaplevel()


def real_runs(config: RunConfig, folder: Path | None) -> list[pd.DataFrame]:
    """Two runs of the real program, from the folder if it has them."""
    paths = [folder / f"{config.workload}-{n}.csv" for n in (1, 2)] if folder else []
    if paths and all(path.is_file() for path in paths):
        return [pd.read_csv(path, index_col="at_ns") for path in paths]
    runs = sorted((measure(config) for _ in range(REPEAT)), key=len)[:2]
    for path, run in zip(paths, runs, strict=False):
        write(path, run.to_csv())
    return runs


def measure(config: RunConfig) -> pd.DataFrame:
    """Run the real program under the settings of a config; its memory over time."""
    need_linux("measuring a real program")
    executable = build("memory", find_go())
    off = {NO_GC: "off", MAX_INT64: "off"}
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
            "real mean": real.mean(),
            "simulated mean": ours.mean(),
            "real peak": real.max(),
            "simulated peak": ours.max(),
            "error": (real - ours).abs().mean() / real["rss"].max(),
        }
    ).rename_axis("quantity")


def markdown(table: pd.DataFrame) -> str:
    """The table for people: MiB, and errors in percent."""
    shares = table[["error", "spread"]].map("{:.1%}".format)
    sizes = (table.drop(columns=["error", "spread"]) / MiB).round(1)
    return sizes.join(shares).reset_index().to_markdown(index=False)

"""The model beside everything that was recorded of real Go, in one table, without Go.

Three kinds of evidence: `recorded`, programs of others whose workloads are written down from their
sources; `shipped`, workloads of this repository and real Go programs that do the same; `predicted`,
other settings of a program from one of its logs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import joblib
import numpy as np
import pandas as pd
import yaml

from sim.config import load
from sim.config.provenance import simulator
from sim.examples import examples
from sim.simulation import simulate
from sim.truth import predictions
from sim.truth.accuracy import accuracy, errors
from sim.truth.recorded import RecordedFigures, simulated

Progress = Callable[[float], None]

RECORDED: Final = ("hbsteady", "garbage64")
"""Configs of the programs whose recorded runs are in `logs`."""
SHIPPED: Final = "validation.csv"
SHIPPED_SETS: Final = "workloads.yaml"
SHIPPED_MACHINE: Final = "avx512-x86-64"
"""The shipped profile that was measured on the kind of machine of the real runs."""
COLUMNS: Final = (
    "model",
    "evidence",
    "program",
    "gomaxprocs",
    "gogc",
    "gomemlimit",
    "figure",
    "real",
    "simulated",
    "error",
    "spread",
)
SETTINGS: Final = ("gomaxprocs", "gogc", "gomemlimit")
KEYS: Final = ("evidence", "figure")


class Sources(NamedTuple):
    """Where real figures are: the folder `data`, and folders of recorded logs."""

    data: Path
    logs: tuple[Path, ...]


def evaluate(sources: Sources, progress: Progress | None = None) -> pd.DataFrame:
    """A row per real setting and figure; the columns are COLUMNS, sizes in bytes, times in seconds.

    `error` is relative, `spread` by how much real repetitions differ (NaN where there was one), and
    `model` the hash of the simulator's contents. Deterministic. UserError for a missing source.
    """
    steps = [_recorded, _shipped, *(_predicted(folder) for folder in sources.logs)]
    tables = []
    for count, step in enumerate(steps, 1):
        tables.append(step(sources))
        if progress is not None:
            progress(count / len(steps))
    table = pd.concat(tables, ignore_index=True).assign(model=simulator())
    return table[list(COLUMNS)].astype(dict.fromkeys(SETTINGS, str))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """By evidence and figure: settings, median and 90th percentile of the error, mean spread."""
    parts = []
    for evidence, rows in table.groupby("evidence", sort=False):
        spread = rows.groupby("figure", sort=False)["spread"].mean()
        found = errors(rows)[["settings", "median_error", "p90_error"]].assign(spread=spread)
        parts.append(found.reset_index().assign(evidence=evidence))
    whole = pd.concat(parts, ignore_index=True)
    whole = whole[[*KEYS, "settings", "median_error", "p90_error", "spread"]]
    unknown = whole.groupby("figure")["spread"].transform("max")
    return whole.assign(spread=whole["spread"].fillna(unknown)).round(4)


def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """The rows of two summaries that differ; `worse` where a median error grew beyond the spread.

    Where real runs were made once, the spread is that of the same figure elsewhere.
    """
    both = before.merge(after, on=list(KEYS), how="outer", suffixes=("_before", ""), sort=False)
    worse = ~(both["median_error"] - both["median_error_before"] <= both["spread"])
    both["worse"] = worse & both["median_error_before"].notna()
    differ = (both["median_error"] != both["median_error_before"]) | (
        both["p90_error"] != both["p90_error_before"]
    )
    columns = ["median_error_before", "median_error", "p90_error_before", "p90_error", "spread"]
    return both.loc[differ, [*KEYS, *columns, "worse"]]


def _recorded(sources: Sources) -> pd.DataFrame:
    configs = [examples("configs")[name] for name in RECORDED]
    return accuracy(configs, sources.logs[0]).assign(evidence="recorded")


def _shipped(sources: Sources) -> pd.DataFrame:
    real = pd.read_csv(sources.data / SHIPPED, dtype={"gomaxprocs": str, "gogc": str})
    sets = yaml.safe_load((sources.data / SHIPPED_SETS).read_text(encoding="utf-8"))
    settings = real[["program", "gomaxprocs", "gogc"]].drop_duplicates()
    tasks = [
        joblib.delayed(_figures)(row.program, row.gomaxprocs, row.gogc, sets[row.program])
        for row in settings.itertuples()
    ]
    found = pd.DataFrame(joblib.Parallel(n_jobs=-1)(tasks), index=settings.index)
    keys = [*settings.columns]
    values = settings.join(found).melt(keys, var_name="figure", value_name="simulated")
    table = real.drop(columns="simulated").merge(values, on=[*keys, "figure"])
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(table["real"] > 0, table["simulated"] / table["real"] - 1, np.nan)
    return table.assign(evidence="shipped", error=error)


def _figures(name: str, gomaxprocs: str, gogc: str, sets: Sequence[str]) -> RecordedFigures:
    settings = [f"machine={SHIPPED_MACHINE}", f"GOMAXPROCS={gomaxprocs}", f"GOGC={gogc}"]
    return simulated(simulate(load(examples("workloads")[name], [*sets, *settings])))


def _predicted(folder: Path) -> Callable[[Sources], pd.DataFrame]:
    def check(_: Sources) -> pd.DataFrame:
        table = predictions.check(folder)
        names = {"procs": "gomaxprocs", "predicted": "simulated"}
        table = table[~table["in_sample"]].rename(columns=names)
        short = table["figure"].str.replace("_(bytes|seconds)$", "", regex=True)
        return table.assign(evidence="predicted", figure=short)

    return check

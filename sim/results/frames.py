"""Figures and tables of several runs as one DataFrame."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from sim.results.summary import summary
from sim.units import Figure

if TYPE_CHECKING:
    from sim.results.result import Result


def summary_frame(runs: Mapping[str, Result]) -> pd.DataFrame:
    """The headline figures, one run a row; units in `attrs`.

    In front are what the run's sweep varied, its seed, workload and status.
    """
    figures = {name: summary(run) for name, run in runs.items()}
    numbers = pd.DataFrame.from_dict(
        {name: found.numbers() for name, found in figures.items()}, orient="index"
    )
    chosen = settings_frame(runs)
    for key in ("workload", "status"):
        chosen[key] = [str(run.run[key]) for run in runs.values()]
    frame = pd.concat([chosen, numbers.loc[chosen.index]], axis=1)
    frame.attrs["units"] = {
        key: figure.unit for found in figures.values() for key, figure in found.items()
    }
    return frame


def with_units(figures: pd.DataFrame) -> pd.DataFrame:
    """A summary frame for people: every figure is a text with its unit, empty where unknown."""
    units = figures.attrs["units"]
    texts = {
        key: ["" if math.isnan(value) else str(Figure(value, unit)) for value in figures[key]]
        for key, unit in units.items()
    }
    return figures.assign(**texts)


def table_frame(runs: Mapping[str, Result], name: str) -> pd.DataFrame:
    """A table of all runs, such as `cycles`; the settings and seed of each run in front."""
    frames = {run: getattr(found, name) for run, found in runs.items()}
    rows = pd.concat(frames, names=["run"]).reset_index("run")
    chosen = rows[["run"]].join(settings_frame(runs), on="run").drop(columns="run")
    table: pd.DataFrame = pd.concat([chosen, rows.drop(columns="run")], axis=1)
    table = table.reset_index(drop=True)
    table.attrs = next(iter(frames.values())).attrs
    return table


def settings_frame(runs: Mapping[str, Result]) -> pd.DataFrame:
    """A row per run: what was varied, as numbers where all values are, and its seed.

    Where a folder holds several sweeps, what one of them did not vary is as its config has it.
    """
    varied = list(dict.fromkeys(key for run in runs.values() for key in run.settings))
    rows = {
        name: {
            **{key: run.settings.get(key, _configured(run, key)) for key in varied},
            "seed": run.run["seed"],
        }
        for name, run in runs.items()
    }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    numbers = frame.apply(pd.to_numeric, errors="coerce")
    whole = numbers.columns[numbers.notna().eq(frame.notna()).all()]
    frame[whole] = numbers[whole]
    return frame


def _configured(run: Result, key: str) -> str | None:
    """The value of a key in the config of a run, as it would be typed; None if it is not there."""
    value: object = run.config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    match value:
        case dict() if list(value.values()) == [{}]:  # a policy without parameters
            return str(next(iter(value)))
        case str() | int() | float():
            return str(value)
        case _:
            return None

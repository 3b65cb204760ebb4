"""How near simulated runs come to recorded runs of the same program under the same settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import joblib
import numpy as np
import pandas as pd

from sim.config import load
from sim.errors import UserError, nearest
from sim.results.names import words
from sim.simulation import simulate
from sim.truth.recorded import (
    SCALE,
    UNITS,
    RecordedFigures,
    RecordedSetting,
    median_figures,
    read_recorded,
    simulated,
)

SEEDS: Final = (1, 2)
FEW: Final = 10
"""Below so many cycles, or MiB of heap, an error of one counts as none: logs tell whole ones."""
WHOLE: Final = {"gc_cycles": 1.0, "peak_heap": SCALE["MiB"], "marked_heap": SCALE["MiB"]}
"""What one is of the figures that logs tell in whole numbers."""


def accuracy(
    configs: Sequence[Path],
    folder: Path,
    sets: Sequence[str] = (),
    progress: Callable[[float], None] | None = None,
    seeds: Sequence[int] = SEEDS,
) -> pd.DataFrame:
    """Simulate each config under every setting that was recorded of its workload.

    A row per setting and figure: `real` and `simulated` (medians over repetitions and seeds),
    `error` (relative; NaN where nothing was to be seen), and `spread`, by how much the real
    repetitions differ among themselves.
    Raises UserError where nothing was recorded of a workload.
    """
    recorded = read_recorded(folder)
    points = [
        (path, setting) for path in configs for setting in _settings_of(path, recorded, folder)
    ]
    seeded = [(path, setting, seed) for path, setting in points for seed in seeds]
    tasks = (
        joblib.delayed(_simulate)(path, setting, seed, median_figures(recorded[setting]), sets)
        for path, setting, seed in seeded
    )
    runs: dict[tuple[Path, RecordedSetting], list[RecordedFigures]] = {}
    done = joblib.Parallel(n_jobs=-1, return_as="generator")(tasks)
    for count, ((path, setting, _), figures) in enumerate(zip(seeded, done, strict=True), 1):
        runs.setdefault((path, setting), []).append(figures)
        if progress is not None:
            progress(count / len(seeded))
    return pd.DataFrame(
        row
        for (_, setting), found in runs.items()
        for row in compared(setting, recorded[setting], found)
    )


def errors(table: pd.DataFrame) -> pd.DataFrame:
    """By figure: median and 90th percentile of the absolute error, and of the spread of real runs.

    One cycle, or one MiB of heap, more or less is no error where there are fewer than ten.
    """
    off = table.assign(error=table["error"].abs())
    one = off["figure"].map(WHOLE)
    few = (off["real"] < FEW * one) & ((off["simulated"] - off["real"]).abs() <= one)
    off.loc[few, "error"] = 0.0
    groups = off.groupby("figure", sort=False)
    return pd.DataFrame(
        {
            "settings": groups["error"].count(),
            "median_error": groups["error"].median(),
            "p90_error": groups["error"].quantile(0.9),
            "median_real_spread": groups["spread"].median(),
            "p90_real_spread": groups["spread"].quantile(0.9),
        }
    )


def _settings_of(
    path: Path, recorded: dict[RecordedSetting, list[RecordedFigures]], folder: Path
) -> list[RecordedSetting]:
    program = load(path).workload
    settings = [setting for setting in recorded if setting.program == program]
    if not settings:
        programs = {setting.program for setting in recorded}
        raise UserError(
            f"{folder}: nothing was recorded of the workload {program!r} of {path}"
            f"{nearest(program, programs)}"
        )
    return settings


def _simulate(
    path: Path, setting: RecordedSetting, seed: int, real: RecordedFigures, sets: Sequence[str]
) -> RecordedFigures:
    """One run; a service is simulated for as long as the real one was observed."""
    settings = [
        f"GOMAXPROCS={setting.gomaxprocs}",
        f"GOGC={setting.gogc}",
        f"GOMEMLIMIT={setting.gomemlimit}",
        f"seed={seed}",
    ]
    if not np.isnan(real.latency_p50):
        settings.append(f"duration={real.wall}s")
    return simulated(simulate(load(path, [*sets, *settings])))


def compared(
    setting: RecordedSetting,
    repetitions: Sequence[RecordedFigures],
    found: Sequence[RecordedFigures],
) -> Iterator[dict[str, object]]:
    """A row per figure of one setting; see `accuracy`."""
    real, ours = median_figures(repetitions), median_figures(found)
    for figure in RecordedFigures._fields:
        truth, value = getattr(real, figure), getattr(ours, figure)
        if np.isnan(truth):
            continue
        values = [getattr(run, figure) for run in repetitions]
        yield {
            **setting._asdict(),
            "figure": figure,
            "real": truth,
            "simulated": value,
            "error": value / truth - 1 if truth else np.nan,
            "spread": _spread(values, truth),
            "repetitions": len(repetitions),
        }


def _spread(values: Sequence[float], truth: float) -> float:
    """By how much repetitions differ, in relation; a single run does not tell."""
    if len(values) == 1:
        return np.nan
    return (max(values) - min(values)) / truth if truth else 0.0


def errors_markdown(table: pd.DataFrame) -> str:
    """`errors` for people."""
    shown = errors(table).rename(columns=words, index=words).rename_axis("figure")
    return shown.to_markdown(floatfmt=("", ".0f", ".1%", ".1%", ".1%", ".1%"))


def markdown(table: pd.DataFrame) -> str:
    """The table for people: a section per figure, in handy units."""
    sections = []
    for figure, rows in table.groupby("figure", sort=False):
        name = str(figure)
        unit = UNITS[name]
        shown = pd.DataFrame(
            {
                "program": rows["program"],
                "GOMAXPROCS": rows["gomaxprocs"],
                "GOGC": rows["gogc"],
                "GOMEMLIMIT": rows["gomemlimit"],
                "real": (rows["real"] / SCALE[unit]).map("{:.4g}".format),
                "simulated": (rows["simulated"] / SCALE[unit]).map("{:.4g}".format),
                "error": rows["error"].map("{:+.1%}".format),
                "real spread": rows["spread"].map("{:.1%}".format).replace("nan%", ""),
            }
        )
        title = f"{name} [{unit}]" if unit else name
        text = shown.to_markdown(index=False, disable_numparse=True)
        sections.append(f"\n### {title}\n\n{text}")
    return "\n".join(sections)

"""Is the replay of a log nearer to real runs than its fitted workload in the fluid mode?

`python benchmarks/replay_or_workload.py` fits recorded programs from their first log at GOGC=100,
predicts all other recorded settings both ways, and writes the table of docs/replay.md.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import pandas as pd

from sim.advice.prediction import predict
from sim.advice.report import variables
from sim.config import load
from sim.config.machine import load_profile
from sim.errors import ModelError, UserError
from sim.fitting.fit import Fit
from sim.fitting.fit_log import fit_log
from sim.fitting.workload import Container, to_yaml
from sim.machine.profile import DEFAULT
from sim.replay import setting as replay
from sim.replay.program import Load
from sim.simulation import simulate
from sim.truth.predictions import amount_of, as_predicted
from sim.truth.recorded import (
    RecordedFigures,
    RecordedRun,
    RecordedSetting,
    median_figures,
    real_figures,
    recorded_runs,
    simulated,
)
from sim.units import SECOND

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "replay.md"
BEGIN: Final = "<!-- begin: benchmarks/replay_or_workload.py -->"
FOLDERS: Final = ("real", "real-more", "real-apps")
FIGURES: Final = {
    "gc_cycles": "gc_cycles",
    "peak_heap": "peak_heap_bytes",
    "gc_cpu": "gc_cpu_seconds",
    "peak_rss": "peak_rss_bytes",
}
FEW: Final = 10
LONGEST: Final = 60


class Row(NamedTuple):
    """One figure of one setting."""

    folder: str
    program: str
    setting: str
    figure: str
    real: float
    replayed: float
    workload: float
    replay_cpu: float
    workload_cpu: float


def as_fluid(fit: Fit, setting: replay.Setting) -> RecordedFigures | None:
    """The fitted workload in the fluid mode; None where it cannot be run."""
    seconds = float(fit.observed.at[fit.measured][-1]) / SECOND  # noqa: PD008
    duration = LONGEST if fit.program.load is Load.BUSY else max(1.0, seconds)
    sets = [f"{key}={value}" for key, value in variables(setting).items()]
    with TemporaryDirectory() as name:
        folder = Path(name)
        text = to_yaml(fit, "a log", load_profile(DEFAULT), Container())
        (folder / "fitted.yaml").write_text(text, encoding="utf-8")
        run = folder / "run.yaml"
        config = f"workload: ./fitted.yaml\nduration: {duration}s\nmodel: {{detail: fluid}}\n"
        run.write_text(config, encoding="utf-8")
        try:
            return simulated(simulate(load(run, sets)))
        except (UserError, ModelError):
            return None


def rows(folder: str, programs: list[str]) -> Iterator[Row]:
    """Every held-out setting of every program of a folder."""
    runs = recorded_runs(ROOT / "tests" / "golden" / folder)
    logs = {
        run.setting[:2]: run
        for run in reversed(runs)
        if (run.setting.gogc, run.setting.gomemlimit) == ("100", "off")
    }
    for key, log in logs.items():
        if programs and log.setting.program not in programs:
            continue
        fit = fit_log(log.log, gogc=100, rss=_rss(log))
        settings = {run.setting for run in runs if run.setting[:2] == key} - {log.setting}
        for setting in sorted(settings):
            print(folder, *setting, flush=True)
            real = [run for run in runs if run.setting == setting]
            yield from _both(folder, fit, log, real, setting)


def _rss(log: RecordedRun) -> str:
    return f"{round(real_figures(log).peak_rss)}B"


def _both(
    folder: str, fit: Fit, log: RecordedRun, runs: list[RecordedRun], setting: RecordedSetting
) -> Iterator[Row]:
    real = median_figures([real_figures(run) for run in runs])
    amount = median(amount_of(run, log, fit.program.load) for run in runs)
    begin = time.process_time()
    (found,) = predict(fit, [as_predicted(setting)])
    middle = time.process_time()
    fluid = as_fluid(fit, as_predicted(setting))
    end = time.process_time()
    for figure, name in FIGURES.items():
        factor = amount if figure in {"gc_cycles", "gc_cpu"} else 1.0
        yield Row(
            folder,
            f"{setting.program}, {setting.gomaxprocs} Ps",
            f"GOGC={setting.gogc} GOMEMLIMIT={setting.gomemlimit}",
            figure,
            getattr(real, figure) / factor,
            getattr(found.middle, name),
            math.nan if fluid is None else getattr(fluid, figure),
            middle - begin,
            end - middle,
        )


def _error(row: Row, found: float) -> float:
    if row.figure == "gc_cycles" and row.real < FEW and abs(round(found) - row.real) <= 1:
        return 0.0
    return abs(found / row.real - 1)


def table(found: list[Row]) -> str:
    """Median and 90th percentile of the errors, and the cost."""
    known = [row for row in found if row.real > 0 and not math.isnan(row.workload)]
    frame = pd.DataFrame(
        {
            "recordings": row.folder,
            "figure": row.figure.replace("_", " "),
            "replay": _error(row, row.replayed),
            "workload": _error(row, row.workload),
        }
        for row in known
    )
    groups = frame.groupby(["figure", "recordings"], sort=False)
    shown = pd.DataFrame(
        {
            "predictions": groups["replay"].count().astype(str),
            "replay, median": groups["replay"].median(),
            "replay, p90": groups["replay"].quantile(0.9),
            "fitted workload, median": groups["workload"].median(),
            "fitted workload, p90": groups["workload"].quantile(0.9),
        }
    )
    cost = pd.DataFrame(found)[["replay_cpu", "workload_cpu"]].median()
    failed = sum(math.isnan(row.workload) for row in found) // len(FIGURES)
    costs = (
        f"CPU time of a setting, median: {cost['replay_cpu']:.2f} s for the replay, which makes the"
        f" interval by 20 runs as well, {cost['workload_cpu']:.2f} s for one run of the workload"
        f" without one. {failed} settings could not be run as a workload."
    )
    return f"{shown.reset_index().to_markdown(index=False, floatfmt='.1%')}\n\n{costs}"


if __name__ == "__main__":
    folders = [name for name in sys.argv[1:] if name in FOLDERS] or list(FOLDERS)
    only = [name for name in sys.argv[1:] if name not in FOLDERS]
    text = table([row for folder in folders for row in rows(folder, only)])
    print(text)
    if not only:
        before = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n", encoding="utf-8")

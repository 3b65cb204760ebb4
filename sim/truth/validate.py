"""Twin and simulator side by side: the same workload, the same settings, real and simulated."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

import joblib
import numpy as np
import pandas as pd

from sim.config import RunConfig, load
from sim.simulation import simulate
from sim.truth.accuracy import compared
from sim.truth.recorded import Figures, Setting, read_recorded, simulated
from sim.truth.toolchain import chosen_go, go_version
from sim.truth.twin import build_twin, run_twin, twin_spec

GRID: Final[Mapping[str, tuple[str, ...]]] = {
    "GOMAXPROCS": ("1", "2"),
    "GOGC": ("50", "100", "200", "400"),
}
"""Settings under which a workload is validated unless others are asked for."""
TABLE: Final = "validation.parquet"
Report = Callable[[float], None]


class Point(NamedTuple):
    """One workload under one setting."""

    setting: Setting
    config: RunConfig


def validate(
    sources: Sequence[Path],
    *,
    out: Path,
    grid: Mapping[str, Sequence[str]] = GRID,
    sets: Sequence[str] = (),
    repetitions: int = 3,
    go: Path | None = None,
    progress: Report | None = None,
) -> pd.DataFrame:
    """Run each config, or workload, for real and simulated under all settings of a grid.

    `go` is the command of the Go to compare with, whose version the simulator takes; without it the
    Go that is installed.

    The logs of the real runs stay in `out`, with the table: a row per setting and figure, as
    `sim.truth.accuracy` has it. Real runs come one after the other, and nothing beside them; those
    that `out` has of the same program and settings are not repeated. UserError if there is no Go.
    """
    command = chosen_go(go)
    points = list(_points(sources, grid, (f"go={go_version(command)}", *sets)))
    twin = build_twin(command)
    out.mkdir(parents=True, exist_ok=True)
    runs = [(point, turn) for turn in range(repetitions) for point in points]
    for done, (point, turn) in enumerate(runs, start=1):
        _measure(twin, point, out / f"{_stem(point.setting)}.r{turn}.gctrace")
        if progress:
            progress(0.9 * done / len(runs))
    recorded = read_recorded(out)
    table = pd.DataFrame(
        row
        for point, found in zip(points, _simulated(points), strict=True)
        for row in compared(point.setting, recorded[point.setting], [found])
    )
    table.to_parquet(out / TABLE)
    return table


def cpu_wait(out: Path) -> float:
    """How much of the time threads of the real runs waited for a CPU that others had: the median.

    On a quiet machine it is a few percent at most; above that, times and latencies of the real runs
    are those of a machine that others use.
    """
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*.json")]
    return float(np.median([run.get("cpu_wait_s", np.nan) / run["wall_s"] for run in runs]))


def _measure(twin: Path, point: Point, log: Path) -> None:
    """Run the twin unless this was done: the digest beside the log tells what was run."""
    told = json.dumps([twin_spec(point.config), point.setting, twin.parent.name], sort_keys=True)
    digest = hashlib.sha256(told.encode()).hexdigest()
    done = log.with_suffix(".sha256")
    if not (done.is_file() and done.read_text(encoding="utf-8") == digest):
        run_twin(twin, point.config, log)
        done.write_text(digest, encoding="utf-8")


def _points(
    sources: Sequence[Path], grid: Mapping[str, Sequence[str]], sets: Sequence[str]
) -> Iterator[Point]:
    for source in sources:
        for values in product(*grid.values()):
            settings = [f"{key}={value}" for key, value in zip(grid, values, strict=True)]
            config = load(_run_of(source), [*sets, *settings])
            yield Point(_setting(source, settings, config), config)


def _run_of(source: Path) -> Path | dict[str, str]:
    """A workload file alone is a run of its own."""
    text = source.read_text(encoding="utf-8") if source.is_file() else ""
    if re.search(r"^goroutines:", text, re.MULTILINE):
        return {"workload": str(source.resolve())}
    return source


def _setting(source: Path, settings: Sequence[str], config: RunConfig) -> Setting:
    given = dict(text.split("=", 1) for text in settings)
    return Setting(
        program=source.stem,
        gomaxprocs=str(config.gomaxprocs),
        gogc=given.get("GOGC", "off" if config.gc_percent < 0 else str(config.gc_percent)),
        gomemlimit=given.get("GOMEMLIMIT", "off"),
    )


def _stem(setting: Setting) -> str:
    limit = "none" if setting.gomemlimit == "off" else setting.gomemlimit
    return f"{setting.program}.p{setting.gomaxprocs}.gogc{setting.gogc}.lim{limit}"


def _simulated(points: Sequence[Point]) -> list[Figures]:
    tasks = (joblib.delayed(_simulate)(point.config) for point in points)
    return list(joblib.Parallel(n_jobs=-1)(tasks))


def _simulate(config: RunConfig) -> Figures:
    return simulated(simulate(config))

"""How near predictions from one log come to recorded runs under other settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import pandas as pd

from sim.advice.guide import guide
from sim.advice.prediction import DRAWS, SEEDS, predict
from sim.errors import UserError
from sim.fitting.fit_log import fit_log
from sim.fitting.settings import name_gogc, name_limit
from sim.quantities import GOGC, GOMAXPROCS, GOMEMLIMIT
from sim.replay import setting as replay
from sim.replay.program import Load
from sim.truth.recorded import (
    RecordedFigures,
    RecordedRun,
    RecordedSetting,
    real_figures,
    recorded_facts,
    recorded_runs,
)
from sim.units import MiB

LOGGED_GOGC: Final = "100"
FEW_CYCLES: Final = 10
"""Below that many cycles, an error of one cycle counts as none."""
TARGETS: Final = {
    "gc_cycles": (0.05, 0.15),
    "peak_heap_bytes": (0.05, 0.15),
    "gc_cpu_seconds": (0.10, 0.25),
    "peak_rss_bytes": (0.05, 0.15),
}
"""Median and 90th percentile that the errors are meant to stay within."""
_FIGURES: Final = {
    "gc_cycles": ("GC cycles", 1.0),
    "peak_heap_bytes": ("peak heap MiB", float(MiB)),
    "gc_cpu_seconds": ("GC CPU s", 1.0),
    "peak_rss_bytes": ("peak RSS MiB", float(MiB)),
}
_RECORDED_AS: Final = dict(
    zip(_FIGURES, ("gc_cycles", "peak_heap", "gc_cpu", "peak_rss"), strict=True)
)
_PROPORTIONAL: Final = ("gc_cycles", "gc_cpu_seconds")
"""Figures that grow with the work, or the time, of a run."""
_INTRODUCTION: Final = (
    "Every recorded program is fitted from each of its logs at GOGC=100 without a limit, and from"
    " that and its largest resident memory alone (`--rss`) all its other settings under the same"
    " GOMAXPROCS are predicted. The model was developed with these programs, but for those that"
    " README.md of the folder names: settings are held out, programs are not. The errors of the"
    " interactive model of the official GC guide, from the same log, stand beside them. This is the"
    " output of `gomemsim whatif --check FOLDER --quiet`."
)
_LEGEND: Final = (
    "Real values are medians over repetitions. `in sample` marks the setting of the log itself,"
    " which is not counted. `real runs` is by how much repetitions of the real program differ among"
    " themselves. `amount` is by what factor the real runs were longer than the log: of a busy"
    " program in units of work that it did, of one that waits for load in time. Predictions are for"
    " the same amount as in the log, and real cycles and GC CPU are brought to it in proportion."
)


def check(
    folder: Path,
    seed: int = 1,
    progress: Callable[[float], None] | None = None,
    seeds: int = SEEDS,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Predict every recorded setting of a program and GOMAXPROCS from its log at GOGC=100.

    A row per log, setting and figure; real values are medians over repetitions. The log's own
    setting is in sample: it says how well the log is reproduced, not how well others are predicted.
    """
    runs = recorded_runs(folder)
    logs = [run for run in runs if _is_source(run)]
    if not logs:
        raise UserError(f"{folder}: there is no log at GOGC=100 without a limit to predict from")
    rows = []
    for count, log in enumerate(logs, 1):
        rows += _rows(log, [run for run in runs if _same_program(run, log)], seed, seeds, draws)
        if progress is not None:
            progress(count / len(logs))
    return pd.DataFrame(rows)


def _is_source(run: RecordedRun) -> bool:
    return (run.setting.gogc, run.setting.gomemlimit) == (LOGGED_GOGC, "off")


def _same_program(run: RecordedRun, log: RecordedRun) -> bool:
    return run.setting[:2] == log.setting[:2]


def _rows(
    log: RecordedRun, runs: list[RecordedRun], seed: int, seeds: int, draws: int
) -> list[dict[str, object]]:
    resident = real_figures(log).peak_rss
    rss = None if math.isnan(resident) else f"{round(resident)}B"
    fit = fit_log(log.log, gogc=LOGGED_GOGC, rss=rss)
    repeated = {
        setting: [_Real(real_figures(run), amount_of(run, log, fit.program.load)) for run in group]
        for setting, group in groupby(runs, key=lambda run: run.setting)
    }
    rows: list[dict[str, object]] = []
    predictions = predict(fit, map(as_predicted, repeated), seed, seeds, draws)
    for (setting, found), prediction in zip(repeated.items(), predictions, strict=True):
        simple = guide(fit, prediction.setting)
        for figure in _FIGURES:
            truth = median(run.of_the_log(figure) for run in found)
            middle = getattr(prediction.middle, figure)
            recorded = median(run.recorded(figure) for run in found)
            rows.append(
                {
                    "program": setting.program,
                    "procs": prediction.setting.procs,
                    "repetition": log.repetition,
                    "gogc": name_gogc(prediction.setting.gogc),
                    "gomemlimit": name_limit(prediction.setting.memory_limit),
                    "in_sample": setting == log.setting,
                    "load": fit.program.load.value,
                    "amount": sum(run.amount for run in found) / len(found),
                    "figure": figure,
                    "real": truth,
                    "predicted": middle,
                    "low": getattr(prediction.low, figure),
                    "high": getattr(prediction.high, figure),
                    "error": _error(figure, middle, truth),
                    "error_as_recorded": _error(figure, middle, recorded),
                    "spread": _spread([run.of_the_log(figure) for run in found]),
                    "guide": getattr(simple, figure),
                    "guide_error": _error(figure, getattr(simple, figure), truth),
                }
            )
    return rows


class _Real(NamedTuple):
    """A real run, and how much it did or how long it took, relative to the log."""

    figures: RecordedFigures
    amount: float

    def recorded(self, figure: str) -> float:
        return float(getattr(self.figures, _RECORDED_AS[figure]))

    def of_the_log(self, figure: str) -> float:
        """Brought to the amount of the log in proportion."""
        return self.recorded(figure) / (self.amount if figure in _PROPORTIONAL else 1.0)


def as_predicted(setting: RecordedSetting) -> replay.Setting:
    return replay.Setting(
        GOGC.read(setting.gogc),
        GOMEMLIMIT.read(setting.gomemlimit),
        GOMAXPROCS.read(setting.gomaxprocs),
    )


def amount_of(run: RecordedRun, log: RecordedRun, load: Load) -> float:
    """1 where nobody recorded it."""
    key = "n" if load is Load.BUSY else "wall_s"
    amount, logged = (recorded_facts(one).get(key) for one in (run, log))
    return float(amount / logged) if amount and logged else 1.0


def _spread(values: list[float]) -> float:
    """By how much repetitions differ, relative to their middle; NaN for a single run."""
    if len(values) == 1:
        return math.nan
    middle = sum(values) / len(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def _error(figure: str, predicted: float, actual: float) -> float:
    if figure == "gc_cycles" and actual < FEW_CYCLES and abs(round(predicted) - actual) <= 1:
        return 0.0
    return float(predicted / actual - 1) if actual else 0.0 if predicted == 0 else float("inf")


def errors(table: pd.DataFrame) -> pd.DataFrame:
    """By figure: median and 90th percentile of the absolute error over held-out settings."""
    held_out = table[~table["in_sample"] & table["real"].notna()]
    absolute = held_out.assign(
        error=held_out["error"].abs(), guide_error=held_out["guide_error"].abs()
    )
    absolute["covered"] = absolute["real"].between(absolute["low"], absolute["high"])
    groups = absolute.groupby("figure", sort=False)
    return pd.DataFrame(
        {
            "predictions": groups["error"].count().astype(str),
            "median error": groups["error"].median(),
            "p90 error": groups["error"].quantile(0.9),
            "GC guide, median": groups["guide_error"].median(),
            "GC guide, p90": groups["guide_error"].quantile(0.9),
            "real runs, median": groups["spread"].median(),
            "real runs, p90": groups["spread"].quantile(0.9),
            "inside the interval": groups["covered"].mean(),
        }
    )


def as_recorded(table: pd.DataFrame) -> pd.DataFrame:
    """The same, held against totals of the real runs however long they were."""
    return table.assign(error=table["error_as_recorded"])


def verdict(table: pd.DataFrame) -> str:
    """One line: which figure keeps its target."""
    found = errors(table)
    return "; ".join(
        _against(figure, float(found["median error"][figure]), float(found["p90 error"][figure]))
        for figure in TARGETS
    )


def _against(figure: str, middle: float, tail: float) -> str:
    most_middle, most_tail = TARGETS[figure]
    word = "pass" if middle <= most_middle and tail <= most_tail else "FAIL"
    numbers = f"{middle:.1%} of {most_middle:.0%}, {tail:.1%} of {most_tail:.0%}"
    return f"{_FIGURES[figure][0]} {word} ({numbers})"


def report(table: pd.DataFrame) -> str:
    """The errors and every prediction, as Markdown."""
    parts = [
        "# What if: how near predictions from one log come",
        _INTRODUCTION,
        "## Errors of held-out predictions",
        _errors_markdown(table),
        f"Targets, median and 90th percentile: {verdict(table)}.",
        (
            "Held against totals of the real runs as recorded, however much they did or however"
            f" long they took: {verdict(as_recorded(table))}."
        ),
        _LEGEND,
    ]
    for (program, procs), rows in table.groupby(["program", "procs"], sort=False):
        parts += [f"## {program}, GOMAXPROCS={procs} ({rows['load'].iloc[0]})", _markdown(rows)]
    return "\n\n".join(parts)


def _errors_markdown(table: pd.DataFrame) -> str:
    titles = {name: title for name, (title, _) in _FIGURES.items()}
    found = errors(table).rename(index=titles)
    return found.to_markdown(floatfmt=".1%").replace("nan%", "    ")


def _both(error: float, guide_error: float) -> str:
    return f"{error:+.0%}" + ("" if math.isnan(guide_error) else f" ({guide_error:+.0%})")


def _markdown(rows: pd.DataFrame) -> str:
    keys = ["repetition", "gogc", "gomemlimit"]
    shown = []
    for _, group in rows.groupby(keys, sort=False):
        first = group.iloc[0]
        line: dict[str, object] = {
            "log": f"r{first['repetition']}",
            "GOGC": first["gogc"],
            "GOMEMLIMIT": first["gomemlimit"],
            "": "in sample" if first["in_sample"] else "held out",
            "amount": f"{first['amount']:.2f}",
        }
        for row in group.to_dict("records"):
            title, unit = _FIGURES[row["figure"]]
            line[title] = f"{row['predicted'] / unit:.3g} / {row['real'] / unit:.3g}"
            line[f"{title} error"] = _both(row["error"], row["guide_error"])
        shown.append(line)
    table = pd.DataFrame(shown)
    return (
        "Predicted / real, and in brackets the error of the GC guide's model.\n\n"
        + table.rename(
            columns={f"{title} error": "error" for title, _ in _FIGURES.values()}
        ).to_markdown(index=False, disable_numparse=True)
    )

"""The runs of a grid side by side: what each setting costs, and which are worth having.

Source of the intervals: Hahn and Meeker, "Statistical Intervals", 1991, chapter 5 (the median
between two order statistics).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.special import bdtr

from sim.errors import UserError
from sim.experiment.point import Point, Settings
from sim.record.facts import Status
from sim.record.parquet import is_sealed
from sim.record.places import Place
from sim.results.compare import CONFIDENCE, Interval, paired_difference
from sim.results.load import load_run
from sim.results.result import Result
from sim.results.summary import Summary, summary

BATCH: Final = "simulated"
"""How long a batch took; told if it is not the same for all, as where a duration is given."""
FIGURES: Final = (
    ("peak_rss", "peak_heap"),
    ("gc_cpu",),
    ("latency_p99", BATCH),
    ("throughput",),
)
"""What is shown, the first of each group that all runs have."""
TRADED: Final = 3
"""The first groups are better when they are less, and are traded for each other."""


NOTHING: Final = Interval(math.nan, math.nan, math.nan)


class Cell(NamedTuple):
    """One figure under one setting."""

    median: Interval
    change: Interval
    """Mean of the paired differences to the baseline, relative to the baseline's mean."""

    @property
    def significant(self) -> bool:
        """Whether the difference to the baseline is surely none of chance."""
        return self.change.low > 0 or self.change.high < 0


class Row(NamedTuple):
    """One setting."""

    settings: Settings
    cells: Mapping[str, Cell]
    optimal: bool
    """No other setting is better in one traded figure and at least as good in the others."""
    baseline: bool
    verdict: str
    """What befell its runs, such as `oom-killed 2 of 5`; empty if all came to their end."""


class Comparison(NamedTuple):
    """All settings of a grid."""

    rows: list[Row]
    units: Mapping[str, str]
    confidence: float
    """With which the interval of a median holds it; 0.0 if one seed does not tell."""


def median_interval(values: Sequence[float]) -> tuple[Interval, float]:
    """The median, bounds among the values, and the confidence with which they hold the true one.

    The narrowest pair of order statistics that reaches CONFIDENCE; below six values the extremes,
    with less. No distribution is assumed.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    count = len(ordered)
    # With the k smallest and k largest left out, the true median is missed with 2 P(X <= k).
    misses = [2 * float(bdtr(k, count, 0.5)) for k in range((count + 1) // 2)]
    k = max((k for k, miss in enumerate(misses) if miss <= 1 - CONFIDENCE), default=0)
    value = float(np.median(ordered))
    if count == 1:
        return Interval(value, math.nan, math.nan), 0.0
    return Interval(value, float(ordered[k]), float(ordered[count - 1 - k])), 1 - misses[k]


def find_baseline(settings: Sequence[Settings], named: Sequence[str]) -> Settings:
    """The setting that has the named values, such as `GOGC=100`; without names the first.

    Raises UserError unless exactly one has.
    """
    halves = [text.partition("=") for text in named]
    wanted = {key.strip(): value.strip() for key, _, value in halves}
    found = [chosen for chosen in settings if wanted.items() <= chosen.items()]
    if not found or (wanted and len(found) > 1):
        which = "; ".join(title(chosen) for chosen in (found or settings))
        raise UserError(
            f"--baseline {','.join(named)}: expected exactly one of the settings, got"
            f" {len(found)}: choose from {which}"
        )
    return found[0]


def title(settings: Settings) -> str:
    """A setting in words, such as `GOGC=50 GOMAXPROCS=4`."""
    return " ".join(f"{key}={value}" for key, value in settings.items()) or "as configured"


def compare_settings(points: Sequence[Point], folder: Place, baseline: Settings) -> Comparison:
    """The stored runs of the points, by setting; points without a run are left out.

    Raises UserError if nothing is stored.
    """
    runs = [
        (point.settings, load_run(folder / point.name))
        for point in points
        if is_sealed(folder / point.name)
    ]
    if not runs:
        raise UserError(f"{folder}: none of the runs is stored")
    return compare_runs(runs, baseline)


def compare_runs(runs: Sequence[tuple[Settings, Result]], baseline: Settings) -> Comparison:
    """At least one run, by setting. Differences pair runs with the same seed."""
    groups: dict[str, _Group] = {}
    for settings, run in runs:
        group = groups.setdefault(title(settings), _Group(settings, {}, []))
        group.figures[run.run["seed"]] = summary(run)
        group.statuses.append(run.run["status"])
    summaries = [figures for group in groups.values() for figures in group.figures.values()]
    names = _shown(summaries)
    base = groups.get(title(baseline))
    cells = {name: _cells(group, base, names) for name, group in groups.items()}
    optimal = _pareto(groups, cells)
    rows = [
        Row(group.settings, cells[name], name in optimal, group is base, _verdict(group.statuses))
        for name, group in groups.items()
    ]
    fewest = min(len(group.figures) for group in groups.values())
    units = {name: summaries[0][name].unit for name in names}
    return Comparison(rows, units, median_interval([0.0] * fewest)[1])


class _Group(NamedTuple):
    settings: Settings
    figures: dict[int, Summary]
    """By seed."""
    statuses: list[str]


def _shown(summaries: Sequence[Summary]) -> list[str]:
    def tells(name: str) -> bool:
        values = [figures[name].value for figures in summaries if name in figures]
        return len(values) == len(summaries) and (name != BATCH or len(set(values)) > 1)

    firsts = [next(filter(tells, group), None) for group in FIGURES]
    return [name for name in firsts if name is not None]


def _cells(group: _Group, base: _Group | None, names: Sequence[str]) -> dict[str, Cell]:
    return {
        name: Cell(
            median_interval([figures[name].value for figures in group.figures.values()])[0],
            _change(group, base, name) if base else NOTHING,
        )
        for name in names
    }


def _change(group: _Group, base: _Group, name: str) -> Interval:
    seeds = [seed for seed in base.figures if seed in group.figures]
    if group is base or not seeds:
        return NOTHING
    before = [base.figures[seed][name].value for seed in seeds]
    difference = paired_difference(before, [group.figures[seed][name].value for seed in seeds])
    mean = float(np.mean(before))
    return Interval(*(part / mean for part in difference)) if mean else NOTHING


def _pareto(groups: Mapping[str, _Group], cells: Mapping[str, Mapping[str, Cell]]) -> set[str]:
    """Settings all of whose runs came to their end, and which no other beats in every way."""
    traded = {
        name: np.array([cell.median.value for cell in list(cells[name].values())[:TRADED]])
        for name, group in groups.items()
        if not _verdict(group.statuses)
    }
    return {
        name
        for name, mine in traded.items()
        if not any((other <= mine).all() and (other < mine).any() for other in traded.values())
    }


def _verdict(statuses: Sequence[str]) -> str:
    ends = Counter(status for status in statuses if status != Status.COMPLETE)
    return ", ".join(f"{status} {count} of {len(statuses)}" for status, count in ends.items())

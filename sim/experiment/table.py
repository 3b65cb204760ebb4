"""The runs of a grid side by side: what each setting costs, and which are worth having.

Settings are compared within a workload, in pairs of runs with the same seed. Over several
workloads there is a geometric mean of the ratios, as benchstat has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from sim.errors import UserError
from sim.experiment.dominance import better_at
from sim.experiment.groups import (
    BATCH,
    FIGURES,
    WORKLOAD,
    Group,
    Groups,
    title,
    without_workload,
)
from sim.experiment.point import Settings
from sim.results.result import Result
from sim.results.statistics import (
    CONFIDENCE,
    UNKNOWN,
    Difference,
    Interval,
    holm,
    median_interval,
    paired_difference,
    variance_saved,
)

TRADED: Final = frozenset(name for group in FIGURES[:3] for name in group)
"""Better when they are less, and traded for each other."""
SENSES: Final[Mapping[str, tuple[str, str]]] = {
    "peak_rss": ("less memory", "more memory"),
    "peak_heap": ("less memory", "more memory"),
    "gc_cpu": ("less GC CPU", "more GC CPU"),
    "latency_p99": ("faster", "slower"),
    BATCH: ("faster", "slower"),
    "throughput": ("lower throughput", "higher throughput"),
}
"""What to call a figure that is less, and one that is more."""
SMALLEST: Final = 0.0005
"""Relative change that tables show as another one than none."""


class Cell(NamedTuple):
    """One figure under one setting."""

    median: Interval
    """Over seeds, in the unit of the figure; NaN in a mean over workloads."""
    change: Interval
    """Mean of the paired differences to the baseline, relative to the baseline's mean."""
    p: float
    """How likely such a change comes by chance anywhere in the table (Holm's correction)."""

    @property
    def holds(self) -> bool:
        """Whether the difference to the baseline is not of chance."""
        return self.p < 1 - CONFIDENCE

    def sense(self, figure: str) -> str:
        """What holds of the figure, in words; empty for what may be chance, or shows as 0.0 %."""
        seen = abs(self.change.value) >= SMALLEST
        return SENSES[figure][self.change.value > 0] if self.holds and seen else ""


class Row(NamedTuple):
    """One setting of one workload, or its mean over all workloads."""

    workload: str
    """Empty in a mean over workloads."""
    settings: Settings
    cells: Mapping[str, Cell]
    better: tuple[str, ...] | None
    """Traded figures in which it is surely better than another; None: another dominates it."""
    baseline: bool
    verdict: str
    """What befell its runs, such as `oom-killed 2 of 5`; empty if all came to their end."""

    @property
    def optimal(self) -> bool:
        """No other setting is surely better in a traded figure and surely worse in none."""
        return self.better is not None

    @property
    def senses(self) -> list[str]:
        """What holds of the setting, in words; none for what may be chance."""
        return list(filter(None, (cell.sense(name) for name, cell in self.cells.items())))


class Comparison(NamedTuple):
    """All settings of a grid."""

    rows: list[Row]
    means: list[Row]
    """Geometric means over workloads, without medians; empty if there is one workload."""
    units: Mapping[str, str]
    confidence: float
    """With which the interval of a median holds it; 0.0 if one seed does not tell."""
    tests: int
    """Differences that Holm's correction counts."""
    saved: Mapping[str, float]
    """By figure, how many times more a difference would vary with seeds of its own: the median."""

    def worth_having(self, settings: Sequence[Settings]) -> list[Settings]:
        """Those of the settings that are Pareto-optimal in at least one workload."""
        optimal = {title(row.settings) for row in self.rows if row.optimal}
        return [chosen for chosen in settings if title(without_workload(chosen)) in optimal]


def find_baseline(settings: Sequence[Settings], named: Sequence[str]) -> Settings:
    """The setting that has the named values, such as `GOGC=100`; without names the first.

    The workload is no part of it: each has its own baseline. Raises UserError unless exactly one
    setting has the values.
    """
    halves = [text.partition("=") for text in named]
    wanted = {key.strip(): value.strip() for key, _, value in halves}
    if WORKLOAD in wanted:
        raise UserError(f"--baseline {','.join(named)}: every workload has one: leave it out")
    choice = {title(chosen): chosen for chosen in map(without_workload, settings)}
    found = [chosen for chosen in choice.values() if wanted.items() <= chosen.items()]
    if not found or (wanted and len(found) > 1):
        which = "; ".join(title(chosen) for chosen in (found or choice.values()))
        raise UserError(
            f"--baseline {','.join(named)}: expected exactly one of the settings, got"
            f" {len(found)}: choose from {which}"
        )
    return found[0]


def compare_runs(runs: Sequence[tuple[Settings, Result]], baseline: Settings) -> Comparison:
    """At least one run, by workload and setting. Differences pair runs with the same seed."""
    return compare_groups(Groups(runs), baseline)


def compare_groups(groups: Groups, baseline: Settings) -> Comparison:
    """Runs by workload and setting."""
    return _Table(groups, title(without_workload(baseline))).comparison()


_Key = tuple[str, str, str]
"""Workload (empty: all of them), title of the setting, figure."""


class _Table:
    """Groups by workload and title, on their way to a comparison."""

    def __init__(self, groups: Groups, baseline: str) -> None:
        self._groups, self._baseline = groups, baseline

    def comparison(self) -> Comparison:
        changes = self._changes
        p = dict(zip(changes, holm([change.p for change in changes.values()]), strict=True))
        rows = [
            self._row(group, title(group.settings), p, better)
            for workload in self._groups.workloads
            for better in [self._better(workload, p)]
            for group in self._groups.of(workload)
        ]
        means = [self._mean_row(name, p) for name in self._groups.titles if self._has_mean]
        figures = [f for group in self._groups.values() for f in group.figures.values()]
        units = {
            name: next(found[name].unit for found in figures if name in found)
            for name in self._groups.names
        }
        fewest = min(len(group.figures) for group in self._groups.values())
        tests = sum(not math.isnan(value) for value in p.values())
        confidence = median_interval([0.0] * fewest)[1]
        return Comparison(rows, means, units, confidence, tests, self._saved())

    @property
    def _has_mean(self) -> bool:
        return len(self._groups.workloads) > 1

    @cached_property
    def _changes(self) -> dict[_Key, Difference]:
        """Relative differences to the baseline: of each workload, and their means."""
        found = {
            (workload, name, figure): _relative(group, base, figure)
            for (workload, name), group in self._groups.items()
            if (base := self._groups.get((workload, self._baseline))) and base is not group
            for figure in self._groups.shown[workload]
        }
        if self._has_mean:
            for name in self._groups.titles:
                for figure in self._groups.names:
                    found["", name, figure] = self._mean(name, figure)
        return found

    def _mean(self, name: str, figure: str) -> Difference:
        """Geometric mean of the ratios of those workloads that have the figure, pair by pair.

        Per seed it is one number, so that what workloads with one seed share does no harm.
        """
        pairs = [
            (group, base)
            for workload in self._groups.workloads
            if (group := self._groups.get((workload, name)))
            and (base := self._groups.get((workload, self._baseline)))
            and figure in self._groups.shown[workload]
        ]
        if name == self._baseline or not pairs:
            return UNKNOWN
        common = set.intersection(*(set(group.seeds(base)) for group, base in pairs))
        seeds = sorted(common)
        values = np.array([[g.values(figure, seeds), b.values(figure, seeds)] for g, b in pairs])
        if not seeds or not (values > 0).all():
            return UNKNOWN
        logs = np.log(values).mean(axis=0)
        mean, p = paired_difference(logs[1].tolist(), logs[0].tolist())
        return Difference(Interval(*(math.expm1(part) for part in mean)), p)

    def _row(
        self,
        group: Group,
        name: str,
        p: Mapping[_Key, float],
        better: Mapping[str, tuple[str, ...]],
    ) -> Row:
        cells = {}
        for figure in self._groups.shown[group.workload]:
            key = (group.workload, name, figure)
            median = median_interval(group.values(figure))[0]
            cells[figure] = Cell(median, self._changes.get(key, UNKNOWN).mean, p.get(key, math.nan))
        is_base = name == self._baseline
        return Row(group.workload, group.settings, cells, better.get(name), is_base, group.verdict)

    def _mean_row(self, name: str, p: Mapping[_Key, float]) -> Row:
        keys = {figure: ("", name, figure) for figure in self._groups.names}
        cells = {
            figure: Cell(UNKNOWN.mean, self._changes[key].mean, p[key])
            for figure, key in keys.items()
        }
        settings = next(g.settings for (_, other), g in self._groups.items() if other == name)
        return Row("", settings, cells, None, baseline=name == self._baseline, verdict="")

    def _better(self, workload: str, p: Mapping[_Key, float]) -> dict[str, tuple[str, ...]]:
        """Of the settings whose runs all came to their end, see `better_at`."""
        ended = [group for group in self._groups.of(workload) if not group.verdict]
        traded = [name for name in self._groups.shown[workload] if name in TRADED]
        own = {(name, figure): value for (of, name, figure), value in p.items() if of == workload}
        return better_at(ended, traded, self._baseline, own)

    def _saved(self) -> dict[str, float]:
        found: dict[str, list[float]] = {}
        for workload, name, figure in self._changes:
            if not workload:
                continue
            group, base = self._groups[workload, name], self._groups[workload, self._baseline]
            if len(seeds := group.seeds(base)) > 1:
                ratio = variance_saved(base.values(figure, seeds), group.values(figure, seeds))
                found.setdefault(figure, []).append(ratio)
        known = {name: [r for r in ratios if not math.isnan(r)] for name, ratios in found.items()}
        return {name: float(np.median(ratios)) for name, ratios in known.items() if ratios}


def _relative(group: Group, base: Group, name: str) -> Difference:
    seeds = group.seeds(base)
    if not seeds:
        return UNKNOWN
    before = base.values(name, seeds)
    mean, p = paired_difference(before, group.values(name, seeds))
    scale = float(np.mean(before))
    return Difference(Interval(*(part / scale for part in mean)), p) if scale else UNKNOWN

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
from sim.experiment.dominance import Standing, standings
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
from sim.results.few import fewest
from sim.results.result import Result
from sim.results.statistics import (
    CONFIDENCE,
    UNKNOWN,
    Change,
    Interval,
    holm,
    median_interval,
    of_logs,
    paired_change,
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
    """From the baseline, seed by seed: see `sim.results.statistics.Change`."""
    p: float
    """How likely such a change comes by chance anywhere in the table (Holm's correction)."""
    relative: bool = True
    """Whether the change is; else it is in the unit of the figure, of which a value is zero."""
    workloads: int = 1
    """Over how many workloads it is a mean."""

    @property
    def holds(self) -> bool:
        """Whether the difference to the baseline is not of chance."""
        return self.p < 1 - CONFIDENCE

    def sense(self, figure: str) -> str:
        """What holds of the figure, in words; empty for what may be chance, or shows as 0.0 %."""
        seen = abs(self.change.value) >= (SMALLEST if self.relative else 0)
        return SENSES[figure][self.change.value > 0] if self.holds and seen else ""


class Row(NamedTuple):
    """One setting of one workload, or its mean over all workloads."""

    workload: str
    """Empty in a mean over workloads."""
    settings: Settings
    cells: Mapping[str, Cell]
    standing: Standing | None
    """Among the settings of its workload; None of a mean, and of runs that did not end."""
    baseline: bool
    verdict: str
    """What befell its runs, such as `oom-killed 2 of 5`; empty if all came to their end."""

    @property
    def optimal(self) -> bool:
        """No other setting is surely better in a traded figure and worse in none."""
        return self.standing is not None and not self.standing.below

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
    few: list[str]
    """What its runs are too short to tell."""
    saved: Mapping[str, float]
    """By figure, how many times more a difference would vary with seeds of its own: the median."""

    @property
    def workloads(self) -> int:
        """How many there are."""
        return len({row.workload for row in self.rows})

    @property
    def has_other_pairs(self) -> bool:
        """Whether there are pairs of settings of a workload without the baseline."""
        return len(self.rows) > 2 * self.workloads

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


_UNKNOWN: Final = Change(*UNKNOWN, relative=True)
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
            self._row(group, title(group.settings), p, standing)
            for workload in self._groups.workloads
            for standing in [self._standings(workload, p)]
            for group in self._groups.of(workload)
        ]
        means = [self._mean_row(name, p) for name in self._groups.titles if self._has_mean]
        figures = [f for group in self._groups.values() for f in group.figures.values()]
        units = {
            name: next(found[name].unit for found in figures if name in found)
            for name in self._groups.names
        }
        seeds = min(len(group.figures) for group in self._groups.values())
        tests = sum(not math.isnan(value) for value in p.values())
        confidence = median_interval([0.0] * seeds)[1]
        few = fewest([(self._name(g), f) for g in self._groups.values() for f in g.few])
        return Comparison(rows, means, units, confidence, tests, few, self._saved())

    def _name(self, group: Group) -> str:
        workload = f"{group.workload} " if self._has_mean else ""
        return f"{workload}{title(group.settings)}"

    @property
    def _has_mean(self) -> bool:
        return len(self._groups.workloads) > 1

    @cached_property
    def _changes(self) -> dict[_Key, Change]:
        """Changes from the baseline: of each workload, and their means."""
        found = {
            (workload, name, figure): _change(group, base, figure)
            for (workload, name), group in self._groups.items()
            if (base := self._groups.get((workload, self._baseline))) and base is not group
            for figure in self._groups.shown[workload]
        }
        if self._has_mean:
            for name in self._groups.titles:
                for figure in self._groups.names:
                    found["", name, figure] = self._mean(name, figure)
        return found

    def _mean(self, name: str, figure: str) -> Change:
        """Geometric mean of the ratios of those workloads that have the figure, pair by pair.

        Per seed it is one number, so that what workloads with one seed share does no harm.
        """
        pairs = self._pairs(name, figure)
        if name == self._baseline or not pairs:
            return _UNKNOWN
        common = set.intersection(*(set(group.seeds(base)) for group, base in pairs))
        seeds = sorted(common)
        values = np.array([[g.values(figure, seeds), b.values(figure, seeds)] for g, b in pairs])
        if not seeds or not (values > 0).all():
            return _UNKNOWN
        logs = np.log(values).mean(axis=0)
        return of_logs(logs[1].tolist(), logs[0].tolist())

    def _pairs(self, name: str, figure: str) -> list[tuple[Group, Group]]:
        """A setting and the baseline under each workload that has both, and the figure."""
        return [
            (group, base)
            for workload in self._groups.workloads
            if (group := self._groups.get((workload, name)))
            and (base := self._groups.get((workload, self._baseline)))
            and figure in self._groups.shown[workload]
        ]

    def _row(
        self, group: Group, name: str, p: Mapping[_Key, float], standings: Mapping[str, Standing]
    ) -> Row:
        cells = {}
        for figure in self._groups.shown[group.workload]:
            key = (group.workload, name, figure)
            median = median_interval(group.values(figure))[0]
            change = self._changes.get(key, _UNKNOWN)
            cells[figure] = Cell(median, change.mean, p.get(key, math.nan), change.relative)
        is_base, standing = name == self._baseline, standings.get(name)
        return Row(group.workload, group.settings, cells, standing, is_base, group.verdict)

    def _mean_row(self, name: str, p: Mapping[_Key, float]) -> Row:
        cells = {}
        for figure in self._groups.names:
            key, count = ("", name, figure), len(self._pairs(name, figure))
            cells[figure] = Cell(UNKNOWN.mean, self._changes[key].mean, p[key], workloads=count)
        settings = next(g.settings for (_, other), g in self._groups.items() if other == name)
        return Row("", settings, cells, None, baseline=name == self._baseline, verdict="")

    def _standings(self, workload: str, p: Mapping[_Key, float]) -> dict[str, Standing]:
        """Of the settings whose runs all came to their end, see `standings`."""
        ended = [group for group in self._groups.of(workload) if not group.verdict]
        traded = [name for name in self._groups.shown[workload] if name in TRADED]
        own = {(name, figure): value for (of, name, figure), value in p.items() if of == workload}
        return standings(ended, traded, self._baseline, own)

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


def _change(group: Group, base: Group, name: str) -> Change:
    seeds = group.seeds(base)
    if not seeds:
        return _UNKNOWN
    return paired_change(base.values(name, seeds), group.values(name, seeds))

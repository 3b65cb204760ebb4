"""Stored runs by workload and setting, and the figures in which they can be compared."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from sim.errors import UserError
from sim.experiment.point import Point, Settings
from sim.record.damage import is_whole
from sim.record.facts import Status
from sim.record.places import Place
from sim.results.few import Few
from sim.results.load import load_run
from sim.results.result import Result
from sim.results.summary import Summary, summary

WORKLOAD: Final = "workload"
"""The key whose values are not compared with each other, but each for itself."""
BATCH: Final = "simulated"
"""How long a batch took; shown if it is not the same for all, as where a duration is given."""
FIGURES: Final = (
    ("peak_rss", "peak_heap"),
    ("gc_cpu",),
    ("latency_p99", BATCH),
    ("throughput",),
)
"""What is shown, the first of each group that all runs of a workload have."""


def title(settings: Settings) -> str:
    """A setting in words, such as `GOGC=50 GOMAXPROCS=4`."""
    return " ".join(f"{key}={value}" for key, value in settings.items()) or "as configured"


def without_workload(settings: Settings) -> Settings:
    """What is compared: each workload has a baseline of its own."""
    return {key: value for key, value in settings.items() if key != WORKLOAD}


def not_varied(runs: Sequence[Result]) -> list[str]:
    """Keys in which the configs of a sweep's runs differ although the sweep does not vary them.

    Two commands have left runs in one folder: what is compared are different programs.
    """
    swept = [run for run in runs if run.settings]
    varied = {"seed", *(key.partition(".")[0] for run in swept for key in run.settings)}
    kept = [{k: v for k, v in run.config.items() if k not in varied} for run in swept]
    return sorted({key for one in kept for key in one if one[key] != kept[0].get(key)})


class SeedValues(NamedTuple):
    """Values of one figure under one setting, one a seed; NaN where a run does not tell it."""

    workload: str
    setting: str
    figure: str
    values: list[float]


class Group(NamedTuple):
    """The runs of one workload under one setting."""

    workload: str
    settings: Settings
    """Without the workload."""
    figures: dict[int, Summary]
    """By seed."""
    statuses: list[str]
    collects: bool
    """Whether its runs may have GC cycles."""

    @property
    def verdict(self) -> str:
        """What befell its runs, such as `oom-killed 2 of 5`; empty if all came to their end."""
        ends = Counter(status for status in self.statuses if status != Status.COMPLETE)
        return ", ".join(f"{end} {count} of {len(self.statuses)}" for end, count in ends.items())

    @property
    def few(self) -> list[Few]:
        """What its runs are too short to tell."""
        return [found for figures in self.figures.values() for found in figures.few]

    def values(self, name: str, seeds: Sequence[int] | None = None) -> list[float]:
        """A figure under each of the seeds; under all that there are if none are given."""
        return [self.figures[seed][name].value for seed in (seeds or self.figures)]

    def known(self, name: str) -> list[float]:
        """A figure under each seed; NaN for GC CPU of a run that had no cycle yet."""
        values = self.values(name)
        if name != "gc_cpu" or not self.collects:
            return values
        return [v if n else math.nan for v, n in zip(values, self.values("gc_cycles"), strict=True)]

    def seeds(self, other: Group) -> list[int]:
        """Seeds that both have, so that their runs are pairs."""
        return [seed for seed in self.figures if seed in other.figures]


class Groups(dict[tuple[str, str], Group]):
    """Groups by workload and title of the setting; at least one."""

    def __init__(self, runs: Sequence[tuple[Settings, Result]]) -> None:
        super().__init__()
        for settings, run in runs:
            rest, workload = without_workload(settings), str(run.run[WORKLOAD])
            group = self.setdefault(
                (workload, title(rest)), Group(workload, rest, {}, [], run.collects)
            )
            group.figures[run.run["seed"]] = summary(run)
            group.statuses.append(run.run["status"])
        self.workloads = list(dict.fromkeys(workload for workload, _ in self))
        self.titles = list(dict.fromkeys(name for _, name in self))
        self.shown = {workload: self._shown(workload) for workload in self.workloads}
        """Figures of each workload."""

    @property
    def names(self) -> list[str]:
        """Figures of any workload, in order."""
        used = {name for names in self.shown.values() for name in names}
        return [name for group in FIGURES for name in group if name in used]

    def of(self, workload: str) -> list[Group]:
        """The settings of a workload."""
        return [group for group in self.values() if group.workload == workload]

    def samples(self) -> list[SeedValues]:
        """The figures that are shown, under every setting."""
        return [
            SeedValues(group.workload, title(group.settings), name, group.known(name))
            for group in self.values()
            for name in self.shown[group.workload]
        ]

    def _shown(self, workload: str) -> list[str]:
        summaries = [found for group in self.of(workload) for found in group.figures.values()]

        def known(name: str) -> bool:
            values = [figures[name].value for figures in summaries if name in figures]
            return len(values) == len(summaries) and (name != BATCH or len(set(values)) > 1)

        firsts = [next(filter(known, group), None) for group in FIGURES]
        return [name for name in firsts if name is not None]


def stored_groups(points: Sequence[Point], folder: Place) -> Groups:
    """The runs of the points that are stored. Raises UserError if nothing is."""
    runs = [
        (point.settings, load_run(folder / point.name))
        for point in points
        if is_whole(folder / point.name)
    ]
    if not runs:
        raise UserError(f"{folder}: none of the runs is stored")
    return Groups(runs)

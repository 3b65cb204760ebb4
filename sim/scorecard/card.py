"""A scorecard: every pacer against one, over the shipped workloads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd

from sim.examples import examples
from sim.experiment.grid import points
from sim.experiment.point import Point
from sim.record.damage import is_whole
from sim.record.places import Place
from sim.results.few import Few
from sim.results.load import load_run
from sim.results.statistics import (
    CONFIDENCE,
    UNKNOWN,
    Interval,
    holm,
    paired_difference,
)
from sim.scorecard.measures import MEASURES, SHARES, measure

PACER: Final = "gc.pacer"
WORKLOAD: Final = "workload"


class Verdict(NamedTuple):
    """One measure of one pacer, against the one that it is compared with."""

    pacer: str
    measure: str
    against: float
    """Median over workloads of the other pacer's mean over seeds, in the unit of the measure."""
    value: float
    change: Interval
    """Geometric mean of the ratios over workloads, less one; for shares the mean difference."""
    fewer: int
    """Workloads in which it has less than the other."""
    workloads: int
    p: float
    """That this is chance, corrected for all verdicts (Holm)."""

    @property
    def word(self) -> str:
        """`better`, `worse` or nothing."""
        if not self.p < 1 - CONFIDENCE:
            return ""
        return "better" if self.change.value < 0 else "worse"


def plan(
    pacers: Sequence[str], workloads: Sequence[str], seeds: int, sets: Sequence[str]
) -> list[Point]:
    """The runs of some shipped workloads under every pacer."""
    files, settings = examples("workloads"), [{PACER: pacer} for pacer in pacers]
    return [
        replace(point, settings={WORKLOAD: name, **point.settings})
        for name in workloads
        for point in points(files[name], settings, seeds, sets)
    ]


class Measured(NamedTuple):
    """What stored runs tell."""

    runs: pd.DataFrame
    """A row each: workload, pacer, seed and the measures, NaN where it has none."""
    few: list[tuple[str, Few]]
    """Of what a workload under a pacer has too little."""


def measured(points: Sequence[Point], folder: Place) -> Measured:
    """The measures of all runs that are stored."""
    rows, scarce = [], []
    for point in points:
        if not is_whole(folder / point.name):
            continue
        run = load_run(folder / point.name)
        workload, pacer = point.settings[WORKLOAD], point.settings[PACER]
        rows.append({WORKLOAD: workload, "pacer": pacer, "seed": point.seed, **measure(run)})
        scarce += [(f"{workload} under {pacer}", found) for found in run.summary().few]
    return Measured(pd.DataFrame(rows), scarce)


def verdicts(frames: Sequence[pd.DataFrame], against: str) -> list[Verdict]:
    """Every measure of every other pacer; of frames that have the same measure, the last one.

    Runs are paired by seed within a workload. An interval is over seeds of the mean over workloads,
    as in `compare`: it is about these workloads, of which some may gain what others lose.
    """
    found: dict[tuple[str, str], Verdict] = {}
    for frame in frames:
        for verdict in _of_frame(frame, against):
            found[verdict.pacer, verdict.measure] = verdict
    corrected = holm([verdict.p for verdict in found.values()])
    return [v._replace(p=p) for v, p in zip(found.values(), corrected, strict=True)]


def _of_frame(frame: pd.DataFrame, against: str) -> Iterator[Verdict]:
    values = frame.set_index(["pacer", WORKLOAD, "seed"])
    for pacer in values.index.unique("pacer").drop(against):
        for name in MEASURES:
            if name in values:
                pairs = pd.DataFrame(
                    {"before": values[name].loc[against], "after": values[name].loc[pacer]}
                ).dropna()
                if len(pairs):
                    yield _verdict(pacer, name, pairs)


def _verdict(pacer: str, name: str, pairs: pd.DataFrame) -> Verdict:
    means = pairs.groupby(WORKLOAD).mean()
    fewer = int((means["after"] < means["before"]).sum())
    if name not in SHARES:
        pairs = pairs[(pairs > 0).all(axis=1)].map(math.log)
    by_seed = pairs.groupby("seed")
    effects = by_seed.mean()[by_seed.size() == by_seed.size().max()]
    change, p = UNKNOWN
    if len(effects):
        change, p = paired_difference(effects["before"].tolist(), effects["after"].tolist())
    if name not in SHARES:
        change = Interval(*(math.expm1(part) for part in change))
    against, value = float(means["before"].median()), float(means["after"].median())
    return Verdict(pacer, name, against, value, change, fewer, len(means), p)


def plugin_sets(plugins: Sequence[Path]) -> list[str]:
    """Assignments that load plug-ins into every config, wherever it lies."""
    return [f"plugins=[{', '.join(str(path.resolve()) for path in plugins)}]"] if plugins else []


def table(found: Sequence[Verdict]) -> pd.DataFrame:
    """Verdicts as rows, with the unit of each measure."""
    return pd.DataFrame(
        [
            {
                "pacer": v.pacer,
                "measure": v.measure,
                "unit": MEASURES[v.measure],
                "against": v.against,
                "value": v.value,
                "change": v.change.value,
                "change_low": v.change.low,
                "change_high": v.change.high,
                "fewer": v.fewer,
                "workloads": v.workloads,
                "p": v.p,
                "verdict": v.word,
            }
            for v in found
        ]
    )


def scenario_table(makers: Mapping[str, type], gomaxprocs: int = 8) -> pd.DataFrame:
    """Scores of fresh pacers in the scenarios of Go's own tests: a row per scenario and pacer."""
    from sim.scorecard.scenarios import SCENARIOS, score

    return pd.DataFrame(
        [
            {
                "scenario": scenario.name,
                "pacer": name,
                **score(scenario.run(make()), gomaxprocs)._asdict(),
            }
            for scenario in SCENARIOS
            for name, make in makers.items()
        ]
    )

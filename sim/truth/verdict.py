"""What comparisons with real Go say, before any table: at most five lines of plain words."""

from __future__ import annotations

import pandas as pd

from sim.results.names import words
from sim.truth.accuracy import errors
from sim.truth.evaluation import KEYS

TOLD = ("gc_cycles", "peak_heap", "peak_rss", "gc_cpu", "latency_p50", "latency_p99")
"""Figures of a line, where there are such."""


def of_errors(table: pd.DataFrame) -> list[str]:
    """How far simulated runs are from real ones, where by more than these differ, and the worst."""
    found = errors(table)
    programs = ", ".join(dict.fromkeys(table["program"].astype(str)))
    spread = found["median_real_spread"]
    beyond = set(found.index[found["median_error"] > spread])
    names = [words(name) for name in TOLD if name in beyond]
    runs = table.drop_duplicates(["program", "gomaxprocs", "gogc", "gomemlimit"])
    return [
        f"Median error, simulated against real {programs}: {_medians(found)}.",
        f"By more than real runs differ among themselves: {', '.join(names) or 'none of these'}.",
        *_furthest(table),
        f"Rests on: {len(runs)} settings, {runs['repetitions'].sum()} real runs.",
    ]


def _medians(found: pd.DataFrame) -> str:
    """The median errors of a frame whose index has the figures."""
    medians = found["median_error"].to_dict()
    return ", ".join(f"{words(name)} {medians[name]:.1%}" for name in TOLD if name in medians)


def of_rungs(rungs: pd.DataFrame) -> list[str]:
    """How far simulations are from real runs without any mechanism, and with all of them."""
    medians = rungs.T
    return [
        f"Median error, {title}: {_medians(medians[[title]].set_axis(['median_error'], axis=1))}."
        for title in (rungs.index[0], rungs.index[-1])
    ]


def _furthest(table: pd.DataFrame) -> list[str]:
    """The setting and figure with the largest error of those that are told."""
    told = table[table["figure"].isin(TOLD) & table["error"].notna()]
    if told.empty:
        return []
    row = told.iloc[int(told["error"].abs().to_numpy().argmax())].to_dict()
    where = f"{row['program']} under GOGC={row['gogc']} GOMAXPROCS={row['gomaxprocs']}"
    return [f"Furthest off: {words(row['figure'])} of {where}, {row['error']:+.1%}."]


def of_memory(table: pd.DataFrame) -> list[str]:
    """How far memory over time is from that of real programs, and how far these are apart."""
    told = []
    for program, rows in table.reset_index().groupby("program", sort=False):
        row = rows.loc[rows["quantity"] == "rss"].iloc[0].to_dict()
        told.append(f"{program} {row['error']:.1%} (a second real run: {row['spread']:.1%})")
    return [
        f"RSS over time, simulated against real, as share of the peak: {', '.join(told)}.",
        "Rests on: two real runs of each program, compared every 100ms.",
    ]


def of_changes(found: pd.DataFrame, changed: pd.DataFrame) -> list[str]:
    """What an evaluation found by evidence, and what it changed since the last one."""
    worse = changed[changed["worse"].astype(bool)]
    grown = [f"{words(row['figure'])} ({row['evidence']})" for _, row in worse.iterrows()]
    lines = [
        f"{len(found)} median errors, {len(changed)} of them changed since the last table.",
        f"Grown by more than real runs differ among themselves: {', '.join(grown) or 'none'}.",
    ]
    for evidence, rows in found.groupby(KEYS[0], sort=False):
        lines.append(f"Median error, {evidence}: {_medians(rows.set_index(KEYS[1]))}.")
    return lines

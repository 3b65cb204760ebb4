"""Which cost of the machine and which parameter of a program moves which figure, and how much.

An elasticity is the change of a figure in percent per percent of the parameter, near where it is:
0 means that nobody needs to measure it, 1 that an error of a tenth there is one of a tenth here.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import joblib
import pandas as pd

from sim.config import load, resolved
from sim.config.machine import load_profile, save_profile
from sim.config.run import RunConfig
from sim.errors import UserError
from sim.experiment.groups import title
from sim.machine.profile import SECTIONS
from sim.results.few import Few, fewest
from sim.results.gc_cost import gc_cpu
from sim.results.names import words
from sim.results.result import Result
from sim.results.statistics import mean_interval
from sim.results.summary import summary
from sim.simulation import simulate

FIGURES: Final = ("gc_cpu", "peak_rss", "mean_heap_marked", "simulated")
STEP: Final = 1.1
"""Factor by which a parameter is changed."""
_AMOUNT: Final = re.compile(r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(\s*[a-zA-Z/%]*)")
PROGRAM: Final = "workload"
MACHINE: Final = "machine"
"""First words of parameters."""
SHOWN: Final = 12
"""Parameters of each program that a table shows."""
FEW: Final = 3
"""Cycles below which GC CPU is that of the whole service."""

Config = Mapping[str, Any]


class Variant(NamedTuple):
    """A config in which one parameter is higher."""

    name: str
    config: Config
    factor: float
    """By which it is; whole numbers are rounded."""


def elasticities(
    config: RunConfig,
    seeds: int,
    jobs: int = -1,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """A row per parameter and figure that it moves: `elasticity` and its interval over seeds.

    Machine costs that are zero, and parameters that cannot be raised by a tenth, are left out. The
    warm-up is a tenth of the duration: one that was found anew would jump from cycle to cycle.
    `attrs["remarks"]`: sentences about what the unchanged runs have too little of, and about
    figures that are left out.
    """
    config = replace(config, record=replace(config.record, warmup=config.longest // 10))
    with TemporaryDirectory(prefix="gomemsim-") as folder:
        variants = [
            Variant("", resolved(config), 1.0),
            *_machine(config, Path(folder)),
            *_program(config),
        ]
        todo = range(config.seed, config.seed + seeds)
        plain = [{**variant.config, "seed": seed} for variant in variants for seed in todo]
        pool, figures = joblib.Parallel(n_jobs=jobs, return_as="generator"), []
        for one in pool(joblib.delayed(_figures)(config) for config in plain):
            figures.append(one)
            if progress is not None:
                progress(len(figures) / len(plain))
    told_by = iter(numbers for numbers, _ in figures)
    runs = [[next(told_by) for _ in todo] for _ in variants]
    rows = [
        {"parameter": variant.name, "figure": figure, **told}
        for variant, mine in zip(variants[1:], runs[1:], strict=True)
        for figure in FIGURES
        if (told := _elasticity(runs[0], mine, figure, variant.factor))
    ]
    frame = pd.DataFrame(rows, columns=["parameter", "figure", "elasticity", "low", "high"])
    # A duration that is configured is no figure.
    moved = frame[frame.groupby("figure")["elasticity"].transform("any")].reset_index(drop=True)
    scarce = [(title({}), one) for _, few in figures[:seeds] for one in few]
    moved.attrs["remarks"] = [*fewest(scarce), *_left_out(set(moved["figure"]), runs[0])]
    return moved


def _left_out(known: Collection[str], before: Sequence[Mapping[str, float]]) -> Iterator[str]:
    """Which figures have no elasticity, and why."""
    why = [f"{words(figure)} ({_why(figure, before)})" for figure in FIGURES if figure not in known]
    if why:
        yield f"Left out: {', '.join(why)}."


def _why(figure: str, before: Sequence[Mapping[str, float]]) -> str:
    """Why a figure has no elasticity."""
    if any(run.get(figure, 0.0) <= 0 for run in before):
        return "no samples" if figure == "peak_rss" else "a run has no GC cycle in service"
    return "the duration is configured" if figure == "simulated" else "nothing moves it"


def _elasticity(
    before: Sequence[Mapping[str, float]],
    after: Sequence[Mapping[str, float]],
    figure: str,
    factor: float,
) -> dict[str, float] | None:
    pairs = [(a.get(figure, 0.0), b.get(figure, 0.0)) for a, b in zip(before, after, strict=True)]
    if any(a <= 0 or b <= 0 for a, b in pairs):
        return None
    value, low, high = mean_interval([math.log(b / a) / math.log(factor) for a, b in pairs])
    return {"elasticity": value, "low": low, "high": high}


def _figures(plain: Config) -> tuple[dict[str, float], Sequence[Few]]:
    """The figures of a run, and what it has too little of."""
    run = simulate(load(plain))
    found = summary(run)
    return {**found.numbers(), **_gc_cpu(run)}, found.few


def _gc_cpu(run: Result) -> dict[str, float]:
    """From the end of one cycle to that of another: one more or less in a run would jump."""
    cycles = run.service("cycles")
    if len(cycles) < FEW:
        return {}
    ends = cycles["end_ns"]
    found = gc_cpu(cycles.iloc[1:], int(ends.iloc[-1]), int(ends.iloc[0]))
    return {"gc_cpu": float(found["fraction"])}


def _machine(config: RunConfig, folder: Path) -> Iterator[Variant]:
    """The config on machines of which one cost is higher."""
    profile, plain = load_profile(config.machine), resolved(config)
    for section in SECTIONS:
        costs = getattr(profile, section)
        for name, value in asdict(costs).items():
            if not value:
                continue
            path = folder / f"{section}.{name}.yaml"
            changed = replace(costs, **{name: value * STEP})
            save_profile(replace(profile, **{section: changed}), path)
            yield Variant(f"{MACHINE}.{section}.{name}", {**plain, "machine": str(path)}, STEP)


def _program(config: RunConfig) -> Iterator[Variant]:
    """The config with programs of which one number is higher."""
    plain = resolved(config)
    for path, value in _numbers(plain[PROGRAM]):
        changed = copy.deepcopy(dict(plain))
        put = changed[PROGRAM]
        for key in path[:-1]:
            put = put[key]
        put[path[-1]], factor = _raised(value)
        try:
            load(changed)
        except UserError:
            continue
        if factor > 1 and changed != plain:
            yield Variant(".".join((PROGRAM, *map(str, path))), changed, factor)


def _numbers(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Path and value of every number in a tree, with or without a unit."""
    if isinstance(node, Mapping):
        for key, inner in node.items():
            yield from _numbers(inner, (*path, key))
    elif isinstance(node, list | tuple):
        for n, inner in enumerate(node):
            yield from _numbers(inner, (*path, n))
    elif not isinstance(node, bool) and (
        isinstance(node, int | float) or (isinstance(node, str) and _AMOUNT.fullmatch(node))
    ):
        yield path, node


def _raised(value: float | str) -> tuple[float | str, float]:
    """A number that is higher, and by what factor."""
    if isinstance(value, str):
        found = _AMOUNT.fullmatch(value)
        assert found is not None
        return f"{float(found[1]) * STEP:.10g}{found[2]}", STEP
    if isinstance(value, int):
        return round(value * STEP), round(value * STEP) / (value or 1)
    return value * STEP, STEP


def markdown(found: pd.DataFrame) -> str:
    """A table for people: parameters by the figure that they move most, figures as columns."""
    if found.empty:
        return "No figure is known."
    order = found.assign(size=found["elasticity"].abs()).groupby("parameter")["size"].max()
    largest = order.sort_values(ascending=False, kind="stable").head(SHOWN).index
    rows = found[found["parameter"].isin(largest)]
    texts = rows.assign(
        text=[
            f"{value:+.2f}" if math.isnan(low) else f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"
            for value, low, high in zip(rows["elasticity"], rows["low"], rows["high"], strict=True)
        ]
    )
    wide = texts.pivot_table("text", "parameter", "figure", aggfunc="first", sort=False)
    shown = pd.DataFrame(wide).loc[largest].fillna("").rename(columns=words)
    table: str = shown.to_markdown(disable_numparse=True)
    return table

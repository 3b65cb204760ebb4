"""Which cost of the machine and which parameter of a program moves which figure, and how much.

An elasticity is the change of a figure in percent per percent of the parameter, near where it is:
0 means that nobody needs to measure it, 1 that an error of a tenth there is one of a tenth here.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import joblib
import pandas as pd

from sim.config import load, resolved
from sim.config.machine import load_profile, save_profile
from sim.config.run import RunConfig
from sim.errors import UserError
from sim.machine.profile import SECTIONS
from sim.results.statistics import mean_interval
from sim.results.summary import summary
from sim.simulation import simulate

FIGURES: Final = ("gc_cpu", "peak_rss", "mean_heap_marked", "simulated")
STEP: Final = 1.1
"""Factor by which a parameter is changed."""
_AMOUNT: Final = re.compile(r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(\s*[a-zA-Z/%]*)")
PROGRAM: Final = "workload"

Config = Mapping[str, Any]


def elasticities(
    config: RunConfig,
    seeds: int,
    jobs: int = -1,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """A row per parameter and figure that it moves: `elasticity` and its interval over seeds.

    Machine costs that are zero, and parameters that cannot be raised by a tenth, are left out. The
    warm-up is a tenth of the duration: one that was found anew would jump from cycle to cycle.
    """
    config = replace(config, record=replace(config.record, warmup=config.longest // 10))
    with TemporaryDirectory(prefix="gomemsim-") as folder:
        variants = {"": resolved(config), **dict(_machine(config, Path(folder)))}
        variants |= dict(_program(config))
        work = [
            (name, {**plain, "seed": config.seed + n})
            for name, plain in variants.items()
            for n in range(seeds)
        ]
        pool = joblib.Parallel(n_jobs=jobs, return_as="generator")
        figures = []
        for one in pool(joblib.delayed(_figures)(plain) for _, plain in work):
            figures.append(one)
            if progress is not None:
                progress(len(figures) / len(work))
    found: dict[str, list[dict[str, float]]] = {}
    for (name, _), values in zip(work, figures, strict=True):
        found.setdefault(name, []).append(values)
    base = found.pop("")
    rows = [
        {"parameter": name, "figure": figure, **told}
        for name, runs in found.items()
        for figure in FIGURES
        if (told := _elasticity(base, runs, figure))
    ]
    return pd.DataFrame(rows, columns=["parameter", "figure", "elasticity", "low", "high"])


def _elasticity(
    before: Sequence[Mapping[str, float]], after: Sequence[Mapping[str, float]], figure: str
) -> dict[str, float] | None:
    pairs = [(a.get(figure, 0.0), b.get(figure, 0.0)) for a, b in zip(before, after, strict=True)]
    if any(a <= 0 or b <= 0 for a, b in pairs):
        return None
    value, low, high = mean_interval([math.log(b / a) / math.log(STEP) for a, b in pairs])
    return {"elasticity": value, "low": low, "high": high}


def _figures(plain: Config) -> dict[str, float]:
    return summary(simulate(load(plain))).numbers()


def _machine(config: RunConfig, folder: Path) -> Iterator[tuple[str, Config]]:
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
            yield f"machine.{section}.{name}", {**plain, "machine": str(path)}


def _program(config: RunConfig) -> Iterator[tuple[str, Config]]:
    """The config with programs of which one number is higher."""
    plain = resolved(config)
    for path, value in _numbers(plain[PROGRAM]):
        changed = copy.deepcopy(dict(plain))
        put = changed[PROGRAM]
        for key in path[:-1]:
            put = put[key]
        put[path[-1]] = _raised(value)
        try:
            load(changed)
        except UserError:
            continue
        if changed != plain:
            yield ".".join((PROGRAM, *map(str, path))), changed


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


def _raised(value: float | str) -> float | str:
    if isinstance(value, str):
        found = _AMOUNT.fullmatch(value)
        assert found is not None
        return f"{float(found[1]) * STEP:.10g}{found[2]}"
    return round(value * STEP) if isinstance(value, int) else value * STEP

"""Every combination of settings that somebody wants to try, and the runs that try them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Final

from sim.config import load, resolved
from sim.config.provenance import provenance
from sim.errors import UserError
from sim.experiment.point import Point, Settings

_PART: Final = re.compile(r"[][{},]")


MOST_SETTINGS: Final = 10_000
MOST_RUNS: Final = 100_000
"""Of one command: their configs, of a few kilobytes each, are in memory at once."""


def values(text: str) -> list[str]:
    """The values of a list as people type it: `50,100,off`, `{uniform: {low: 1, high: 2}},3`."""
    words, begin, depth = list[str](), 0, 0
    for part in _PART.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(part[0], 0)
        if part[0] == "," and depth == 0:
            words.append(text[begin : part.start()])
            begin = part.end()
    return [word.strip() for word in (*words, text[begin:]) if word.strip()]


def grid(axes: Sequence[str]) -> list[Settings]:
    """Every combination of axes such as `GOGC=50,100` and `model.assists=true,false`.

    The last axis varies fastest; no axes give the one combination without settings. Raises
    UserError for an axis without key or values, and for a key or value that comes twice.
    """
    keys = [_axis(axis) for axis in axes]
    names = [key for key, _ in keys]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"the key {name} is varied twice")
    if (count := math.prod(len(found) for _, found in keys)) > MOST_SETTINGS:
        raise UserError(
            f"expected at most {MOST_SETTINGS:,} settings, got {count:,}: vary less, or give parts"
            " of the grid to several commands with one --out"
        )
    return [
        dict(zip(names, choice, strict=True)) for choice in product(*(found for _, found in keys))
    ]


def _axis(text: str) -> tuple[str, list[str]]:
    key, _, listed = text.partition("=")
    found = values(listed)
    if not key.strip() or not found:
        raise UserError(f"expected key.path=value,value to vary, got {text!r}")
    for value, times in Counter(found).items():
        if times > 1:
            raise UserError(f"{key.strip()} is to be {value} twice")
    return key.strip(), found


def points(
    config: Path, settings: Sequence[Settings], seeds: int, sets: Sequence[str] = ()
) -> list[Point]:
    """The runs of a config under each of the settings, once per seed.

    Every setting meets the same seeds, from the config's own on: with common random numbers,
    differences between settings are sharper than the runs are. Raises UserError for the first
    setting that the config does not take.
    """
    if len(settings) * seeds > MOST_RUNS:
        raise UserError(
            f"expected at most {MOST_RUNS:,} runs, got {len(settings) * seeds:,}: fewer seeds, or"
            " parts of the grid in several commands with one --out"
        )
    found = []
    for chosen in settings:
        given = [f"{key}={value}" for key, value in chosen.items()]
        run = load(config, [*sets, *given])
        origin = provenance(run)
        found += [
            Point(chosen, seed, resolved(replace(run, seed=seed)), origin)
            for seed in range(run.seed, run.seed + seeds)
        ]
    return found

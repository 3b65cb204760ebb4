"""The runs that try a list of settings, each with the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sim.config import load, resolved
from sim.config.provenance import provenance
from sim.errors import UserError
from sim.experiment.point import Point, Settings
from sim.quantities import MOST_RUNS


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
    found, fixed = [], dict(text.partition("=")[::2] for text in sets)
    for chosen in settings:
        given = [f"{key}={value}" for key, value in chosen.items()]
        run = load(config, [*sets, *given])
        origin = provenance(run)
        found += [
            Point(chosen, seed, resolved(replace(run, seed=seed)), origin, fixed)
            for seed in range(run.seed, run.seed + seeds)
        ]
    return found

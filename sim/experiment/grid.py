"""The runs that try a list of settings, each with the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sim.config import load, resolved
from sim.config.provenance import provenance
from sim.errors import UserError
from sim.experiment.groups import WORKLOAD, title
from sim.experiment.point import Point, Settings
from sim.quantities import MOST_RUNS


def points(
    config: Path, settings: Sequence[Settings], seeds: int, sets: Sequence[str] = ()
) -> list[Point]:
    """The runs of a config under each of the settings, once per seed.

    Every setting meets the same seeds, from the config's own on: with common random numbers,
    differences between settings are sharper than the runs are. Raises UserError for the first
    setting that the config does not take, for a key that is varied and set as well, and for
    settings that are the same once they are read, such as 1GiB and 1024MiB.
    """
    if len(settings) * seeds > MOST_RUNS:
        raise UserError(
            f"expected at most {MOST_RUNS:,} runs, got {len(settings) * seeds:,}: fewer seeds, or"
            " parts of the grid in several commands with one --out"
        )
    fixed = _fixed(sets)
    for key in fixed:
        _check_apart(key, settings)
    found, seen = [], dict[str, Settings]()
    for chosen in settings:
        given = [f"{key}={value}" for key, value in chosen.items()]
        run = load(config, [*sets, *given])
        origin = provenance(run)
        _check_new(chosen, f"{resolved(run)} {origin}", seen)
        found += [
            Point(chosen, seed, resolved(replace(run, seed=seed)), origin, fixed)
            for seed in range(run.seed, run.seed + seeds)
        ]
    return found


def _fixed(sets: Sequence[str]) -> Settings:
    """What is set for all runs. Raises UserError for a key that is set twice."""
    pairs = [(key.strip(), value) for key, _, value in (text.partition("=") for text in sets)]
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise UserError(f"the key {key} is set twice for the same runs: leave one out")
    return dict(pairs)


def _check_apart(key: str, settings: Sequence[Settings]) -> None:
    """Raises UserError for a key that is set and varied; what is inside a workload may be set."""
    for varied in dict.fromkeys(name for chosen in settings for name in chosen):
        if key == varied or (key.startswith(f"{varied}.") and varied != WORKLOAD):
            raise UserError(
                f"{key} is set for all runs, and {varied} is varied: expected one or the other"
            )


def _check_new(chosen: Settings, config: str, seen: dict[str, Settings]) -> None:
    """Raises UserError for settings that differ in how they are written alone."""
    if "seed" in chosen:
        raise UserError("seed: is varied by the number of --seeds, from that of the config on")
    other = seen.setdefault(config, chosen)
    if other is not chosen:
        raise UserError(
            f"{title(other)} and {title(chosen)} are the same setting, written in two ways:"
            " leave one out"
        )

"""Which settings no other one surely beats, and in what each is surely better than which.

One setting dominates another if it is significantly better in one figure and worse in none:
Pareto's order, of what is neither of chance nor too small to matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.experiment.groups import Group, title
from sim.results.statistics import CONFIDENCE, paired_chances
from sim.units import Fraction

INDIFFERENT: Final[Fraction] = 0.02
"""A relative difference that is worth nothing, however sure (the indifference zone of Bechhofer,
"A single-sample multiple decision procedure", 1954). A judgement; larger leaves fewer settings."""


class Standing(NamedTuple):
    """How a setting stands among those of its workload, by their titles."""

    better: dict[str, tuple[str, ...]]
    """By traded figure, the settings than which it is surely less."""
    below: tuple[str, ...]
    """Settings that dominate it."""


def standings(
    groups: Sequence[Group],
    figures: Sequence[str],
    baseline: str,
    p: Mapping[tuple[str, str], float],
) -> dict[str, Standing]:
    """Of each setting, by title, what holds of it and the others.

    `p` are those of the changes from the setting with the title `baseline`, by title and figure:
    against it, better is what is significant in the table. Other pairs are tested with the seeds
    that all have, corrected for all of them (Bonferroni). Worse is what a test by itself finds, so
    that little power makes no setting dominate. A single seed tells no chance from a difference:
    every one counts.
    """
    names = [title(group.settings) for group in groups]
    worse, chances = _less(groups, figures)
    pairs = math.comb(len(names) - (baseline in names), 2) * len(figures)
    # Where there is no chance to tell (NaN), every difference counts.
    sure = worse & ~(chances * max(pairs, 1) >= 1 - CONFIDENCE)
    worse &= ~(chances >= 1 - CONFIDENCE)
    if baseline in names:
        base = names.index(baseline)
        for other, name in enumerate(names):
            table = np.array([p.get((name, figure), np.nan) for figure in figures])
            less, _ = _less([groups[base], groups[other]], figures)
            sure[base, other] = less[0, 1] & ~(table >= 1 - CONFIDENCE)
            sure[other, base] = less[1, 0] & ~(table >= 1 - CONFIDENCE)
            worse[base, other] |= sure[base, other]
            worse[other, base] |= sure[other, base]
    above: NDArray[np.bool_] = np.logical_and(sure.any(axis=2), ~worse.any(axis=2).T)
    return {
        name: Standing(
            {
                figure: than
                for k, figure in enumerate(figures)
                if (than := _named(names, sure[place, :, k]))
            },
            _named(names, above[:, place]),
        )
        for place, name in enumerate(names)
    }


def _named(names: Sequence[str], chosen: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(name for name, is_one in zip(names, chosen, strict=True) if is_one)


def _less(
    groups: Sequence[Group], figures: Sequence[str]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """[setting, other, figure]: whether it matters that it is less, and p of the paired t test.

    p is of ratios where all values of a figure are positive, as in the table; NaN of one seed.
    """
    count = len(groups)
    found = np.zeros((count, count, len(figures)), dtype=bool)
    chances = np.full(found.shape, np.nan)
    seeds = sorted(set.intersection(*(set(group.figures) for group in groups))) if groups else []
    if not seeds:
        return found, chances
    values = np.array([[group.values(name, seeds) for name in figures] for group in groups])
    means = values.mean(axis=-1)
    positive = (values > 0).all(axis=(0, 2))
    values[:, positive] = np.log(values[:, positive])
    for place, mine in enumerate(values):
        found[place] = means[place] < (1 - INDIFFERENT) * means
        if len(seeds) > 1:
            chances[place] = paired_chances(mine - values)
    return found, chances

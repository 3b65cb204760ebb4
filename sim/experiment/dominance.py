"""Which settings no other one surely beats, and in what each is surely better than another.

One setting dominates another if it is significantly better in one figure and significantly worse
in none: Pareto's order, of what is neither of chance nor too small to matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.experiment.groups import Group, title
from sim.results.statistics import CONFIDENCE, paired_chances
from sim.units import Fraction

INDIFFERENT: Final[Fraction] = 0.02
"""A relative difference that is worth nothing, however sure (the indifference zone of Bechhofer,
"A single-sample multiple decision procedure", 1954). A judgement; larger leaves fewer settings."""


def better_at(
    groups: Sequence[Group],
    figures: Sequence[str],
    baseline: str,
    p: Mapping[tuple[str, str], float],
) -> dict[str, tuple[str, ...]]:
    """Of each setting that none dominates, the figures in which it is surely less than another.

    By title; `p` are the corrected ones of the differences to the setting with the title
    `baseline`, by title and figure, and have to be significant as well. All pairs are tested with
    the seeds that all have, corrected for the figures of a pair (Bonferroni). A single seed tells
    no chance from a difference, and every difference counts.
    """
    names = [title(group.settings) for group in groups]
    less = _less(groups, figures)
    if baseline in names:
        base = names.index(baseline)
        for other, name in enumerate(names):
            chance = np.array([p.get((name, figure), np.nan) for figure in figures])
            of_chance = chance >= 1 - CONFIDENCE
            less[base, other] &= ~of_chance
            less[other, base] &= ~of_chance
    somewhere = less.sum(axis=2) > 0
    dominated = (somewhere & ~somewhere.T).sum(axis=0) > 0
    return {
        name: tuple(figure for k, figure in enumerate(figures) if less[place, :, k].any())
        for place, name in enumerate(names)
        if not dominated[place]
    }


def _less(groups: Sequence[Group], figures: Sequence[str]) -> NDArray[np.bool_]:
    """[setting, other, figure]: whether it surely matters that it is less than under the other."""
    count = len(groups)
    found = np.zeros((count, count, len(figures)), dtype=bool)
    seeds = sorted(set.intersection(*(set(group.figures) for group in groups))) if groups else []
    if not seeds:
        return found
    values = np.array([[group.values(name, seeds) for name in figures] for group in groups])
    for place, mine in enumerate(values):
        found[place] = mine.mean(axis=-1) < (1 - INDIFFERENT) * values.mean(axis=-1)
        if len(seeds) > 1:
            found[place] &= paired_chances(mine - values) * len(figures) < 1 - CONFIDENCE
    return found

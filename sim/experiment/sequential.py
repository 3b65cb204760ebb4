"""Enough runs, and not too many: seeds are added until the means are known well enough.

Source: the sequential procedure of Law, "Simulation Modeling and Analysis", 2015, section 9.4.1,
after Chow and Robbins, "On the asymptotic theory of fixed-width sequential confidence intervals
for the mean", 1965: go on until the half width is at most g / (1 + g) of the mean, which is then
off by at most g of the true one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sim.errors import UserError
from sim.experiment.groups import SeedValues
from sim.results.names import words
from sim.results.statistics import mean_interval
from sim.units import Fraction

_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
GROWTH: Final = 2
"""The most by which the number of seeds grows in a round: a half width of few seeds is a guess."""


@dataclass(frozen=True)
class PrecisionGoal:
    """How well the means of all figures are to be known, and what that may cost."""

    relative: Fraction
    """Largest half width of an interval, relative to the mean."""
    most: int
    """Seeds at which to stop in any case."""

    @classmethod
    def parse(cls, text: str, most: int) -> PrecisionGoal:
        """From `2%`. Raises UserError for anything else."""
        found = _PERCENT.fullmatch(text.strip())
        if found is None or not 0 < float(found[1]) < 100:  # noqa: PLR2004
            raise UserError(f"--precision {text}: expected a percentage such as 2%")
        return cls(float(found[1]) / 100, most)

    def seeds(self, samples: Sequence[SeedValues], have: int) -> int:
        """How many seeds to have in the next round; as many as there are if that is enough.

        The half width shrinks with the square root of their number.
        """
        _, width = _widest(samples)
        target = self.relative / (1 + self.relative)
        if width <= target or have >= self.most:
            return have
        needed = math.ceil(have * min((width / target) ** 2, GROWTH))
        return min(max(needed, have + 1), self.most)

    def outcome(self, samples: Sequence[SeedValues]) -> str:
        """What was reached, in a sentence."""
        sample, width = _widest(samples)
        count = len(sample.values)
        where = " ".join(filter(None, [sample.workload, sample.setting]))
        known = f"{width:.1%}" if math.isfinite(width) else "unknown"
        worst = f"the widest is {words(sample.figure)} of {where}, {known}"
        if width <= self.relative / (1 + self.relative):
            return f"Precision: {self.relative:.1%} reached with {count} seeds; {worst}."
        return f"Precision: not reached with {count} seeds, the limit; {worst}."


def _widest(samples: Sequence[SeedValues]) -> tuple[SeedValues, Fraction]:
    """The figure whose mean is known worst, and how well; figures that are all zero are known."""
    widths = [(sample, _half_width(sample.values)) for sample in samples]
    return max(widths, key=lambda item: item[1])


def _half_width(values: Sequence[float]) -> Fraction:
    if any(map(math.isnan, values)):
        return math.inf
    mean = mean_interval(values)
    if not mean.value:
        return 0.0
    relative = (mean.high - mean.low) / 2 / abs(mean.value)
    return relative if not math.isnan(relative) else math.inf

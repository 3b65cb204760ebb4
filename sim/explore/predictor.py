"""Predictions for the page: one run at once, what `whatif` says a moment later, and the trade-off.

The slower ones run in processes of their own, so that the page answers while they do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from sim.advice.prediction import Prediction, first_run, predict
from sim.advice.scenario import Future
from sim.advice.tuning import DRAWS, PERCENTS, SEEDS, Goals, tune
from sim.errors import UserError
from sim.explore.knobs import Position
from sim.fitting.fit import Fit
from sim.replay.memory import Overheads
from sim.replay.run import ReplayedRun
from sim.replay.setting import Setting
from sim.units import Bytes, Fraction

MOMENT: Final = 0.12
"""Seconds that a move of a knob may compute before it is drawn."""
SHARES: Final[tuple[Fraction, ...]] = (1 / 64, 1 / 8, 1.0)
"""Of the course of a program: what one took tells what the next will take."""


class Tried(NamedTuple):
    """Settings to compare with, and the one to recommend, if the container is known."""

    predictions: Sequence[Prediction]
    recommended: Prediction | None


@dataclass(frozen=True, slots=True)
class Predictor:
    """A fitted log and a seed; every answer is the same whenever it is asked for."""

    fit: Fit
    seed: int

    def once(
        self, position: Position, share: Fraction = 1.0
    ) -> tuple[ReplayedRun, Overheads, Prediction]:
        """The first of the runs that `predict` takes its middle from, or a share of its course."""
        fit = position.scenario.of(self.fit)
        found, overheads, figures = first_run(fit, position.setting, self.seed, share)
        return found, overheads, Prediction(position.setting, figures, figures, figures)

    def at_once(self, position: Position) -> tuple[ReplayedRun, Overheads, Prediction]:
        """`once`, or what of it fits into a moment where there are thousands of cycles."""
        for share, following in pairwise((*SHARES, math.inf)):
            begin = time.thread_time()
            found = self.once(position, share)
            if (time.thread_time() - begin) * following / share > MOMENT:
                break
        return found

    def predict(self, position: Position) -> Prediction:
        """What `whatif` says of the same setting, growth and traffic, asked alone."""
        return self.predict_all([position.setting], position.scenario)[0]

    def predict_all(
        self,
        settings: Sequence[Setting],
        scenario: Future,
        progress: Callable[[float], None] | None = None,
    ) -> list[Prediction]:
        """What `whatif` says of settings that are asked together."""
        return predict(scenario.of(self.fit), settings, self.seed, progress=progress)

    def today(self) -> Prediction:
        """The setting of the log, with nothing changed."""
        (found,) = predict(self.fit, [self.fit.logged], self.seed)
        return found

    def tried(
        self,
        procs: int,
        scenario: Future,
        container: Bytes | None,
        progress: Callable[[float], None] | None = None,
    ) -> Tried:
        """The settings that `tune` tries for a container; without one, values of GOGC alone."""
        fit = scenario.of(self.fit)
        try:
            if container is not None:
                found = tune(fit, Goals(memory=container, procs=(procs,)), self.seed, progress)
                best = found.best.now if found.best else None
                return Tried([candidate.now for candidate in found.candidates], best)
        except UserError:
            pass  # the live heap does not fit: there is nothing to recommend
        settings = [Setting(percent, None, procs) for percent in PERCENTS]
        return Tried(predict(fit, settings, self.seed, SEEDS, DRAWS, progress), None)

"""What a page that works offline predicts beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sim.advice.api import Advice
from sim.advice.prediction import Prediction
from sim.advice.scenario import Future
from sim.explore.knobs import Position
from sim.fitting.fit import Fit
from sim.replay.program import Load
from sim.replay.setting import Setting
from sim.units import Bytes

GROWTH: Final = (0.0, 0.5)
TRAFFIC: Final = (1.0, 1.5)
TUNED: Final = 12
"""Settings of a search that are on its page: the cheapest that fit, and those that nearly do."""
AS_LOGGED: Final = Future()

Value = TypeVar("Value", bound=float)


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination of the values of the knobs, by field of Position."""

    values: Mapping[str, Sequence[Any]]
    settings: Sequence[Setting]
    """Of these combinations, the ones that are predicted."""
    start: Position
    """Where the knobs stand at first."""
    recommended: Prediction | None = None

    @classmethod
    def of(cls, fit: Fit, settings: Sequence[Setting], future: Future = AS_LOGGED) -> Grid:
        """The settings that were asked for and today's, each with more live heap and load."""
        every = [fit.logged, *settings]
        values = _values(fit, every, future, None)
        return cls(values, list(dict.fromkeys(every)), _start(fit.logged, future, None))

    @classmethod
    def of_tuning(cls, fit: Fit, advice: Advice) -> Grid:
        """The limits that a search tried, its cheapest GOGCs, and what it recommends."""
        container, best = advice.tuning.goals.memory, advice.confirmed
        tried = sorted(advice.tuning.candidates, key=lambda c: (bool(c.failures), _cost(c.now)))
        start = fit.logged if best is None else best.setting
        every = [fit.logged, start, *(candidate.setting for candidate in tried[:TUNED])]
        future = Future(growth=advice.tuning.goals.growth)
        values = _values(fit, every, future, container)
        return cls(values, list(dict.fromkeys(every)), _start(start, AS_LOGGED, container), best)


def _cost(prediction: Prediction) -> float:
    return prediction.middle.gc_cpu_share


def _values(
    fit: Fit, settings: Sequence[Setting], future: Future, container: Bytes | None
) -> dict[str, Sequence[Any]]:
    waiting = fit.program.load is Load.WAITING
    return {
        "gogc": _in_order(setting.gogc for setting in settings),
        "limit": _in_order(setting.memory_limit for setting in settings),
        "procs": _in_order(setting.procs for setting in settings),
        "traffic": _in_order((*TRAFFIC, future.traffic)) if waiting else (1.0,),
        "growth": _in_order((*GROWTH, future.growth)),
        "container": (container,),
    }


def _start(setting: Setting, future: Future, container: Bytes | None) -> Position:
    return Position(
        setting.gogc, setting.memory_limit, setting.procs, future.traffic, future.growth, container
    )


def _in_order(values: Iterable[Value | None]) -> list[Value | None]:
    """Each once, from small to large, None at the end."""
    return sorted(set(values), key=lambda value: (value is None, value or 0))

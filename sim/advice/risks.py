"""What goes wrong under a setting when the live heap grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sim.advice.prediction import Prediction, predict
from sim.advice.tuning import Goals, grown
from sim.fitting.fit import Fit
from sim.replay.program import Load
from sim.replay.setting import Setting
from sim.units import Fraction

THRASHING: Final[Fraction] = 1 / 3
"""Share of the CPU in collection. Chosen below the half at which the limiter acts, idle time
included (runtime/mgclimit.go); smaller warns earlier."""
_STEPS: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Growth of the live heap that is tried, relative to it."""
MOST_GROWTH: Final = _STEPS[-1]
_A_MOMENT: Final[Fraction] = 2.0
"""Growth of the live heap by what queues in a moment. A judgement: moments of overload made the six
MiB of a recorded service 11 and 60 (tests/golden/real-apps: caddy); only words depend on it."""


@dataclass(frozen=True, slots=True)
class Risks:
    """Growth of the live heap at which something breaks first; None: not before memory is full."""

    gc_cpu: Fraction | None
    """More GC CPU than asked for."""
    thrashing: Fraction | None
    limiter: Fraction | None
    """The GC CPU limiter lets the heap outgrow the limit."""
    out_of_memory: Fraction | None


def risks(fit: Fit, setting: Setting, goals: Goals, seed: int = 1) -> Risks:
    """Let the live heap grow in steps until the container is full."""
    seen: dict[str, float] = {}
    for growth in _STEPS:
        prediction = predict(grown(fit, growth), [setting], seed, seeds=1, draws=1)[0]
        for name in _broken(prediction, goals):
            seen.setdefault(name, growth)
        if "out_of_memory" in seen:
            break
    return Risks(*(seen.get(name) for name in ("gc_cpu", "thrashing", "limiter", "out_of_memory")))


def tips_over(fit: Fit, setting: Setting, seed: int = 1) -> Fraction | None:
    """Growth of the live heap by which collection takes so much that requests pile up further.

    A moment of overload is enough where the growth is no more than what it can queue; from there a
    service that waits for load may not come back. None: three times the live heap does not do it,
    or nothing piles up (no limit, a busy program).
    """
    if setting.memory_limit is None or fit.program.load is Load.BUSY:
        return None
    for growth in (step for step in _STEPS if step <= _A_MOMENT):
        prediction = predict(grown(fit, growth), [setting], seed, seeds=1, draws=1)[0]
        if prediction.middle.gc_cpu_share > THRASHING:
            return growth
    return None


def _broken(prediction: Prediction, goals: Goals) -> list[str]:
    share = prediction.middle.gc_cpu_share
    broken = {
        "gc_cpu": share > goals.max_gc_cpu,
        "thrashing": share > THRASHING,
        "limiter": prediction.middle.limited_seconds > 0,
        "out_of_memory": prediction.high.peak_rss_bytes > goals.memory,
    }
    return [name for name, is_broken in broken.items() if is_broken]

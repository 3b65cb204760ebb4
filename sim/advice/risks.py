"""What goes wrong under a setting when the live heap grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sim.advice.prediction import Prediction, predict
from sim.advice.tuning import Goals, grown
from sim.fitting.fit import Fit
from sim.replay.setting import Setting
from sim.units import Fraction

THRASHING: Final[Fraction] = 1 / 3
"""Share of the CPU in collection. Chosen below the half at which the limiter acts, idle time
included (runtime/mgclimit.go); smaller warns earlier."""
_STEPS: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Growth of the live heap that is tried, relative to it."""
MOST_GROWTH: Final = _STEPS[-1]


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


def _broken(prediction: Prediction, goals: Goals) -> list[str]:
    share = prediction.middle.gc_cpu_share
    broken = {
        "gc_cpu": share > goals.max_gc_cpu,
        "thrashing": share > THRASHING,
        "limiter": prediction.middle.limited_seconds > 0,
        "out_of_memory": prediction.high.peak_rss_bytes > goals.memory,
    }
    return [name for name, is_broken in broken.items() if is_broken]

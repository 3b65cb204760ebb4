"""The runtime's proportional-integral controller (runtime/mgcpacer.go: piController)."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class PIController:
    """Proportional-integral controller with bounded output (piController)."""

    kp: float
    ti: float
    """Integral time constant, in the unit of the period."""
    tt: float
    """Reset time: how fast the integral forgets what the bounds cut off."""
    low: float
    high: float
    error_integral: float = 0.0

    def next(self, measured: float, setpoint: float, period: float) -> float | None:
        """The output after a period in which `measured` was seen; None on overflow: a reset."""
        raw = self.kp * (setpoint - measured) + self.error_integral
        if not math.isfinite(raw):
            self.error_integral = 0.0
            return None
        output = min(max(raw, self.low), self.high)
        self.error_integral += (self.kp * period / self.ti) * (setpoint - measured) + (
            period / self.tt
        ) * (output - raw)
        if not math.isfinite(self.error_integral):
            self.error_integral = 0.0
            return None
        return output

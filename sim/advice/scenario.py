"""The program of a log in another future: more live heap, more or less load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sim.advice.tuning import grown
from sim.errors import UserError
from sim.fitting.fit import Fit
from sim.quantities import GROWTH, TRAFFIC
from sim.replay.program import Load
from sim.units import Fraction


@dataclass(frozen=True, slots=True)
class Future:
    """What may change beside the settings; by default nothing does."""

    growth: Fraction = 0.0
    """Of the live heap: 0.5 is half as much again."""
    traffic: Fraction = 1.0
    """Load offered to a program that waits for it, relative to that in the log."""

    def of(self, fit: Fit) -> Fit:
        """The program of the fit in this future.

        More load comes more often and is otherwise as before; what it keeps alive is `growth`.
        Raises UserError for other load of a program that is busy all the time.
        """
        changed = grown(fit, self.growth) if self.growth else fit
        return changed if self.traffic == 1.0 else _with_traffic(changed, self.traffic)


AS_TODAY: Final = Future()


def scenario(growth: str | float = 0.0, traffic: str | float = 1.0) -> Future:
    """A future as people type it: `50%` of growth, `150%` of today's traffic. Raises UserError."""
    return Future(GROWTH.read(growth), TRAFFIC.read(traffic))


def _with_traffic(fit: Fit, factor: Fraction) -> Fit:
    if fit.program.load is Load.BUSY:
        raise UserError(
            "traffic: the program of the log is busy all the time, so that no load limits it"
        )
    program = fit.program.with_work(factor)
    program = replace(
        program,
        cycles=tuple(replace(c, program_cpus=c.program_cpus * factor) for c in program.cycles),
        demanded_cpus=program.demanded_cpus * factor,
        marking_cpus=program.marking_cpus * factor,
    )
    arrivals = None if fit.arrivals is None else fit.arrivals * factor
    steady = None if fit.steady_from is None else fit.steady_from * factor
    return replace(fit, program=program, arrivals=arrivals, steady_from=steady)

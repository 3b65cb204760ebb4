"""For authors of policies: does yours keep its protocol? Every check raises AssertionError.

Each takes a policy, or for a pacer, which has state, a function that makes a fresh one, and says
in one sentence which promise of the protocol is broken, and with what value.
"""

from __future__ import annotations

from sim.scorecard.ideal import CycleSeen, IdealProgram
from sim.testing.arrivals import check_arrivals
from sim.testing.barrier import check_barrier
from sim.testing.distribution import check_distribution
from sim.testing.marker import check_marker
from sim.testing.pacer import check_pacer

__all__ = [
    "CycleSeen",
    "IdealProgram",
    "check_arrivals",
    "check_barrier",
    "check_distribution",
    "check_marker",
    "check_pacer",
]

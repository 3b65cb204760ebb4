"""Requests that may have triggered a cycle, and what they have left to do then."""

from __future__ import annotations

from typing import NamedTuple

from sim.fluid.flow import Flow
from sim.fluid.loads import OpenFlow
from sim.fluid.plan import Plan


class Opener(NamedTuple):
    """A load of requests, with its share of what triggers cycles."""

    source: OpenFlow
    share: float

    @property
    def unfinished(self) -> float:
        """The part of a visit that is left when it triggers, at any byte beyond its first."""
        prices = self.source.visit.prices
        return prices.later / prices.live / 2


class Rest(NamedTuple):
    """What the request that triggered has left to do, on average over all cycles."""

    chance: float
    """That a request did."""
    ns: float
    """Time."""
    slot_bytes: float
    """Bytes that it has left to allocate, as often as there is one."""


def openers(flow: Flow, plan: Plan) -> list[Opener]:
    """Loads of requests, when an allocation has triggered."""
    if not plan.live:
        return []
    return [
        Opener(source, source.speed * source.visit.prices.live / plan.live)
        for source in flow.sources
        if isinstance(source, OpenFlow) and source.visit.prices.live
    ]


def rest_of(found: list[Opener]) -> Rest:
    """What is left to do of the visit that is under way."""
    chance = rest = nbytes = 0.0
    for opener in found:
        visit = opener.source.visit
        left = opener.share * opener.unfinished
        chance += opener.share
        rest += left * 2 * visit.rest_share * visit.prices.ns
        nbytes += left * visit.prices.slot_bytes
    return Rest(chance, rest / max(chance, 1e-9), nbytes)

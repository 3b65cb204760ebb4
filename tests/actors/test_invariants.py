"""Whatever the program: memory, time and goroutines are neither lost nor counted twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings

from sim.config.run import RunConfig
from sim.record.facts import Request
from sim.units import US
from tests.actors.audit import audit, watch_goroutines
from tests.actors.programs import configs
from tests.worlds import instants, looks_inside, world_of

EVERY = 733 * US


def check(config: RunConfig) -> None:
    """Run to the end with audits on the way; then every request is explained."""
    facts: list[Any] = []
    world = world_of(config, facts.append)
    everybody = watch_goroutines(world)
    for _ in instants(world, EVERY):
        audit(world, everybody)
    done = [fact for fact in facts if isinstance(fact, Request)]
    for request in done:
        parts = request[5:]
        assert sum(parts) == request.end_ns - request.arrival_ns
        assert min(parts) >= -1, request  # whole ns: roundings may overlap by one
    ended = [g for g in everybody if g.load and g.body is None]
    assert Counter(g.arrival for g in ended) == Counter(request.arrival_ns for request in done)


@looks_inside
@settings(max_examples=30, deadline=None, derandomize=True)
@given(configs())
def test_every_instant_of_every_run_balances(config: RunConfig) -> None:
    check(config)


@looks_inside
@settings(max_examples=6, deadline=None, derandomize=True)
@given(configs(resolution="refill"))
def test_so_it_does_where_every_refill_is_an_event(config: RunConfig) -> None:
    check(config)

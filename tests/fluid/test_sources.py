"""Who wants the CPU, and when: flows of requests beside stops, timers and Ps that wake up."""

from __future__ import annotations

import numpy as np
import pytest

from sim.fluid.loads import ClosedFlow, OpenFlow
from sim.fluid.rates import ArrivalRates
from sim.fluid.visit import Visit, VisitPrices
from sim.units import MS, SECOND
from sim.workload.arrivals import Regular


def visit() -> Visit:
    """1 ms on a P, 9 ms of waiting in one go."""
    return Visit(cpu=1.0 * MS, blocked=9.0 * MS, runs=2.0, prices=VisitPrices(ns=1.0 * MS))


def requests(*, by_timer: bool) -> OpenFlow:
    """1,000 requests a second."""
    rng = np.random.Generator(np.random.PCG64(1))
    rates = ArrivalRates(Regular(1000.0), 0.0, SECOND, rng)
    return OpenFlow(visit(), 0.0, rates, rng, by_timer=by_timer)


def test_requests_that_timers_start_wait_until_a_p_looks_at_them() -> None:
    flow = requests(by_timer=True)
    flow.wait_for_timers(5.0 * MS)
    flow.plan(0.0, 4)
    assert flow.wanted == 0
    assert flow.change(0.0) == 5 * MS
    assert flow.advance(5.0 * MS, 5.0 * MS, 0.0) == 0
    flow.plan(5.0 * MS, 4)
    assert flow.wanted == pytest.approx(1)
    assert flow.advance(15.0 * MS, 10.0 * MS, 1 / MS) == pytest.approx(10)
    flow.look_at_timers()
    assert flow.backlog == pytest.approx(5)


def test_requests_from_the_network_do_not() -> None:
    flow = requests(by_timer=False)
    flow.wait_for_timers(5.0 * MS)
    flow.plan(0.0, 4)
    assert flow.wanted == pytest.approx(1)


def test_workers_of_a_closed_load_wait_for_ps_that_wake_up() -> None:
    flow = ClosedFlow(visit(), 0.0, workers=20)
    flow.plan(0.0, 100)
    assert flow.wanted == pytest.approx(20 / 10)
    flow.wake_ns = 0.5 * MS
    flow.plan(0.0, 100)
    assert flow.wanted == pytest.approx(20 / 11)


def test_workers_of_a_closed_load_wait_for_each_other_where_ps_are_few() -> None:
    flow = ClosedFlow(visit(), 0.0, workers=20)
    flow.plan(0.0, 2)
    assert 0 < flow.waiting < 4
    assert flow.wanted == pytest.approx((20 - flow.waiting) / 10)

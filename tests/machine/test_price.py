"""What marking costs: in memory that caches hold, and with the marker of another version."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.config.machine import load_profile
from sim.go.marker import MarkCounts
from sim.machine.price import apart_ns
from sim.machine.profile import ClassicMarkCosts
from sim.units import MiB

MACHINE = load_profile("avx512-x86-64")


@given(cache=st.floats(0, 64 * MiB), heap=st.floats(MiB, 1024 * MiB))
def test_only_what_no_cache_holds_costs_more_for_lying_apart(cache: float, heap: float) -> None:
    """Where heaps fit, their order is free; without a measured cache it never is."""
    costs = replace(MACHINE.mark, queued_apart_ns=20.0, cache_bytes=cache)
    found = apart_ns(MarkCounts(queued_apart=1000, span_bytes=heap), costs)
    assert found == pytest.approx(20_000 * max(1 - cache / heap, 0))


def test_the_classic_marker_has_its_own_costs_where_they_were_measured() -> None:
    """Predictions for older Go would take those of another marker."""
    own = ClassicMarkCosts(1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    measured = replace(MACHINE, mark_classic=own)
    classic = measured.marked_by("classic").mark
    assert {name: getattr(classic, name) for name in asdict(own)} == asdict(own)
    assert classic.stack_ns == MACHINE.mark.stack_ns
    assert measured.marked_by("greentea").mark == MACHINE.mark
    assert MACHINE.marked_by("classic").mark == MACHINE.mark

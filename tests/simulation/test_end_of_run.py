"""What a run holds when it ends is in its last sample."""

from __future__ import annotations

import pytest

from sim.config import load
from sim.simulation import simulate


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_nothing_is_pending_in_the_last_sample(detail: str) -> None:
    """A run that ends between two batches, or cycles, has all of its heap in memory."""
    run = simulate(load("cache", ["duration=300ms", f"model.detail={detail}"]))
    last = run.samples.iloc[-1]
    assert last["at_ns"] == 300_000_000
    assert run.samples["at_ns"].is_unique
    assert last["/memory/classes/heap/objects:bytes"] <= last["sim:heap/live:bytes"]
    in_spans = last[["/memory/classes/heap/objects:bytes", "/memory/classes/heap/unused:bytes"]]
    assert in_spans.sum() >= last["sim:heap/live:bytes"]
    assert last["sim:rss:bytes"] > last["sim:heap/live:bytes"]

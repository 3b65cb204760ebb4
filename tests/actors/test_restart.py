"""When the world starts for marking, idle Ps are woken for workers since Go 1.26."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

from sim.config import load
from sim.config.machine import load_profile
from sim.formats.gctrace import parse
from sim.runtime.stopping import woken_to_mark
from sim.simulation import simulate

ONE_BUSY = """
settings: {duration: 1s, GOMAXPROCS: 2}
mixes:
  node: [{size: 64B, pointers: 8, filled: 0.2}]
stores:
  live: {size: 4MiB, of: node}
goroutines:
  only:
    steps:
      - repeat:
          times: 1000
          steps: [{work: {cpu: 1ms, allocate: 128KiB, of: node, lives: step}}]
load:
  only: {goroutine: only, count: 1}
"""
"""One goroutine on two Ps: the other one idles, or marks."""


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_an_idle_p_is_woken_for_a_worker_with_the_world(tmp_path: Path, detail: str) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(ONE_BUSY)
    pauses = {}
    for go in ("1.25", "1.27"):
        lines = simulate(load(path, [f'go="{go}"', f"model.detail={detail}"])).gctrace()
        stops = [found.line.stw_sweep_termination for found in parse(lines.splitlines())]
        pauses[go] = median(stops)
    wake = load_profile("default-x86-64").stw.restart_per_p_ns
    assert pauses["1.27"] - pauses["1.25"] == pytest.approx(wake, rel=0.3)


def test_dedicated_workers_take_as_many_idle_ps_as_there_are_workers() -> None:
    assert [woken_to_mark(idle, 4, 0.0) for idle in (0, 3, 12)] == [0, 3, 4]
    assert woken_to_mark(1, 0, 0.25) == 1


def test_every_other_busy_p_is_woken_when_marking_begins(tmp_path: Path) -> None:
    """All four compute when the first cycle begins."""
    path = tmp_path / "w.yaml"
    path.write_text(ONE_BUSY.replace("count: 1", "count: 8, parallel: 8"))
    result = simulate(load(path, ["GOMAXPROCS=4", "duration=100ms"]))
    stops = result.pauses[result.pauses["kind"] == "sweep-termination"]
    stop, costs = stops.iloc[-1], load_profile("default-x86-64").stw
    woken = stop["total_ns"] - stop["stopping_ns"] - costs.start_work_ns
    assert woken == pytest.approx(3 * costs.restart_per_p_ns, rel=0.05)

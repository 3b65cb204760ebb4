"""Finalizers beside real Go: what they keep alive, how many there are, what they cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sim.config import load
from sim.simulation import simulate
from sim.truth import twin
from sim.truth.recorded import read_recorded
from sim.truth.toolchain import find_go

JOBS = 3000
FILES: dict[str, Any] = {
    "name": "files",
    "mixes": {
        "file": [{"size": "64B", "pointers": 2}],
        "node": [{"size": "256B", "pointers": 4}],
    },
    "stores": {"cache": {"size": "16MiB", "of": "node"}},
    "goroutines": {
        "job": {
            "steps": [
                {"work": {"cpu": "100us", "allocate": "32KiB", "of": "node", "into": "cache"}},
                {
                    "work": {
                        "cpu": "50us",
                        "allocate": "32KiB",
                        "of": "file",
                        "finalizer": "500ns",
                    }
                },
            ]
        }
    },
    "load": {"jobs": {"goroutine": "job", "count": JOBS, "parallel": 2}},
}


@pytest.mark.realgo
def test_the_heap_and_the_finalizers_are_those_of_a_real_program(tmp_path: Path) -> None:
    """Generous bounds: how far finalizers lag behind depends on what else the machine does."""
    config = load({"workload": FILES, "duration": "1min", "GOMAXPROCS": 2})
    log = tmp_path / "files.p2.gogc100.limnone.r0.gctrace"
    twin.run_twin(twin.build_twin(find_go()), config, log)
    facts = json.loads(log.with_suffix(".json").read_text())
    (figures,) = read_recorded(tmp_path).popitem()[1]
    result = simulate(config)
    ours = result.samples.iloc[-1]

    def real(metric: str) -> float:
        return float(facts["end"][metric] - facts["start"][metric])

    for metric, bound in {
        "/gc/heap/allocs:bytes": 0.15,
        "/gc/finalizers/queued:finalizers": 0.4,
        "/gc/finalizers/executed:finalizers": 0.5,
        "/gc/heap/frees:bytes": 0.5,
        "/memory/classes/other:bytes": 0.6,
    }.items():
        assert ours[metric] == pytest.approx(real(metric), rel=bound), metric
    marked = result.cycles["heap_marked"].median()
    assert 0.5 < marked / figures.marked_heap < 1.5  # finalizers lag, most on a busy machine

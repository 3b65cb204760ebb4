"""The twin does for real what the workload says, or validation would compare apples with pears."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sim.config import load
from sim.config.run import RunConfig
from sim.errors import UserError
from sim.truth import twin
from sim.truth.recorded import read_recorded
from sim.truth.toolchain import find_go

PROGRAM: dict[str, Any] = {
    "name": "small",
    "mixes": {
        "node": [{"size": "64B", "share": 3, "pointers": 4, "filled": 0.5}, {"size": "5B"}],
        "big": [{"size": {"uniform": ["600B", "40KiB"]}, "pointers": "all"}],
    },
    "stores": {
        "cache": {"size": "6MiB", "of": "node"},
        "log": {"size": "1MiB", "of": "node", "replacement": "oldest"},
    },
    "pools": {"buffers": {"size": "4KiB"}},
    "goroutines": {
        "request": {
            "stack": "4KiB",
            "idle_stack": "1KiB",
            "steps": [
                {"borrow": "buffers"},
                {"work": {"cpu": "20us", "allocate": "16KiB", "of": "node", "into": "cache"}},
                {"work": {"cpu": "20us", "allocate": "64KiB", "of": "big", "lives": "step"}},
                {"wait": {"exponential": "200us"}},
                {"work": {"cpu": "5us", "allocate": "4KiB", "of": "node"}},
                {"publish": "log"},
                {"spawn": {"goroutine": "child", "count": 2}},
            ],
        },
        "child": {
            "steps": [
                {"repeat": {"times": 2, "steps": [{"spin": "2us"}]}},
                {"work": {"cpu": 0, "allocate": "1KiB", "of": "node", "lives": "10ms"}},
            ]
        },
    },
    "load": {
        "api": {"goroutine": "request", "arrivals": {"regular": "500/s"}},
        "workers": {"goroutine": "child", "workers": 2, "think": "5ms"},
    },
}


@pytest.fixture
def config() -> RunConfig:
    return load({"workload": PROGRAM, "duration": "700ms", "GOMAXPROCS": 2, "GOGC": 50})


def test_arrivals_are_those_of_the_simulator(config: RunConfig) -> None:
    (api, workers) = twin.twin_spec(config)["load"]
    assert api["at"][:3] == [2_000_000, 4_000_000, 6_000_000]
    assert len(api["at"]) == 350
    assert workers == {"do": "closed", "goroutine": "child", "workers": 2, "think": [5e6]}


def test_objects_of_one_slot_are_one_kind_with_their_mean_size(config: RunConfig) -> None:
    """Their sizes on request decide how many there are, their slots what the heap sees."""
    mixes = twin.twin_spec(config)["mixes"]
    assert mixes["node"] == [
        {"size": 64, "words": 4, "filled": 0.5, "share": pytest.approx(3 * 1024), "requested": 64},
        {"size": 5, "words": 0, "filled": 1.0, "share": pytest.approx(1024), "requested": 5},
    ]
    total = sum(kind["share"] for kind in mixes["big"])
    mean = sum(kind["share"] * kind["requested"] for kind in mixes["big"]) / total
    assert mean == pytest.approx((600 + 40 * 1024) / 2, rel=0.001)
    assert all(kind["size"] >= 8 * kind["words"] for kind in mixes["big"])


def test_a_twin_that_fails_is_one_sentence(tmp_path: Path, config: RunConfig) -> None:
    broken = tmp_path / "twin"
    broken.write_text("#!/bin/sh\necho twin: out of luck >&2\nexit 2\n")
    broken.chmod(0o755)
    with pytest.raises(UserError, match=r"the twin of small failed: twin: out of luck"):
        twin.run_twin(broken, config, tmp_path / "small.gctrace")


def test_the_real_program_does_what_the_workload_says(tmp_path: Path, config: RunConfig) -> None:
    """On any machine, however busy: bounds are generous."""
    try:
        find_go()
    except UserError as error:
        pytest.skip(str(error))
    log = tmp_path / "small.p2.gogc50.limnone.r0.gctrace"
    twin.run_twin(twin.build_twin(), config, log)
    facts = json.loads(log.with_suffix(".json").read_text())
    assert facts["procs"] == 2
    assert facts["n"] > 50
    assert facts["cpu_wait_s"] >= 0
    allocated = facts["end"]["/gc/heap/allocs:bytes"] - facts["start"]["/gc/heap/allocs:bytes"]
    assert allocated > 50 * 84 * 1024
    (figures,) = read_recorded(tmp_path).popitem()[1]
    assert 5 <= figures.marked_heap / 2**20 <= 20
    assert figures.gc_cycles >= 1
    assert figures.latency_p50 > 0.0002
    assert figures.peak_rss > figures.marked_heap

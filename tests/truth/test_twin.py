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


@pytest.fixture(scope="module")
def executable() -> Path:
    """The twin, from the cache or built: that takes 20 s."""
    try:
        go = find_go()
    except UserError as error:
        pytest.skip(str(error))
    return twin.build_twin(go)


def run_really(
    executable: Path, folder: Path, load_of: dict[str, Any], duration: str
) -> dict[str, Any]:
    """What the twin of PROGRAM measured under another load."""
    program = {**PROGRAM, "load": load_of}
    config = load({"workload": program, "duration": duration, "GOMAXPROCS": 2, "GOGC": 50})
    log = folder / "small.p2.gogc50.limnone.r0.gctrace"
    twin.run_twin(executable, config, log)
    facts: dict[str, Any] = json.loads(log.with_suffix(".json").read_text())
    return facts


REQUESTS = 300
KIB_PER_REQUEST = 16 + 64 + 4 + 2 * 1


@pytest.mark.realgo
def test_the_real_program_does_what_the_workload_says(executable: Path, tmp_path: Path) -> None:
    """A batch ends when it is done, however long a busy machine takes."""
    batch = {"api": {"goroutine": "request", "count": REQUESTS, "parallel": 4}}
    facts = run_really(executable, tmp_path, batch, "1min")
    assert facts["procs"] == 2
    assert facts["n"] == REQUESTS
    assert facts["cpu_wait_s"] >= 0
    allocated = facts["end"]["/gc/heap/allocs:bytes"] - facts["start"]["/gc/heap/allocs:bytes"]
    assert 0.9 < allocated / (REQUESTS * KIB_PER_REQUEST * 1024) < 1.3  # slots are larger
    (figures,) = read_recorded(tmp_path).popitem()[1]
    assert 5 <= figures.marked_heap / 2**20 <= 20
    assert figures.gc_cycles >= 2
    assert figures.latency_p50 > 0.0002
    assert figures.peak_rss > figures.marked_heap


@pytest.mark.realgo
def test_requests_arrive_for_real_and_the_run_ends_in_time(
    executable: Path, tmp_path: Path
) -> None:
    """How many are answered depends on the machine; more than have arrived there cannot be."""
    facts = run_really(executable, tmp_path, {"api": PROGRAM["load"]["api"]}, "700ms")
    assert 1 <= facts["n"] <= 350
    assert 0 < facts["wall_s"] < 30

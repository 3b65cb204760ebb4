"""What is written in YAML is what the run gets: units, short forms, overrides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.config import NO_GC, load, load_program
from sim.units import MAX_INT64, GiB, KiB, MiB
from sim.workload.arrivals import Bursts, Poisson, Recorded, Regular, arrivals
from sim.workload.distributions import Choice, Constant, Exponential, Lognormal, Pareto, Uniform
from sim.workload.program import (
    Batch,
    Borrow,
    ClosedLoop,
    Collect,
    OpenLoop,
    Repeat,
    Spawn,
    Wait,
    Work,
)

WORKLOAD = """\
mixes:
  json: [{size: 64B, share: 2}, {size: 32B, pointers: all}]
stores:
  sessions: {size: 1MiB, of: json}
pools:
  buffers: {size: 4KiB}
goroutines:
  handler:
    steps:
      - borrow: buffers
      - work: {cpu: 300us, allocate: 96KiB, of: json}
  other: {steps: []}
load:
  api: {goroutine: handler, arrivals: {poisson: 2000/s}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config with its workload in the sibling folder."""
    (tmp_path / "workloads").mkdir()
    (tmp_path / "workloads/tiny.yaml").write_text(WORKLOAD, encoding="utf-8")
    (tmp_path / "configs").mkdir()
    path = tmp_path / "configs/tiny.yaml"
    path.write_text("workload: tiny\n", encoding="utf-8")
    return path


def steps(config: Path, *written: str) -> Any:
    text = f"workload.goroutines.handler.steps=[{', '.join(written)}]"
    return load(config, [text]).program.goroutines["handler"].steps


def size(config: Path, written: str) -> Any:
    return load(config, [f"workload.mixes.json.0.size={written}"]).program.mixes["json"][0].size


def api(config: Path, written: str) -> Any:
    return load(config, [f"workload.load={{api: null, it: {written}}}"]).program.load["it"]


def test_the_defaults_are_those_of_go(config: Path) -> None:
    run = load(config)
    assert (run.gc_percent, run.memory_limit, run.go) == (100, MAX_INT64, "1.27")


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("GOGC=off", "gc_percent", NO_GC),
        ("GOGC=0", "gc_percent", 0),
        ("GOMEMLIMIT=off", "memory_limit", MAX_INT64),
        ("GOMEMLIMIT=1.5GiB", "memory_limit", 3 * GiB // 2),
        ("GOMAXPROCS=8", "gomaxprocs", 8),
        ("duration=2m", "duration", 120_000_000_000),
        ("go='1.27'", "go", "1.27"),
        ("go=1.27", "go", "1.27"),
        ("machine=mine.yaml", "machine", "{folder}/mine.yaml"),
        ("machine=default-x86-64", "machine", "default-x86-64"),
    ],
)
def test_a_setting_has_gos_syntax(config: Path, text: str, field: str, value: object) -> None:
    (config.parent / "mine.yaml").touch()
    expected = value.format(folder=config.parent) if isinstance(value, str) else value
    assert getattr(load(config, [text]), field) == expected


@pytest.mark.parametrize(
    ("written", "step"),
    [
        ("{wait: 3ms}", Wait(Constant(3_000_000))),
        ("{wait: {exponential: 2ms}}", Wait(Exponential(2_000_000))),
        ("{wait: {time: {exponential: {average: 2ms}}}}", Wait(Exponential(2_000_000))),
        ("{work: 1us}", Work(Constant(1000))),
        ("{work: {cpu: 1us, lives: forever}}", Work(Constant(1000), lives="forever")),
        ("{work: {cpu: 1us, lives: 2s}}", Work(Constant(1000), lives=Constant(2_000_000_000))),
        ("{work: {cpu: 1us, pointer_writes: 5/ms}}", Work(Constant(1000), pointer_writes=5000.0)),
        ("{spawn: other}", Spawn("other")),
        ("{spawn: {goroutine: other, count: 8, wait: false}}", Spawn("other", 8, wait=False)),
        ("{borrow: buffers}", Borrow("buffers")),
        ("collect", Collect()),
        ("{collect: }", Collect()),
        ("{repeat: {times: 3, steps: [collect]}}", Repeat(3, (Collect(),))),
    ],
)
def test_a_step_may_be_written_short(config: Path, written: str, step: object) -> None:
    assert steps(config, written) == (step,)


@pytest.mark.parametrize(
    ("written", "distribution"),
    [
        ("96KiB", Constant(96 * KiB)),
        ("0", Constant(0)),
        ("{constant: 1MiB}", Constant(MiB)),
        ("{uniform: [64B, 1KiB]}", Uniform(64, KiB)),
        ("{uniform: {low: 64B, high: 1KiB}}", Uniform(64, KiB)),
        ("{lognormal: {median: 1KiB, p99: 1MiB}}", Lognormal(KiB, MiB)),
        ("{pareto: {minimum: 64B, alpha: 1.2, maximum: 1MiB}}", Pareto(64, 1.2, MiB)),
        ("{pareto: [64B, 1.2, 1MiB]}", Pareto(64, 1.2, MiB)),
        ("{choice: [64B, 1KiB]}", Choice((64, KiB))),
        ("{choice: {values: [64B, 1KiB], weights: [3, 1]}}", Choice((64, KiB), (3.0, 1.0))),
    ],
)
def test_a_distribution_is_in_the_unit_of_its_key(
    config: Path, written: str, distribution: object
) -> None:
    work = "{work: {cpu: 1us, of: json, allocate: " + written + "}}"
    assert steps(config, work)[0].allocate == distribution


@pytest.mark.parametrize(
    ("written", "load_kind"),
    [
        ("{goroutine: other, arrivals: {poisson: 20/s}}", OpenLoop("other", Poisson(20.0))),
        ("{goroutine: other, arrivals: {regular: {rate: 20/s}}}", OpenLoop("other", Regular(20.0))),
        (
            "{goroutine: other, arrivals: {bursts: [1/s, 9/s, 1s, 10s]}}",
            OpenLoop("other", Bursts(1.0, 9.0, 10**9, 10**10)),
        ),
        (
            "{goroutine: other, arrivals: {recorded: [1ms, 2ms]}}",
            OpenLoop("other", Recorded((1_000_000, 2_000_000))),
        ),
        (
            "{goroutine: other, workers: 4, think: 1ms}",
            ClosedLoop("other", 4, Constant(1_000_000)),
        ),
        ("{goroutine: other, count: 4, parallel: 2}", Batch("other", 4, 2)),
        ("{goroutine: other}", Batch("other")),
    ],
)
def test_the_kind_of_load_shows_in_its_keys(config: Path, written: str, load_kind: object) -> None:
    assert api(config, written) == load_kind


def test_an_assignment_changes_one_key_of_the_workload(config: Path) -> None:
    before = load(config).program
    after = load(config, ["workload.load.api.arrivals.poisson=3000/s"]).program
    assert after.load == {"api": OpenLoop("handler", Poisson(3000.0))}
    assert after.goroutines == before.goroutines


def test_the_last_assignment_wins(config: Path) -> None:
    assert load(config, ["GOGC=50", "GOGC=200"]).gc_percent == 200


def test_an_override_replaces_a_policy_by_another(config: Path) -> None:
    changed = ["workload.load.api.arrivals.regular=10/s"]
    assert load(config, changed).program.load["api"] == OpenLoop("handler", Regular(10.0))
    back = [*changed, "workload.load.api.arrivals.poisson=20/s"]
    assert load(config, back).program.load["api"] == OpenLoop("handler", Poisson(20.0))


def test_overrides_of_the_file_merge_and_null_removes(config: Path) -> None:
    config.write_text(
        "workload: tiny\n"
        "overrides:\n"
        "  load: {api: null, batch: {goroutine: other}}\n"
        "  goroutines: {handler: {steps: {1: {work: {allocate: 1KiB}}}}}\n",
        encoding="utf-8",
    )
    program = load(config).program
    assert program.load == {"batch": Batch("other")}
    work = program.goroutines["handler"].steps[1]
    assert isinstance(work, Work)
    assert (work.allocate, work.cpu) == (Constant(KiB), Constant(300_000))


def test_an_assignment_to_the_workload_beats_the_overrides_of_the_file(config: Path) -> None:
    config.write_text(
        "workload: tiny\noverrides: {globals: 1MiB}\n",
        encoding="utf-8",
    )
    assert load(config, ["workload.globals=2MiB"]).program.globals == 2 * MiB


def test_a_config_may_name_its_workload_by_path(config: Path) -> None:
    config.write_text("workload: ../workloads/tiny.yaml\n", encoding="utf-8")
    assert load(config).program == load_program(config.parent.parent / "workloads/tiny.yaml")


def test_a_config_may_be_called_as_its_workload(config: Path) -> None:
    assert load(config).workload == "tiny"


def test_a_policy_is_made_afresh_for_every_run(config: Path) -> None:
    """Runs of one config, side by side or one after the other, share no state."""
    marker = load(config).gc.marker
    assert marker.make() is not marker.make()


def test_a_go_version_has_the_marker_it_came_with(config: Path) -> None:
    """Green Tea is the default since Go 1.26, and could be chosen before."""
    markers = {
        version: load(config, [f"go={version}"]).gc.marker.name
        for version in ("1.21", "1.25", "1.26", "1.27")
    }
    assert markers == {
        "1.21": "classic",
        "1.25": "classic",
        "1.26": "greentea",
        "1.27": "greentea",
    }
    assert load(config, ["go=1.25", "gc.marker=greentea"]).gc.marker.name == "greentea"


def test_a_file_beside_the_config_brings_its_own_policies(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "_classes", dict(arrivals._classes))
    (config.parent / "night.py").write_text(
        "from dataclasses import dataclass\n"
        "from sim.workload.arrivals import arrivals\n"
        "from sim.units import PerSecond\n"
        "@arrivals.register('night')\n"
        "@dataclass(frozen=True)\n"
        "class Night:\n"
        "    rate: PerSecond\n",
        encoding="utf-8",
    )
    changed = ["plugins=[night.py]", "workload.load.api.arrivals.night=3/s"]
    load_of = load(config, changed).program.load["api"]
    assert isinstance(load_of, OpenLoop)
    assert type(load_of.arrivals).__name__ == "Night"
    assert vars(load_of.arrivals) == {"rate": 3.0}

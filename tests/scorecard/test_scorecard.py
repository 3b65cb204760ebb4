"""A scorecard says what a pacer changes, and only what is not of chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.cli import main
from sim.examples import examples
from sim.experiment.shipped import shipped
from sim.go.pacer.go127 import Go127Pacer
from sim.go.pacer.idle import IdleAwarePacer
from sim.scorecard.card import verdicts
from sim.scorecard.markdown import verdict
from sim.scorecard.scenarios import SCENARIOS, SETTLED, score
from sim.streams import Streams
from sim.testing import check_pacer
from sim.units import MS, MiB

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.mark.parametrize("name", ["Steady", "SteadyBigStacks", "SteadyBigGlobals"])
def test_go_1_27_keeps_what_gos_own_test_asks_of_it(name: str) -> None:
    """TestGcPacer: GC takes a quarter of the CPUs within 0.5 %, and ends within 5 % of its goal."""
    cycles = BY_NAME[name].run(Go127Pacer())
    assert len(cycles) == 50
    assert all(c.utilization == pytest.approx(0.25, rel=0.005) for c in cycles[SETTLED:])
    assert all(0.95 < c.goal_ratio < 1.05 for c in cycles[SETTLED:])


@pytest.mark.parametrize("name", ["OscAlloc", "JitterAlloc"])
def test_go_1_27_stays_near_a_quarter_where_allocation_varies(name: str) -> None:
    """TestGcPacer: between a quarter of the CPUs and 0.275 for jitter, 0.3 for oscillation."""
    found = score(BY_NAME[name].run(Go127Pacer()), 8)
    assert 0.25 <= found.utilization < 0.3
    assert found.overshoot < 0.05


def test_the_cost_of_a_scenario_is_what_marking_costs_per_allocation() -> None:
    """64 MiB are scanned at 1 MiB per CPU-ms while about as much is allocated: 1 ms per MiB."""
    found = score(BY_NAME["Steady"].run(Go127Pacer()), 8)
    assert found.cost * 1024 == pytest.approx(MS, rel=0.2)


def frame(effect: float, noise: float, workloads: int = 12) -> pd.DataFrame:
    draw = Streams(1)["test"]
    return pd.DataFrame(
        {
            "workload": f"w{w}",
            "pacer": pacer,
            "seed": seed,
            "gc_cpu": base * factor * float(np.exp(noise * draw.normal())),
            "overshoot": 0.0,
        }
        for w in range(workloads)
        for seed in range(5)
        for base in [10.0 ** (w - 6)]
        for pacer, factor in (("go1.27", 1.0), ("mine", 1 + effect))
    )


def test_a_tenth_less_gc_cpu_in_all_workloads_is_better_whatever_their_size() -> None:
    overshoot, cpu = verdicts([frame(-0.1, 0.03)], "go1.27")
    assert (cpu.measure, cpu.word, cpu.workloads) == ("gc_cpu", "better", 12)
    assert cpu.fewer > 9
    assert cpu.change.low < -0.1 < cpu.change.high
    assert (overshoot.word, overshoot.change.value) == ("", 0.0)


def test_noise_is_neither_better_nor_worse() -> None:
    assert [v.word for v in verdicts([frame(0.0, 0.1)], "go1.27")] == ["", ""]


def test_the_verdict_tells_what_is_surely_better_before_any_table() -> None:
    first, basis = verdict(verdicts([frame(-0.1, 0.03)], "go1.27"), "go1.27")
    assert first.startswith("mine against go1.27: better in GC CPU -")
    assert first.endswith("worse in nothing; 1 may be chance.")
    assert basis.startswith("Rests on: 12 workloads")


def test_the_idle_aware_pacer_keeps_the_promises_of_a_pacer() -> None:
    check_pacer(IdleAwarePacer)


def test_idle_ps_that_always_helped_shorten_the_runway_and_one_cycle_without_restores_it() -> None:
    def runway(idle: list[float]) -> int:
        pacer = IdleAwarePacer()
        pacer.configure(100, (1 << 63) - 1, 0)
        for share in idle:
            pacer.start_cycle(0, 4)
            pacer.update(MiB, MiB)
            pacer.add_scan_work("heap", 64 * MiB)
            pacer.add_mark_time("idle", int(4 * MS * share))
            pacer.end_cycle(MS, 4)
            pacer.reset_live(64 * MiB)
            pacer.commit(sweep_done=True)
        return pacer.runway

    assert runway([0.5] * 6) < runway([0.5] * 5 + [0.0]) == runway([0.0] + [0.5] * 4 + [0.0])


PLUGIN = """
from dataclasses import dataclass
from sim.go.pacer import pacers
from sim.examples import examples
from sim.experiment.shipped import shipped
from sim.go.pacer.go127 import Go127Pacer


@pacers.register("halfway")
@dataclass
class Halfway(Go127Pacer):
    '''Cycles start half-way to the goal.'''

    def trigger(self):
        goal = self.heap_goal()
        return self.heap_marked + max(goal - self.heap_marked, 0) // 2, goal
"""


def test_a_plug_in_is_scored_by_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "halfway.py"
    plugin.write_text(PLUGIN, encoding="utf-8")
    arguments = [
        "scorecard",
        "halfway",
        "--plugin",
        str(plugin),
        "--workloads",
        "hbsteady,garbage64",
        "--seeds",
        "2",
        "--duration",
        "1s",
        "--warmup",
        "0s",
        "--latency",
        "",
        "--out",
        str(tmp_path / "card"),
        "--table",
        str(tmp_path / "card.csv"),
        "--quiet",
    ]
    with pytest.raises(SystemExit) as end:
        main(arguments)
    printed = capsys.readouterr()
    assert not end.value.code, printed.err
    rows = pd.read_csv(tmp_path / "card.csv").set_index("measure")
    assert rows.loc["cycles", "change"] > 0  # it starts earlier, so it collects more often
    assert "GC cycles are no distribution" in printed.out
    assert "HeavyJitterAlloc" in printed.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--latency-duration", "1s"], "--latency-duration: expected more than the 1s of --warmup"),
        (["--warmup", "30s"], "--duration: expected more than the 30s of --warmup, got 20s"),
        (["--warmup", "soon"], "expected a duration"),
    ],
)
def test_runs_that_end_before_they_count_are_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["scorecard", "go1.18", *arguments])
    assert sentence in capsys.readouterr().err


def test_a_workload_without_requests_has_no_latency_to_judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = [
        "--seeds",
        "1",
        "--duration",
        "20ms",
        "--warmup",
        "10ms",
        "--latency-duration",
        "20ms",
        "-q",
    ]
    names = ["--workloads", "batch-parser", "--latency", "batch-parser"]
    with pytest.raises(SystemExit, match="2"):
        main(["scorecard", "go1.18", *names, *short, "--out", str(tmp_path)])
    assert "--latency: batch-parser: no request ended" in capsys.readouterr().err


def test_an_unknown_workload_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["scorecard", "go1.18", "--latency", "json-apy"])
    assert end.value.code == 2
    assert "did you mean 'json-api'" in capsys.readouterr().err


def test_the_card_is_over_all_shipped_workloads_but_those_that_do_not_run_as_rates() -> None:
    """What is left out is named; without it no pacer could be scored by default."""
    found = shipped()
    assert sorted([*found.fluid, *found.others]) == sorted(examples("workloads"))
    assert len(found.fluid) > len(found.others)
    assert all(name in found.note for name in found.others)


HALF_DONE = """
from dataclasses import dataclass
from sim.go.pacer import pacers


@pacers.register("half-done")
@dataclass
class HalfDone:
    def trigger(self) -> tuple[int, int]:
        return 0, 0
"""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["half-done"], "pacer 'half-done': HalfDone has no method configure: expected those of"),
        (["go1.18", "--workloads", " "], "--workloads: expected names of workloads, got none"),
        (["go1.27"], "expected a pacer beside go1.27, with which it is compared"),
        (["go1.18", "--out", ""], "--out: expected a folder"),
    ],
)
def test_what_cannot_be_judged_is_one_sentence_before_anything_is_simulated(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "half_done.py").write_text(HALF_DONE, encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["scorecard", *arguments, "--plugin", str(tmp_path / "half_done.py")])
    told = capsys.readouterr().err
    assert end.value.code == 2
    assert sentence in told
    assert len(told.splitlines()) == 1

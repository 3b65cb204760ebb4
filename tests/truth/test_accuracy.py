"""A published error is worth what its arithmetic is; and the model may not drift from real Go."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.cli import main
from sim.config import load
from sim.errors import UserError
from sim.simulation import simulate
from sim.truth.accuracy import accuracy, errors, markdown
from sim.truth.recorded import RecordedFigures, RecordedSetting, read_recorded, simulated
from sim.truth.verdict import of_errors
from sim.units import MiB

ROOT = Path(__file__).parents[2]
REAL = ROOT / "tests/golden/real"


def test_all_recorded_runs_are_read_with_what_their_names_say() -> None:
    runs = read_recorded(REAL)
    assert len(runs) == 20
    assert all(len(repetitions) == 2 for repetitions in runs.values())
    first = runs[RecordedSetting("hbsteady", "2", "100", "off")][0]
    assert first.gc_cycles == 95  # lines between `=== begin` and `=== end`
    assert first.latency_p50 == pytest.approx(5.093e-3, rel=1e-3)
    assert first.gc_cpu == pytest.approx(first.worker_cpu + first.idle_cpu + first.assist_cpu)


def test_filling_stores_is_not_measured_even_if_no_request_ends() -> None:
    """A server whose connections stay open would seem to collect its start-up."""
    sets = [
        "workload.load.clients.count=100",
        "workload.load.clients.parallel=100",
        "workload.stores.rooms.size=16MiB",
        "duration=1s",
    ]
    result = simulate(load({"workload": str(ROOT / "workloads/connections.yaml")}, sets))
    assert len(result.requests) == 0
    assert len(result.cycles) > 1
    assert simulated(result).gc_cycles == 0
    assert 0.5 < simulated(result).wall < 0.99


def test_the_garbage_benchmark_has_no_latency() -> None:
    runs = read_recorded(REAL)
    assert np.isnan(runs[RecordedSetting("garbage64", "1", "50", "off")][0].latency_p99)


def row(figure: str, real: float, simulated: float, spread: float = 0.0) -> dict[str, object]:
    setting = RecordedSetting("app", "2", "100", "off")._asdict()
    error = simulated / real - 1
    return {
        **setting,
        "figure": figure,
        "real": real,
        "simulated": simulated,
        "error": error,
        "spread": spread,
    }


def test_errors_above_and_below_do_not_cancel() -> None:
    table = pd.DataFrame([row("wall", 100, 110), row("wall", 100, 90)])
    assert errors(table).loc["wall", "median_error"] == pytest.approx(0.1)


def test_one_cycle_of_few_is_no_error_but_two_are() -> None:
    assert errors(pd.DataFrame([row("gc_cycles", 4, 5)])).loc["gc_cycles", "p90_error"] == 0
    assert errors(pd.DataFrame([row("gc_cycles", 4, 6)])).loc["gc_cycles", "p90_error"] == 0.5
    assert errors(pd.DataFrame([row("gc_cycles", 100, 101)])).loc["gc_cycles", "p90_error"] > 0


def test_a_small_heap_is_known_to_a_mib() -> None:
    """As logs write it: 0 MiB beside 1 MiB may be half a MiB twice."""
    for figure in ("peak_heap", "marked_heap"):
        small, large = row(figure, 1 * MiB, 0), row(figure, 20 * MiB, 21 * MiB)
        assert errors(pd.DataFrame([small])).loc[figure, "p90_error"] == 0
        assert errors(pd.DataFrame([large])).loc[figure, "p90_error"] == pytest.approx(0.05)


def test_every_figure_has_a_section_with_its_unit() -> None:
    text = markdown(pd.DataFrame([row("peak_heap", 1 << 20, 1 << 21, 0.05)]))
    assert "### peak_heap [MiB]" in text
    assert "+100.0%" in text
    assert "5.0%" in text


def test_a_program_that_was_not_recorded_is_named(tmp_path: Path) -> None:
    config = ROOT / "configs/quickstart.yaml"
    with pytest.raises(UserError, match="nothing was recorded of the workload 'json-api'"):
        accuracy([config], REAL)
    with pytest.raises(UserError, match="no recorded runs"):
        accuracy([config], tmp_path)


@pytest.mark.timeout(120)
def test_a_service_at_default_settings_is_near_its_real_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in REAL.glob("hbsteady.p2.gogc100.limnone.*"):
        shutil.copy(path, tmp_path)
    table = accuracy([ROOT / "configs/hbsteady.yaml"], tmp_path, seeds=(1,))
    errors_of = table.set_index("figure")["error"].abs()
    assert errors_of["gc_cycles"] < 0.15
    assert errors_of["peak_heap"] < 0.15
    assert errors_of["marked_heap"] < 0.1
    assert errors_of["latency_p50"] < 0.15
    assert set(table["figure"]) == set(RecordedFigures._fields)


def test_a_folder_without_runs_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["accuracy", str(ROOT / "configs/hbsteady.yaml"), "--recorded", str(tmp_path)])
    assert ended.value.code == 2
    assert "no recorded runs" in capsys.readouterr().err


def test_the_verdict_names_what_is_worse_than_real_runs_among_themselves() -> None:
    rows = [row("gc_cpu", 1.0, 1.2, 0.1), row("peak_rss", 100.0 * MiB, 105.0 * MiB, 0.1)]
    table = pd.DataFrame(rows).assign(repetitions=2)
    first, beyond, furthest, basis = of_errors(table)
    assert first == "Median error, simulated against real app: peak RSS 5.0%, GC CPU 20.0%."
    assert beyond == "By more than real runs differ among themselves: GC CPU."
    assert furthest == "Furthest off: GC CPU of app under GOGC=100 GOMAXPROCS=2, +20.0%."
    assert basis == "Rests on: 1 settings, 2 real runs."

"""Pictures show the figures of their run, and an empty run gives an empty picture, not a crash."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from sim.cli import main
from sim.config import load as load_config
from sim.errors import UserError
from sim.record.facts import RunInfo, Status
from sim.record.parquet import ParquetSink
from sim.record.recorder import Recorder
from sim.report.panels import (
    PANELS,
    gc_cpu_by_kind,
    heap,
    heaps,
    latency_distribution,
    pauses,
)
from sim.report.plot import overlay, plot, title_of
from sim.results import Result, load
from sim.simulation import simulate
from sim.units import MS, MiB


@pytest.fixture
def empty(tmp_path: Path) -> Result:
    info = RunInfo(
        "GOGC: 100", 1, "w", "events", "m", "0", "gomemsim 0", "3", "2", Status.COMPLETE, "", 0, 0
    )
    Recorder(ParquetSink(tmp_path / "empty"), info).seal(info)
    found = load(tmp_path / "empty")
    assert isinstance(found, Result)
    return found


def test_the_command_writes_a_png(
    run: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "fig.png"
    with pytest.raises(SystemExit) as end:
        main(["plot", run.name, "-o", str(picture)])
    assert not end.value.code
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in capsys.readouterr().out


def test_a_title_has_what_a_sweep_varies(run: Result) -> None:
    """Runs that differ in nothing else would have one name in a report."""
    assert title_of(run).startswith("hbsteady  GOGC=100 GOMEMLIMIT=off GOMAXPROCS=")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "settings", {"workload": "hbsteady", "gc.pacer": "go1.18"})
        assert title_of(run).endswith(" gc.pacer=go1.18  seed=1")


def test_the_heap_picture_has_goal_trigger_live_and_rss(run: Result) -> None:
    axes = Figure().subplots()
    heap(axes, run)
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    assert {"goal", "trigger", "heap", "RSS"} <= lines.keys()
    live = np.asarray(lines["heap"].get_ydata(), dtype=float)
    assert live == pytest.approx(run.samples["sim:heap/live:bytes"].to_numpy() / MiB)


def test_the_top_of_the_stack_is_all_gc_cpu_of_a_cycle(run: Result) -> None:
    axes = Figure().subplots()
    gc_cpu_by_kind(axes, run)
    kinds = ["dedicated_ns", "fractional_ns", "idle_ns", "assist_ns", "stw_cpu_ns"]
    top = max(shape.get_paths()[0].vertices[:, 1].max() for shape in axes.collections)
    assert top == pytest.approx(run.cycles[kinds].sum(axis=1).max() / MS)


def test_every_pause_and_request_is_in_the_picture(run: Result) -> None:
    axes = Figure().subplots()
    pauses(axes, run)
    drawn = [np.asarray(line.get_xdata()) for line in axes.get_lines()]
    assert sum(map(len, drawn)) == len(run.pauses)
    other = Figure().subplots()
    latency_distribution(other, run)
    assert len(other.get_lines()[0].get_xdata()) == len(run.service("requests"))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PANELS)
def test_a_run_without_rows_says_what_is_missing(name: str, empty: Result) -> None:
    axes = Figure().subplots()
    PANELS[name](axes, empty)
    assert axes.texts
    assert not axes.get_lines()


def test_an_unknown_ending_is_a_sentence(run: Result, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ends in \.pdf, \.png, \.svg"):
        plot(run, tmp_path / "fig.bmp")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        plot(run, tmp_path / "file" / "fig.svg")


def test_runs_are_drawn_over_each_other_by_what_tells_them_apart(
    run: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = simulate(load_config("hbsteady", ["duration=60ms", "GOGC=400"]), out=tmp_path / "b")
    picture = tmp_path / "both.svg"
    with pytest.raises(SystemExit) as end:
        main(["plot", run.name, other.name, "-o", str(picture)])
    assert not end.value.code
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
    capsys.readouterr()
    axes = Figure().subplots()
    heaps(axes, {"a": run, "b": other})
    assert [str(line.get_label()) for line in axes.get_lines()][::2] == ["a", "b"]
    with pytest.raises(UserError, match="at most 9 runs"):
        overlay({str(n): run for n in range(10)}, picture)

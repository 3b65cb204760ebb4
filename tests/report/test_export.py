"""Other tools find in an exported run what is in its tables."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sim.cli import main
from sim.config import load
from sim.errors import UserError
from sim.formats import benchfmt, chrome_trace, gctrace
from sim.formats.chrome_trace import Counter, TraceSlice
from sim.report import export
from sim.results import Result, load_run
from sim.simulation import simulate


def written(run: Result, name: str) -> str:
    out = io.StringIO()
    export.FORMATS[name]([run], out)
    return out.getvalue()


def test_a_trace_has_a_track_per_p_and_all_its_time(run: Result) -> None:
    events = chrome_trace.read(io.StringIO(written(run, "perfetto")))
    slices = [event for event in events if isinstance(event, TraceSlice)]
    on_ps = [event for event in slices if event.track.process == "Ps"]
    assert {event.track.name for event in on_ps} == {"P0", "P1"}
    spent = (run.slices["end_ns"] - run.slices["start_ns"]).sum()
    assert sum(event.duration for event in on_ps) == pytest.approx(spent, rel=1e-6)
    cycles = [event for event in slices if event.name.startswith("cycle ")]
    assert [event.start for event in cycles] == run.cycles["start_ns"].tolist()
    assert sum(event.track.name == "stop the world" for event in slices) == len(run.pauses)


def test_slices_of_a_track_nest_or_follow_each_other(run: Result) -> None:
    ends: dict[tuple[int, int], list[float]] = {}
    rows = json.loads(written(run, "perfetto"))["traceEvents"]
    slices = [row for row in rows if row["ph"] == "X"]
    for row in sorted(slices, key=lambda row: (row["ts"], -row["dur"])):
        open_ends = ends.setdefault((row["pid"], row["tid"]), [])
        while open_ends and open_ends[-1] <= row["ts"] + 1e-6:
            open_ends.pop()
        end = row["ts"] + row["dur"]
        assert not open_ends or end <= open_ends[-1] + 1e-6
        open_ends.append(end)


def test_curves_of_a_trace_are_the_samples(run: Result) -> None:
    events = chrome_trace.read(io.StringIO(written(run, "perfetto")))
    goals = [
        event.values["bytes"]
        for event in events
        if isinstance(event, Counter) and event.track.name == "goal"
    ]
    assert goals == run.samples["/gc/heap/goal:bytes"].tolist()


def test_benchstat_finds_settings_in_the_name_and_figures_with_units(run: Result) -> None:
    (result,) = benchfmt.parse(written(run, "benchfmt").splitlines())
    assert result.name == "Hbsteady/GOGC=100/GOMEMLIMIT=off-2"
    assert result.iterations == len(run.requests)
    figures = run.summary()
    assert result.values["latency_p99-ns"] == pytest.approx(figures["latency_p99"].value, rel=1e-3)
    assert result.values["gc_cpu-%"] == pytest.approx(100 * figures["gc_cpu"].value, rel=1e-3)
    assert result.config["gomemsim"] == run.run["gomemsim"]


def test_gctrace_is_what_the_run_would_have_printed(run: Result) -> None:
    text = written(run, "gctrace")
    assert text == run.gctrace()
    assert len(list(gctrace.parse(text.splitlines()))) == len(run.cycles)


def test_a_trace_of_two_runs_is_refused(run: Result) -> None:
    with pytest.raises(UserError, match="a trace holds one run, got 2"):
        export.perfetto([run, run], io.StringIO())


def typed(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["export", *arguments])
    return int(end.value.code or 0)


def test_the_command_writes_a_file_or_standard_output(
    run: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(run.name, "gctrace") == 0
    assert capsys.readouterr().out == run.gctrace()
    assert typed(run.name, "perfetto", "-o", str(tmp_path / "trace.json")) == 0
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]


def test_mistakes_are_sentences(
    run: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(run.name, "perfeto") == 2
    assert "did you mean 'perfetto'" in capsys.readouterr().err
    assert typed(str(tmp_path), "gctrace") == 2
    assert "not a run" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert typed(run.name, "gctrace", "-o", str(tmp_path / "file" / "x")) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_failed_export_leaves_the_file_as_it_was(
    run: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "keep.json"
    kept.write_text("precious")
    without = untimed(tmp_path)
    assert typed(str(without), "perfetto", "-o", str(kept)) == 2
    assert "--rerun" in capsys.readouterr().err
    assert kept.read_text() == "precious"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["keep.json", "short"]


def test_a_trace_can_be_had_of_a_run_that_recorded_no_timeline(tmp_path: Path) -> None:
    without = untimed(tmp_path)
    assert typed(str(without), "perfetto", "--rerun", "-o", str(tmp_path / "trace.json")) == 0
    events = chrome_trace.read(io.StringIO((tmp_path / "trace.json").read_text()))
    starts = [e.start for e in events if isinstance(e, TraceSlice) and e.name.startswith("cycle ")]
    assert starts == load_run(without).cycles["start_ns"].tolist()
    assert any(isinstance(e, TraceSlice) and e.track.process == "Ps" for e in events)


def untimed(folder: Path) -> Path:
    """20 ms of hbsteady, stored without a timeline."""
    config = load(Path(__file__).parents[2] / "configs" / "hbsteady.yaml", ["duration=20ms"])
    simulate(config, out=folder / "short")
    return folder / "short"


def test_benchstat_is_told_which_direction_is_better(run: Result) -> None:
    lines = [line for line in written(run, "benchfmt").splitlines() if line.startswith("Unit ")]
    assert "Unit gc_cpu-% better=lower" in lines
    assert "Unit throughput-/s better=higher" in lines
    assert "Unit ns/op better=lower" in lines
    # The grammar of golang.org/x/perf/benchfmt: unit, then key=value with a known key and value.
    assert all(re.fullmatch(r"Unit \S+ better=(higher|lower)", line) for line in lines)


@pytest.mark.skipif(shutil.which("benchstat") is None, reason="benchstat is not installed")
def test_the_real_benchstat_reads_the_export_without_a_complaint(
    run: Result, tmp_path: Path
) -> None:
    file = tmp_path / "runs.txt"
    file.write_text(written(run, "benchfmt") * 2)
    done = subprocess.run(["benchstat", file], capture_output=True, text=True, check=True)
    assert "gc_cpu-%" in done.stdout
    assert "error" not in done.stderr
    assert "syntax" not in done.stderr

"""A stored run opens as DataFrames with units, and a wrong path is one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sim.errors import UserError
from sim.record.facts import Pause, RunInfo, Status
from sim.record.parquet import ParquetSink
from sim.record.recorder import BLOCK_ROWS, Recorder
from sim.record.sample import Sample
from sim.results import Result, Results, load, load_run


def store(folder: Path, blank: Any, **info: Any) -> Recorder:
    run = blank(RunInfo, provenance="gomemsim 0", status=Status.RUNNING)._replace(**info)
    recorder = Recorder(ParquetSink(folder), run)
    recorder.emit(Pause(5, "mark-termination", 1, 20, 1))
    recorder.seal(run._replace(status=Status.COMPLETE))
    return recorder


def test_tables_come_with_their_units_and_meanings(tmp_path: Path, blank: Any) -> None:
    store(tmp_path / "a", blank, workload="api")
    run = load(tmp_path / "a")
    assert isinstance(run, Result)
    assert run.run["workload"] == "api"
    assert not run.partial
    assert run.pauses["total_ns"].tolist() == [20]
    assert run.pauses.attrs["units"]["total_ns"] == "ns"
    assert run.pauses.attrs["description"] == "A stop of the world."
    assert run.cycles.empty
    assert "/gc/heap/goal:bytes" in run.samples.columns
    assert not any(map(len, (run.requests, run.locks, run.spans, run.slices)))


def test_a_pattern_opens_all_runs_in_order(tmp_path: Path, blank: Any) -> None:
    for name in ("b", "a"):
        store(tmp_path / name, blank)
    (tmp_path / "notes").mkdir()
    runs = load(f"{tmp_path}/*")
    assert isinstance(runs, Results)
    assert [Path(name).name for name in runs] == ["a", "b"]
    assert runs.summary()["longest_pause"].tolist() == [20, 20]
    assert runs.summary().attrs["units"]["longest_pause"] == "ns"


def test_a_run_that_was_killed_says_that_it_is_partial(tmp_path: Path, blank: Any) -> None:
    recorder = Recorder(ParquetSink(tmp_path), blank(RunInfo, status=Status.RUNNING))
    for at in range(BLOCK_ROWS):
        recorder.emit(blank(Pause, at_ns=at))
        recorder.emit(blank(Sample, at_ns=at))
    run = load(tmp_path)
    assert isinstance(run, Result)
    assert run.partial
    assert len(run.pauses) == BLOCK_ROWS
    assert run.summary()["simulated"].value == run.end_ns == BLOCK_ROWS - 2


def test_runs_of_different_versions_are_not_mixed(tmp_path: Path, blank: Any) -> None:
    store(tmp_path / "a", blank)
    store(tmp_path / "b", blank, provenance="gomemsim 1")
    with pytest.raises(UserError, match=r"different versions of gomemsim: .*a from 0, .*b from 1"):
        load(f"{tmp_path}/*")


def test_runs_with_and_without_a_plug_in_are_compared(tmp_path: Path, blank: Any) -> None:
    store(tmp_path / "a", blank)
    store(tmp_path / "b", blank, provenance="gomemsim 0\nmy own.py 7")
    assert len(load(f"{tmp_path}/*")) == 2  # type: ignore[arg-type]
    store(tmp_path / "c", blank, provenance="gomemsim 0\nmy own.py 8")
    with pytest.raises(UserError, match=r"versions of my own\.py: .*b from 7, .*c from 8"):
        load(f"{tmp_path}/*")


def test_a_table_of_another_version_is_a_sentence(tmp_path: Path, blank: Any) -> None:
    store(tmp_path, blank)
    path, seal = tmp_path / "pauses.parquet", tmp_path / "run.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["cycle"]), path)
    pq.write_table(pq.read_table(seal).replace_schema_metadata(None), seal)  # as of before
    with pytest.raises(UserError, match="no column 'cycle': another version"):
        _ = load(tmp_path).pauses  # type: ignore[union-attr]


def test_wrong_paths_are_sentences(tmp_path: Path, blank: Any) -> None:
    with pytest.raises(UserError, match="no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(UserError, match="not a run"):
        load(tmp_path)
    with pytest.raises(UserError, match="no folder that matches"):
        load(f"{tmp_path}/*")


def test_the_folder_of_a_sweep_is_its_runs(tmp_path: Path, blank: Any) -> None:
    for name in ("a", "b"):
        store(tmp_path / "sweep" / name, blank)
    for pattern in ("sweep", "sweep/*", "swee*"):
        runs = load(tmp_path / pattern)
        assert isinstance(runs, Results)
        assert len(runs) == 2
    with pytest.raises(UserError, match="not a run"):
        load_run(tmp_path / "sweep")

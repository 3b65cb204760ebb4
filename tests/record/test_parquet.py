"""A run's folder keeps every fact, byte for byte the same each time, whatever ends the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.errors import ModelError, UserError
from sim.record.facts import TABLES, Fact, Pause, Request, RunInfo, Status
from sim.record.parquet import GROUP_ROWS, PARTIAL, ParquetSink, is_run, is_sealed, read_table
from sim.record.recorder import BLOCK_ROWS, MemorySink, Recorder

RUN = RunInfo(
    config="GOGC: 100",
    seed=1,
    workload="api",
    detail="events",
    profile="default",
    gomemsim="0.1.0",
    provenance="gomemsim 0",
    python="3.11",
    numpy="2.0",
    status=Status.RUNNING,
    reason="",
    end_ns=0,
    events=0,
)
COMPLETE = RUN._replace(status=Status.COMPLETE, end_ns=10, events=3)


def request(at: int) -> Request:
    return Request("web", f"kind{at % 3}", at, at + 1, at + 10, 1, 2, 0, 0, 1, 0, 0, 0, 6, 0)


def write_run(folder: Path, facts: list[Fact], end: RunInfo = COMPLETE) -> None:
    recorder = Recorder(ParquetSink(folder), RUN)
    for fact in facts:
        recorder.emit(fact)
    recorder.seal(end)


def test_every_row_comes_back_in_order(tmp_path: Path) -> None:
    facts = [request(at) for at in range(GROUP_ROWS + 2 * BLOCK_ROWS + 5)]
    write_run(tmp_path, [*facts, Pause(1, "mark-termination", 2, 3, 4)])
    rows = [tuple(row.values()) for row in read_table(tmp_path, "requests").to_pylist()]
    assert rows == [(*fact, "service") for fact in facts]
    assert read_table(tmp_path, "pauses").to_pylist() == [
        {
            "at_ns": 1,
            "kind": "mark-termination",
            "stopping_ns": 2,
            "total_ns": 3,
            "cycle": 4,
            "phase": "service",
        }
    ]
    assert read_table(tmp_path, "run").to_pylist() == [COMPLETE._asdict()]


def test_a_sealed_folder_holds_the_tables_and_nothing_else(tmp_path: Path) -> None:
    write_run(tmp_path, [])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{t}.parquet" for t in TABLES)
    assert all(read_table(tmp_path, table).num_rows == 0 for table in TABLES if table != "run")


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    facts: list[Fact] = [request(at) for at in range(3 * BLOCK_ROWS)]
    pauses: list[Fact] = [Pause(at, "x", 1, 2, 3) for at in range(100)]
    write_run(tmp_path / "a", [*facts, *pauses])
    write_run(tmp_path / "b", [*pauses, *facts])  # blocks are handed over at other times
    for table in TABLES:
        name = f"{table}.parquet"
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_new_run_replaces_the_old_one(tmp_path: Path) -> None:
    write_run(tmp_path, [request(1)])
    write_run(tmp_path, [request(2), request(3)])
    assert read_table(tmp_path, "requests")["arrival_ns"].to_pylist() == [2, 3]


def test_an_interrupted_run_says_so_and_keeps_its_rows(tmp_path: Path) -> None:
    write_run(tmp_path, [request(1)], RUN._replace(status=Status.INTERRUPTED, reason="Ctrl-C"))
    assert read_table(tmp_path, "run")["status"].to_pylist() == ["interrupted"]
    assert read_table(tmp_path, "requests").num_rows == 1


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_parquet import BLOCK_ROWS, RUN, ParquetSink, Pause, Recorder, request
recorder = Recorder(ParquetSink(Path({folder!r})), RUN)
recorder.emit(Pause(1, "x", 2, 3, 4))
for at in range(2 * BLOCK_ROWS + 7):
    recorder.emit(request(at))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_can_be_read_and_is_recognisable(tmp_path: Path) -> None:
    script = KILLED.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", script], check=False, env=_with_sim())
    assert ended.returncode == -signal.SIGKILL
    assert is_run(tmp_path)
    assert not is_sealed(tmp_path)
    assert read_table(tmp_path, "run")["status"].to_pylist() == ["running"]
    assert read_table(tmp_path, "requests").num_rows == 2 * BLOCK_ROWS
    assert read_table(tmp_path, "pauses").num_rows == 1  # as far as the requests, not lost
    assert read_table(tmp_path, "cycles").num_rows == 0


def _with_sim() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_stream_cut_anywhere_loses_only_the_block_it_was_cut_in(tmp_path: Path) -> None:
    recorder = Recorder(ParquetSink(tmp_path), RUN)
    for at in range(2 * BLOCK_ROWS):
        recorder.emit(request(at))
    stream = tmp_path / "partial" / "requests.arrows"
    whole = stream.read_bytes()
    for size in (0, 7, 100, len(whole) // 4, len(whole) // 2, len(whole) - 9):
        stream.write_bytes(whole[:size])
        rows = read_table(tmp_path, "requests")["arrival_ns"].to_pylist()
        assert rows == list(range(len(rows)))
        assert len(rows) % BLOCK_ROWS == 0
    assert len(rows) == BLOCK_ROWS


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write the tables"):
        ParquetSink(tmp_path / "file" / "run").open(pa.RecordBatch.from_pylist([]))


def test_a_damaged_table_is_a_sentence(tmp_path: Path) -> None:
    write_run(tmp_path, [])
    (tmp_path / "cycles.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"cycles\.parquet: damaged"):
        read_table(tmp_path, "cycles")
    write_run(tmp_path, [])
    whole = (tmp_path / "cycles.parquet").read_bytes()
    (tmp_path / "cycles.parquet").write_bytes(whole.replace(b"heap_goal", b"heap\x9cgoal"))
    with pytest.raises(UserError, match=r"cycles\.parquet: damaged"):
        read_table(tmp_path, "cycles")
    (tmp_path / "cycles.parquet").unlink()
    with pytest.raises(UserError, match="no table 'cycles'"):
        read_table(tmp_path, "cycles")


def test_the_files_explain_themselves(tmp_path: Path) -> None:
    write_run(tmp_path, [])
    schema = pq.read_schema(tmp_path / "cycles.parquet")
    assert schema.metadata[b"description"].startswith(b"A GC cycle")
    assert schema.field("heap_goal").metadata[b"unit"] == b"bytes"


def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    recorder = Recorder(ParquetSink(tmp_path), RUN)
    recorder.emit(request(0))
    tracemalloc.start()
    try:
        for at in range(30_000):
            recorder.emit(request(at))
        assert tracemalloc.get_traced_memory()[0] < 3_000_000  # kept, they would be 6 MB
        recorder.seal(COMPLETE)
    finally:
        tracemalloc.stop()


def test_a_run_that_breaks_off_leaves_the_former_one(tmp_path: Path) -> None:
    write_run(tmp_path, [request(1)])
    write_run(tmp_path, [request(2)], RUN._replace(status=Status.INTERRUPTED, reason="Ctrl-C"))
    assert read_table(tmp_path, "requests")["arrival_ns"].to_pylist() == [1]
    assert read_table(tmp_path / PARTIAL, "requests")["arrival_ns"].to_pylist() == [2]
    write_run(tmp_path, [request(3)])
    assert read_table(tmp_path, "requests")["arrival_ns"].to_pylist() == [3]
    assert not (tmp_path / PARTIAL).exists()


def test_the_second_of_two_runs_into_one_folder_is_refused(tmp_path: Path) -> None:
    first = Recorder(ParquetSink(tmp_path), RUN)
    first.begin()
    with pytest.raises(UserError, match="another run is writing there"):
        Recorder(ParquetSink(tmp_path), RUN).begin()
    first.emit(request(1))
    first.seal(COMPLETE)
    assert read_table(tmp_path, "requests").num_rows == 1
    write_run(tmp_path, [])


def test_a_dead_process_holds_no_lock(tmp_path: Path) -> None:
    script = KILLED.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    subprocess.run([sys.executable, "-c", script], check=False, env=_with_sim())
    assert (tmp_path / ".lock").exists()
    write_run(tmp_path, [request(5)])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{t}.parquet" for t in TABLES)


@pytest.mark.parametrize("moved", range(len(TABLES) + 1))
def test_a_kill_while_tables_come_to_their_places_is_seen_by_nobody(
    tmp_path: Path, moved: int
) -> None:
    """Whoever reads finds the new run, and the next run finishes the moves."""
    write_run(tmp_path, [request(1)])
    write_run(tmp_path / "new", [request(2), request(3)])
    whole = tmp_path / "new"
    whole.rename(tmp_path / ".whole")
    for table in sorted(TABLES, key=lambda table: table == "run")[:moved]:
        (tmp_path / ".whole" / f"{table}.parquet").replace(tmp_path / f"{table}.parquet")
    assert is_sealed(tmp_path)
    assert read_table(tmp_path, "requests")["arrival_ns"].to_pylist() == [2, 3]
    write_run(tmp_path, [], RUN._replace(status=Status.FAILED))
    assert read_table(tmp_path, "requests")["arrival_ns"].to_pylist() == [2, 3]
    assert not (tmp_path / ".whole").exists()


def test_rows_reach_the_disk_within_a_second_or_so(tmp_path: Path) -> None:
    recorder = Recorder(ParquetSink(tmp_path), RUN)
    recorder.begin()
    recorder.emit(request(1))
    deadline = time.monotonic() + 30
    while read_table(tmp_path, "requests").num_rows == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert read_table(tmp_path, "requests").num_rows == 1
    recorder.emit(request(2))
    recorder.seal(COMPLETE)
    assert read_table(tmp_path, "requests")["arrival_ns"].to_pylist() == [1, 2]


def test_a_wrong_value_found_between_two_blocks_ends_the_run(tmp_path: Path) -> None:
    recorder = Recorder(MemorySink(), RUN)
    recorder.emit(Pause(1, "x", 2, 3, "four"))  # type: ignore[arg-type]
    recorder.hand_over()
    with pytest.raises(ModelError, match="Pause: column 'cycle'"):
        recorder.seal(COMPLETE)

"""Execution traces: who ran for how long, and what for."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.formats.exec_trace import parse
from sim.formats.log import open_log
from sim.units import MS

REQUESTS = Path(__file__).parents[1] / "golden" / "exec_trace" / "requests.txt.gz"


def test_a_real_trace_of_a_hundred_requests() -> None:
    """Its program stands beside it: 100 times 2 ms of computing, one every 5 ms, on two Ps."""
    with open_log(REQUESTS) as lines:
        found = parse(lines)
    assert found.procs == 2
    assert 500 * MS < found.duration < 600 * MS
    requests = found.started["main.handle"]
    assert requests.count == 100
    assert 100 * 2 * MS < requests.cpu < 100 * 2.5 * MS
    assert requests.cpu < found.program_cpu < 1.05 * requests.cpu
    assert set(found.worker_cpu) == {"fractional", "idle"}
    assert found.program_cpu + sum(found.worker_cpu.values()) < found.procs * found.duration


def test_time_counts_while_a_goroutine_runs_and_for_the_worker_it_is_then() -> None:
    text = """
M=1 P=0 G=1 Metric Time=100 Name="/sched/gomaxprocs:threads" Value=Value{Uint64(4)}
M=1 P=0 G=1 StateTransition Time=100 GoID=7 NotExist->Runnable Reason=""
TransitionStack=
\tmain.serve @ 0x4a1ac0
\t\t/src/main.go:8

Stack=
\tmain.main @ 0x4a1a16
\t\t/src/main.go:9

M=2 P=1 G=-1 StateTransition Time=110 GoID=7 Runnable->Running Reason=""
M=2 P=1 G=7 StateTransition Time=150 GoID=7 Running->Waiting Reason="sleep"
M=2 P=1 G=-1 StateTransition Time=160 GoID=9 Runnable->Running Reason=""
M=2 P=1 G=9 Label Time=161 Label="GC (idle)" Resource=Goroutine(9)
M=2 P=1 G=9 StateTransition Time=181 GoID=9 Running->Waiting Reason="GC worker (idle)"
M=2 P=1 G=-1 StateTransition Time=190 GoID=7 Runnable->Running Reason=""
something else in between
M=2 P=1 G=7 Sync Time=200 N=2
"""
    found = parse(iter(text.splitlines(keepends=True)))
    assert (found.procs, found.duration) == (4, 100)
    assert found.worker_cpu == {"idle": 20}
    assert found.program_cpu == 40 + 1 + 10
    assert list(found.started) == ["main.serve"]
    assert (found.started["main.serve"].count, found.started["main.serve"].cpu) == (1, 50)


@pytest.mark.parametrize("text", ["", "nothing of the kind\n", "M=1 P=0 G=1 StateTransition\n"])
def test_what_is_no_trace_is_an_empty_one(text: str) -> None:
    found = parse(iter(text.splitlines(keepends=True)))
    assert (found.duration, found.procs, found.started) == (0, 0, {})

"""Runs made of a few facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import pandas as pd
import pytest

from sim.record.facts import Fact, RunInfo, Status
from sim.record.recorder import MemorySink, Recorder
from sim.record.schema import schema
from sim.results import Result

Blank: TypeAlias = Callable[..., Any]
MakeRun: TypeAlias = Callable[..., Result]
MakeFrame: TypeAlias = Callable[..., pd.DataFrame]


@pytest.fixture
def run_of(blank: Blank) -> MakeRun:
    """`run_of(facts, seed=2)`: a run in memory that told these facts."""

    def make(facts: Iterable[Fact] = (), **info: Any) -> Result:
        sink = MemorySink()
        known = {"gomemsim": "0.1.0", "provenance": "gomemsim 0", "status": Status.COMPLETE}
        run = blank(RunInfo, **known, **info)
        recorder = Recorder(sink, run)
        for fact in facts:
            recorder.emit(fact)
        recorder.seal(run)
        return Result("run", sink.table)

    return make


@pytest.fixture
def frame_of(blank: Blank) -> MakeFrame:
    """`frame_of(Cycle, {"number": 1}, {"number": 2})`: a table with these rows."""

    def make(fact: type[Fact], *rows: dict[str, Any]) -> pd.DataFrame:
        return pd.DataFrame([blank(fact, **row) for row in rows], columns=schema(fact).names)

    return make

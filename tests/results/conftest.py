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


def _blank(fact: type[Fact], **values: Any) -> Any:
    empty = {"int64": 0, "double": 0.0, "string": "", "bool": False}
    row = fact(*(empty[str(field.type)] for field in schema(fact)))
    return row._replace(**values)  # type: ignore[attr-defined]


@pytest.fixture
def blank() -> Blank:
    """`blank(Cycle, number=3)`: a fact with nothing in it but what is given."""
    return _blank


@pytest.fixture
def run_of() -> MakeRun:
    """`run_of(facts, seed=2)`: a run in memory that told these facts."""

    def make(facts: Iterable[Fact] = (), **info: Any) -> Result:
        sink = MemorySink()
        known = {"gomemsim": "0.1.0", "provenance": "gomemsim 0", "status": Status.COMPLETE}
        run = _blank(RunInfo, **known, **info)
        recorder = Recorder(sink, run)
        for fact in facts:
            recorder.emit(fact)
        recorder.seal(run)
        return Result("run", sink.table)

    return make


@pytest.fixture
def frame_of() -> MakeFrame:
    """`frame_of(Cycle, {"number": 1}, {"number": 2})`: a table with these rows."""

    def make(fact: type[Fact], *rows: dict[str, Any]) -> pd.DataFrame:
        return pd.DataFrame([_blank(fact, **row) for row in rows], columns=schema(fact).names)

    return make

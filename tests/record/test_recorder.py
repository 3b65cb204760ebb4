"""Facts become tables with the names, units and meanings that their classes state."""

from __future__ import annotations

from timeit import repeat
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
import pytest

from sim.errors import ModelError
from sim.formats.runtime_metrics import MetricKind
from sim.formats.runtime_metrics_catalogue import CATALOGUE
from sim.record.column import Column
from sim.record.facts import TABLES, Cycle, Pause, Request, RunInfo, Status
from sim.record.recorder import BLOCK_ROWS, MemorySink, Recorder
from sim.record.schema import schema

RUN = RunInfo(
    "GOGC: 100",
    1,
    "api",
    "events",
    "p",
    "0.1.0",
    "gomemsim 0",
    "3.11",
    "2.0",
    Status.RUNNING,
    "",
    0,
    0,
)


def test_samples_use_the_names_and_types_of_go() -> None:
    for field in schema(TABLES["samples"]):
        if not field.name.startswith("/"):
            assert field.name == "at_ns" or field.name.startswith("sim:")
            continue
        kind = {pa.int64(): MetricKind.UINT64, pa.float64(): MetricKind.FLOAT64}[field.type]
        assert CATALOGUE[field.name].kind is kind
        assert field.metadata[b"unit"].decode() == CATALOGUE[field.name].unit


@pytest.mark.parametrize("prefix", ["/memory/classes/", "/cpu/classes/", "/gc/heap/", "/gc/scan/"])
def test_samples_leave_out_no_class_that_has_a_sum(prefix: str) -> None:
    known = {name for name, metric in CATALOGUE.items() if metric.kind is not MetricKind.HISTOGRAM}
    expected = {name for name in known if name.startswith(prefix)}
    assert expected <= set(schema(TABLES["samples"]).names)


@pytest.mark.parametrize("table", TABLES)
def test_every_column_says_its_unit_and_meaning(table: str) -> None:
    fields = schema(TABLES[table])
    assert fields.metadata[b"description"]
    assert all(field.metadata[b"unit"] and field.metadata[b"meaning"] for field in fields)


def test_tables_can_be_used_without_files() -> None:
    sink = MemorySink()
    recorder = Recorder(sink, RUN)
    facts = [Request("web", "get", at, *range(12)) for at in range(BLOCK_ROWS + 1)]
    for fact in facts:
        recorder.emit(fact)
    recorder.seal(RUN._replace(status=Status.COMPLETE))
    assert sink.table("requests")["arrival_ns"].to_pylist() == list(range(BLOCK_ROWS + 1))
    assert sink.table("run")["status"].to_pylist() == ["complete"]


class Lonely(NamedTuple):
    """A field that says nothing about itself."""

    at: int


class Odd(NamedTuple):
    """A type that no column holds."""

    at: Annotated[complex, Column("ns", "when")]


def test_a_fact_without_a_table_is_refused() -> None:
    with pytest.raises(KeyError):
        Recorder(MemorySink(), RUN).emit(Lonely(1))
    with pytest.raises(TypeError, match=r"Lonely\.at has no Column"):
        schema(Lonely)
    with pytest.raises(TypeError, match="no column holds complex"):
        schema(Odd)


@pytest.mark.parametrize("wrong", [1.5, "long", None, 1 << 63])
def test_a_value_that_its_column_cannot_hold_is_named(wrong: object) -> None:
    recorder = Recorder(MemorySink(), RUN)
    recorder.emit(Pause(1, "x", 2, 3, wrong))  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="Pause: column 'cycle'"):
        recorder.seal(RUN)


def test_what_is_not_known_is_null_and_not_zero(blank: Any) -> None:
    sink = MemorySink()
    recorder = Recorder(sink, RUN)
    recorder.emit(blank(Cycle, assists=3, sweep_ratio=0.5))
    recorder.emit(blank(Cycle, assists=None, sweep_ratio=None))
    recorder.seal(RUN)
    cycles = sink.table("cycles")
    assert cycles["assists"].to_pylist() == [3, None]
    assert cycles["sweep_ratio"].to_pylist() == [0.5, None]
    recorder.emit(blank(Cycle, assists=1.5))
    with pytest.raises(ModelError, match="column 'assists'"):
        recorder.seal(RUN)
    recorder = Recorder(sink, RUN)
    recorder.emit(blank(Cycle, heap_end=None))
    with pytest.raises(ModelError, match="column 'heap_end'"):
        recorder.seal(RUN)


def test_emitting_is_cheap() -> None:
    recorder = Recorder(MemorySink(), RUN)
    fact = Request("web", "get", *range(13))
    best = min(repeat(lambda: recorder.emit(fact), number=8 * BLOCK_ROWS, repeat=3))
    cost = best / (8 * BLOCK_ROWS) * 1e6
    print(f"emit: {cost:.2f} us per row of {len(fact)} columns")  # noqa: T201  the machine decides

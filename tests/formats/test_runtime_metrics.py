from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.formats.log import Problem
from sim.formats.runtime_metrics import (
    TIME_BUCKETS,
    Dump,
    Histogram,
    format_line,
    parse,
    size_buckets,
    time_bucket,
)
from sim.formats.runtime_metrics_catalogue import CATALOGUE

GOLDEN = Path(__file__).parents[1] / "golden" / "runtime_metrics"
BOUNDS = {
    name: tuple(map(float, bounds))
    for name, bounds in json.loads((GOLDEN / "buckets.json").read_text()).items()
}


def test_the_catalogue_is_that_of_go_1_27_name_by_name() -> None:
    rows = [json.loads(line) for line in (GOLDEN / "catalogue.jsonl").read_text().splitlines()]
    assert [
        {"name": metric.name, "kind": metric.kind.value, "cumulative": metric.cumulative}
        for metric in CATALOGUE.values()
    ] == rows


def test_units_come_from_names() -> None:
    assert CATALOGUE["/gc/heap/goal:bytes"].unit == "bytes"
    assert CATALOGUE["/cpu/classes/idle:cpu-seconds"].unit == "cpu-seconds"


def test_the_bounds_of_time_histograms_are_those_of_go_bit_for_bit() -> None:
    assert BOUNDS["time"] == TIME_BUCKETS


def test_the_bounds_of_size_histograms_follow_from_the_size_classes() -> None:
    classes = [int(bound) - 1 for bound in BOUNDS["size"][1:-1]]
    assert size_buckets(classes) == BOUNDS["size"]


@given(st.one_of(st.integers(-10, 2_000), st.integers(0, 1 << 50)))
def test_a_duration_falls_between_the_bounds_of_its_bucket(duration: int) -> None:
    index = time_bucket(duration)
    assert TIME_BUCKETS[index] <= duration / 1e9 < TIME_BUCKETS[index + 1]


@pytest.mark.parametrize("bits", range(5, 48))
def test_bounds_belong_to_the_bucket_above(bits: int) -> None:
    assert time_bucket(1 << bits) > time_bucket((1 << bits) - 1) or bits == 5


def test_dumps_of_a_real_program_are_read_and_written_back() -> None:
    lines = (GOLDEN / "dump.jsonl").read_text().splitlines()
    dumps = [dump for _, dump in parse(lines)]
    assert [set(dump.values) for dump in dumps] == [set(CATALOGUE)] * len(lines)
    pauses = dumps[-1].values["/sched/pauses/total/gc:seconds"]
    assert isinstance(pauses, Histogram)
    assert pauses.buckets == TIME_BUCKETS
    assert sum(pauses.counts) > 0
    assert [json.loads(format_line(dump)) for dump in dumps] == [json.loads(x) for x in lines]


values = st.one_of(
    st.integers(0, 1 << 64),
    st.floats(0, allow_infinity=False),
    st.lists(st.integers(0, 1 << 64), min_size=1, max_size=5).map(
        lambda counts: Histogram(
            (-math.inf, *map(float, range(len(counts) - 1)), math.inf), tuple(counts)
        )
    ),
)


@given(
    st.builds(
        Dump,
        st.none() | st.integers(0, 1 << 60),
        st.dictionaries(st.sampled_from(sorted(CATALOGUE)), values, max_size=4),
    )
)
def test_what_was_written_is_read_back(dump: Dump) -> None:
    assert [read for _, read in parse([format_line(dump)])] == [dump]


def test_metrics_of_a_newer_go_are_kept() -> None:
    ((_, dump),) = parse(['{"at_ns": 5, "/gc/new:things": 7, "host": "a"}'])
    assert dump == Dump(5, {"/gc/new:things": 7})


@pytest.mark.parametrize(
    "line",
    [
        '{"/gc/heap/goal:bytes": 1',
        '{"/gc/heap/goal:bytes": -1}',
        '{"/a:b": NaN}',
        '{"/a:b": "x"}',
        '{"/a:b": true}',
        '{"/a:s": {"counts": [1]}}',
        '{"at_ns": "soon"}',
        '{"/a:s": {"buckets": [0, 1], "counts": [1, 2]}}',
        '{"/a:s": {"buckets": [1, 0], "counts": [1]}}',
        '{"/a:s": {"buckets": [0, 1], "counts": [-1]}}',
        '{"/a:s": {"buckets": 3, "counts": [1]}}',
    ],
)
def test_damaged_dumps_are_reported_and_not_used(line: str) -> None:
    problems: list[Problem] = []
    assert not list(parse(["started", line], problems.append))
    assert [(problem.line_number, problem.kept) for problem in problems] == [(2, False)]

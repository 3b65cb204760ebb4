from __future__ import annotations

import math
from pathlib import Path

import pytest

from sim.errors import UserError
from sim.formats import runtime_metrics as rm
from sim.formats.log import Problem
from sim.formats.prometheus import (
    OLDER_FAMILIES,
    MetricSample,
    family_name,
    format_lines,
    parse,
    rebucket,
    runtime_metrics,
)
from sim.formats.runtime_metrics import Histogram
from sim.formats.runtime_metrics_catalogue import CATALOGUE

GOLDEN = Path(__file__).parents[1] / "golden"
EXPOSED = (GOLDEN / "prometheus" / "client_golang.prom").read_text().splitlines()
DUMP = (GOLDEN / "runtime_metrics" / "dump.jsonl").read_text().splitlines()[-1]
((_, dumped),) = rm.parse([DUMP])
# What the Go collector takes from elsewhere: ReadGCStats, the build, the thread profile.
NOT_A_RUNTIME_METRIC = (
    "go_gc_duration_seconds",
    "go_info",
    "go_threads",
    "go_memstats_last_gc_time_seconds",
    "go_memstats_lookups_total",
    "go_goroutines",
)


def without_values(lines: list[str]) -> list[str]:
    """Types, names, labels and bounds: everything that does not change from scrape to scrape."""
    return [
        line if line.startswith("#") else line.rpartition(" ")[0]
        for line in lines
        if not line.startswith("# HELP")
    ]


def test_families_types_and_bounds_are_those_of_client_golang() -> None:
    foreign = tuple(start for name in NOT_A_RUNTIME_METRIC for start in (f"# TYPE {name}", name))
    expected = [line for line in without_values(EXPOSED) if not line.startswith(foreign)]
    assert without_values(list(format_lines(dumped.values))) == expected


def test_every_runtime_metric_is_found_in_a_real_exposition() -> None:
    values = runtime_metrics(parse(EXPOSED))
    assert set(values) == set(CATALOGUE)
    assert values["/gc/gogc:percent"] == 100
    pauses = values["/sched/pauses/total/gc:seconds"]
    assert isinstance(pauses, Histogram)
    assert sum(pauses.counts) > 0


def test_older_families_agree_with_the_metrics_they_stand_for() -> None:
    samples = {sample.name: sample.value for sample in parse(EXPOSED)}
    for family, names in OLDER_FAMILIES.items():
        assert samples[family] == sum(samples[family_name(CATALOGUE[name])] for name in names)


def test_a_program_that_exposes_only_the_older_families_can_be_read() -> None:
    older = [line for line in EXPOSED if line.startswith("go_memstats_")]
    values = runtime_metrics(parse(older))
    assert set(values) == {
        names[0]
        for family, names in OLDER_FAMILIES.items()
        if len(names) == 1 and family.startswith("go_memstats_")
    }


def test_what_was_written_is_read_back_and_written_again_alike() -> None:
    written = list(format_lines(dumped.values))
    values = runtime_metrics(parse(written))
    assert set(values) == set(dumped.values)
    assert list(format_lines(values)) == written
    exact = {name: value for name, value in dumped.values.items() if isinstance(value, float)}
    assert {name: values[name] for name in exact} == exact


def test_no_count_is_lost_when_bounds_get_fewer() -> None:
    fine = Histogram(rm.TIME_BUCKETS, tuple(range(len(rm.TIME_BUCKETS) - 1)))
    coarse = rebucket(fine, "seconds")
    assert sum(coarse.counts) == sum(fine.counts)
    assert coarse.buckets[-2] <= 1.0
    assert rebucket(coarse, "seconds") == coarse


def test_labels_timestamps_and_exemplars_are_read() -> None:
    lines = [
        'up{instance="a\\"b\\\\c\\nd", job="x",} 1 1700000000000',
        'lat_bucket{le="+Inf"} 3 # {trace_id="7"} 0.5',
        "# a comment",
        "",
        "temp -2.5e-3",
        "odd NaN",
    ]
    first, second, third, fourth = parse(lines)
    assert first == MetricSample("up", {"instance": 'a"b\\c\nd', "job": "x"}, 1.0, at=1.7e9)
    assert second == MetricSample("lat_bucket", {"le": "+Inf"}, 3.0)
    assert third.value == -0.0025
    assert math.isnan(fourth.value)


@pytest.mark.parametrize("line", ["go_goroutines", "go_goroutines eight", "x{a=b} 1", "<html>"])
def test_what_is_no_sample_is_reported(line: str) -> None:
    problems: list[Problem] = []
    assert not list(parse([line], problems.append))
    assert [problem.line_number for problem in problems] == [1]


@pytest.mark.parametrize(
    "lines",
    [
        ["go_memstats_sys_bytes NaN"],
        ["go_memstats_sys_bytes -1"],
        ["go_sched_latencies_seconds_bucket 3"],
        ['go_sched_latencies_seconds_bucket{le="0.1"} 3'],
        [
            'go_sched_latencies_seconds_bucket{le="1"} 3',
            'go_sched_latencies_seconds_bucket{le="+Inf"} 2',
        ],
        ['go_sched_latencies_seconds_bucket{le="+Inf"} 3'] * 2,
    ],
)
def test_values_no_metric_can_have_are_one_sentence(lines: list[str]) -> None:
    with pytest.raises(UserError, match=r"^(go_|/sched/).*: expected"):
        runtime_metrics(parse(lines))

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.formats.benchfmt import BenchmarkResult, format_lines, parse
from sim.formats.log import Problem

GO_TEST = """goos: linux
goarch: amd64
pkg: encoding/json
cpu: AMD EPYC 7B13
BenchmarkCodeEncoder
BenchmarkCodeEncoder-8   \t     100\t  10279100 ns/op\t 188.78 MB/s
BenchmarkDecode/depth=2-8 \t 2000000\t       612.5 ns/op\t     184 B/op\t       4 allocs/op
    bench_test.go:10: a remark
PASS
ok  \tencoding/json\t3.2s
"""


def test_the_output_of_go_test_is_read() -> None:
    encoder, decode = parse(GO_TEST.splitlines())
    assert encoder.name == "CodeEncoder-8"
    assert encoder.values == {"ns/op": 10279100, "MB/s": 188.78}
    assert decode.iterations == 2000000
    assert decode.values["allocs/op"] == 4
    assert decode.config == {
        "goos": "linux",
        "goarch": "amd64",
        "pkg": "encoding/json",
        "cpu": "AMD EPYC 7B13",
    }


def test_a_configuration_is_written_once_and_taken_back() -> None:
    first = BenchmarkResult("A-2", 1, {"ns/op": 1.5}, {"gogc": "100"})
    second = BenchmarkResult("A-2", 1, {"ns/op": 2.0}, {"gogc": "100"})
    third = BenchmarkResult("A-2", 1, {"ns/op": 2.0})
    lines = list(format_lines([first, second, third]))
    assert lines == [
        "gogc: 100",
        "BenchmarkA-2\t1\t1.5 ns/op",
        "BenchmarkA-2\t1\t2 ns/op",
        "gogc:",
        "BenchmarkA-2\t1\t2 ns/op",
    ]
    assert list(parse(lines)) == [first, second, third]


words = st.text("abcXYZ019_/=%-", min_size=1, max_size=8)
results = st.builds(
    BenchmarkResult,
    words.filter(lambda name: not name[0].islower()),
    st.integers(1, 1 << 60),
    st.dictionaries(words, st.floats(allow_nan=False, allow_infinity=False), min_size=1),
    st.dictionaries(st.text("abc019-", min_size=1).map("k".__add__), words, max_size=3),
)


@given(st.lists(results, max_size=4))
def test_what_was_written_is_read_back(many: list[BenchmarkResult]) -> None:
    assert list(parse(format_lines(many))) == many


@pytest.mark.parametrize(
    "line", ["BenchmarkA-8 x 3 ns/op", "BenchmarkA-8 10 3", "BenchmarkA-8 10 x ns/op"]
)
def test_damaged_results_are_reported(line: str) -> None:
    problems: list[Problem] = []
    assert not list(parse([line], problems.append))
    assert [problem.line_number for problem in problems] == [1]


@pytest.mark.parametrize(
    "result",
    [
        BenchmarkResult("a b", 1, {"ns/op": 1}),
        BenchmarkResult("lower", 1, {"ns/op": 1}),
        BenchmarkResult("A", 1, {}),
        BenchmarkResult("A", 1, {"ns per op": 1}),
        BenchmarkResult("A", 1, {"ns/op": 1}, {"Key": "x"}),
        BenchmarkResult("A", 1, {"ns/op": 1}, {"key": "a\nb"}),
    ],
)
def test_what_the_format_cannot_say_is_refused(result: BenchmarkResult) -> None:
    with pytest.raises(ValueError, match="benchmark"):
        list(format_lines([result]))

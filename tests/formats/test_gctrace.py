from __future__ import annotations

import dataclasses
import gzip
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import UserError
from sim.formats.gctrace import (
    OLDER_FORMAT,
    Found,
    GCTraceLine,
    format_line,
    format_ms,
    parse,
)
from sim.formats.log import Problem, open_log
from sim.formats.torn import TORN
from sim.units import MS, MiB

GOLDEN = Path(__file__).parents[1] / "golden" / "gctrace"
GO_1_27 = (
    "gc 3 @0.035s 5%: 0.038+6.7+0.053 ms clock, 0.076+0.053/3.7/4.5+0.10 ms cpu,"
    " 15->16->10 MB, 16 MB goal, 2 MB stacks, 1 MB globals, 2 P"
)
GO_1_17 = (
    "gc 1 @0.012s 2%: 0.026+0.39+0.10 ms clock, 0.21+0.88/0.52/0+0.84 ms cpu,"
    " 4->4->0 MB, 5 MB goal, 8 P"
)
GO_1_5 = (
    "gc 7 @1.500s 3%: 0.10+2.0+0.20+6.0+0.50 ms clock, 0.20+2.0+0.40+1.0/3.0/0.25+1.0 ms cpu,"
    " 9->10->5 MB, 11 MB goal, 2 P"
)


def read(*lines: str) -> tuple[list[Found], list[Problem]]:
    problems: list[Problem] = []
    return list(parse(lines, report=problems.append)), problems


def lines_of(*lines: str) -> list[GCTraceLine]:
    return [found.line for found in read(*lines)[0]]


def later(text: str, number: int, at: str) -> str:
    return text.replace("gc 3 @0.035s", f"gc {number} @{at}s")


@pytest.mark.parametrize("log", sorted(GOLDEN.glob("*.gctrace")), ids=lambda log: log.name)
def test_lines_of_real_go_are_read_and_written_back_byte_for_byte(log: Path) -> None:
    printed = [
        text for text in log.read_text(encoding="utf-8").splitlines() if text.startswith("gc ")
    ]
    problems: list[Problem] = []
    with open_log(log) as text:
        found = list(parse(text, report=problems.append))
    assert not problems
    assert [format_line(each.line) for each in found] == printed


def test_every_field_lands_where_the_runtime_documentation_says() -> None:
    assert lines_of(GO_1_27) == [
        GCTraceLine(
            number=3,
            at=35 * MS,
            percent=5,
            stw_sweep_termination=38_000,
            concurrent_mark=6_700_000,
            stw_mark_termination=53_000,
            cpu_sweep_termination=76_000,
            cpu_assist=53_000,
            cpu_background=3_700_000,
            cpu_idle=4_500_000,
            cpu_mark_termination=100_000,
            heap_start=15 * MiB,
            heap_end=16 * MiB,
            heap_marked=10 * MiB,
            heap_goal=16 * MiB,
            stacks=2 * MiB,
            globals=1 * MiB,
            procs=2,
        )
    ]


def test_logs_of_go_before_1_18_are_read_without_stacks_and_globals() -> None:
    (line,) = lines_of(GO_1_17)
    assert (line.stacks, line.globals, line.procs) == (None, None, 8)
    assert format_line(line) == GO_1_17


def test_the_five_phases_of_go_1_5_are_folded_into_three() -> None:
    (line,) = lines_of(GO_1_5)
    assert line.concurrent_mark == 8_200_000
    assert line.cpu_background == 5_400_000
    assert (line.cpu_assist, line.cpu_idle, line.procs) == (1_000_000, 250_000, 2)


def test_forced_cycles_and_leak_checks_are_told_apart() -> None:
    text = GO_1_27.replace("5%", "5% (checking for goroutine leaks)") + " (forced)"
    (line,) = lines_of(text)
    assert line.forced
    assert line.leak_check
    assert format_line(line) == text


@pytest.mark.parametrize(
    ("ns", "printed"),
    [
        (0, "0"),
        (999, "0"),
        (1_000, "0.001"),
        (99_999, "0.099"),
        (100_000, "0.10"),
        (999_999, "0.99"),
        (1_000_000, "1.0"),
        (9_999_999, "9.9"),
        (10_000_000, "10"),
        (10_999_999, "10"),
        (1_234_567_890, "1234"),
    ],
)
def test_times_are_cut_to_two_digits_as_go_cuts_them(ns: int, printed: str) -> None:
    assert format_ms(ns) == printed


times = st.integers(0, 10**15)
sizes = st.integers(0, 1 << 45)


@given(
    st.builds(
        GCTraceLine,
        number=st.integers(1, 1 << 32),
        at=times,
        percent=st.integers(0, 100),
        stw_sweep_termination=times,
        concurrent_mark=times,
        stw_mark_termination=times,
        cpu_sweep_termination=times,
        cpu_assist=times,
        cpu_background=times,
        cpu_idle=times,
        cpu_mark_termination=times,
        heap_start=sizes,
        heap_end=sizes,
        heap_marked=sizes,
        heap_goal=sizes,
        stacks=sizes,
        globals=sizes,
        procs=st.integers(1, 1024),
        forced=st.booleans(),
        leak_check=st.booleans(),
    )
)
def test_what_was_written_is_read_back_to_printed_precision(line: GCTraceLine) -> None:
    text = format_line(line)
    (again,) = lines_of(text)
    assert format_line(again) == text
    assert again.heap_goal == line.heap_goal >> 20 << 20
    assert 0 <= line.at - again.at < MS
    for name in ("concurrent_mark", "cpu_assist", "cpu_idle"):
        exact, printed = getattr(line, name), getattr(again, name)
        assert printed <= exact < max(printed * 1.1, printed + 1_000) + 1


@pytest.mark.parametrize(
    "wrapped",
    [
        "2026-11-23T10:00:00.123Z stderr F {}",
        "web-1  | {}",
        "\x1b[33m{}\x1b[0m",
        '{{"log":"{}\\n","stream":"stderr"}}',
        "finished a request{}",
        "{}\r\n",
    ],
)
def test_a_log_shipper_may_wrap_the_line(wrapped: str) -> None:
    assert lines_of(wrapped.format(GO_1_27)) == lines_of(GO_1_27)


def test_an_escaped_arrow_in_a_json_log_is_an_arrow() -> None:
    assert lines_of(GO_1_27.replace(">", r"\u003e")) == lines_of(GO_1_27)


def test_two_lines_without_a_newline_between_are_two_cycles() -> None:
    found, problems = read(GO_1_27 + later(GO_1_27, 4, "0.060"))
    assert [each.line.number for each in found] == [3, 4]
    assert not problems


def test_other_lines_are_passed_over_and_line_numbers_count_them() -> None:
    found, problems = read("=== begin", "gc is what we do", "", GO_1_27, "=== end")
    assert [each.line_number for each in found] == [4]
    assert not problems


@pytest.mark.parametrize("cut", range(7, len(GO_1_27) - 1))
def test_a_line_cut_anywhere_is_reported_and_not_used(cut: int) -> None:
    found, problems = read(GO_1_27[:cut])
    assert not found
    assert problems == [Problem(1, "a piece of a gctrace line", kept=False)]


def test_the_tail_of_a_line_is_reported() -> None:
    _, problems = read(GO_1_27[40:], GO_1_27)
    assert [problem.line_number for problem in problems] == [1]


def test_lines_of_go_1_4_are_named_as_such() -> None:
    found, problems = read("gc328(8): 0+0+6000+1000 us, 26 -> 53 MB, 563714 (315404589) objects")
    assert not found
    assert [problem.reason for problem in problems] == [OLDER_FORMAT]


TOKENS = re.findall(r"[0-9.]+|[^0-9.]+", GO_1_27)


@pytest.mark.parametrize(
    "intruder", ["2026/01/01 10:00:00 listening\n", "GET / 200 0.5ms\n", "ok "]
)
@pytest.mark.parametrize("cut", range(1, len(TOKENS)))
def test_a_line_torn_by_other_output_is_put_together(cut: int, intruder: str) -> None:
    """Go prints a line word by word, so that other output gets between two words."""
    before = GO_1_27.replace("gc 3 @0.035s", "gc 2 @0.020s")
    torn = "".join(TOKENS[:cut]) + intruder + "".join(TOKENS[cut:])
    found, problems = read(before, *torn.splitlines(keepends=True))
    assert [each.line for each in found] == lines_of(before, GO_1_27)
    assert [(problem.line_number, problem.reason) for problem in problems] == [(2, TORN)]


@given(st.text(max_size=80), st.integers(1, len(GO_1_27)))
def test_text_in_a_line_is_survived_whatever_it_is(intruder: str, cut: int) -> None:
    found, _ = read(*(GO_1_27[:cut] + intruder + GO_1_27[cut:]).splitlines(keepends=True))
    assert len(found) <= 1


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("5%", "-9223372036854775808%"),
        ("@0.035s", "@NaNs"),
        ("6.7", "NaN"),
        ("6.7", "-6.7"),
        ("6.7", "18446744073709"),
        ("0.038+6.7+0.053 ms", "0.038+6.7 ms"),
        ("15->", "-15->"),
        ("@0.035s", "@0.0355555s"),
        ("16 MB goal", "1.5 MB goal"),
        ("6.7", "6..7"),
    ],
)
def test_impossible_values_are_reported_and_not_used(good: str, bad: str) -> None:
    found, problems = read(GO_1_27.replace(good, bad, 1))
    assert not found
    (problem,) = problems
    assert "impossible" in problem.reason
    assert not problem.kept


def test_a_heap_that_shrinks_within_a_cycle_is_reported() -> None:
    found, problems = read(GO_1_27.replace("15->16->10", "15->14->10"))
    assert len(found) == 1
    assert [problem.kept for problem in problems] == [True]


def test_parsing_is_streamed() -> None:
    def endless() -> object:
        for number in range(1, 1 << 40):
            yield later(GO_1_27, number, f"{number}.000")

    first = next(iter(parse(endless())))  # type: ignore[arg-type]
    assert first.line.number == 1


def test_gzipped_and_plain_logs_and_standard_input_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, zipped = tmp_path / "a.log", tmp_path / "b.log"
    plain.write_bytes(b"\xff not UTF-8\n" + GO_1_27.encode())
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(zipped.read_bytes())), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stdin)
    for path in (plain, zipped, "-"):
        with open_log(path) as text:
            assert [found.line_number for found in parse(text)] == [2]
    assert not stdin.buffer.closed


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_logs_that_windows_wrote_are_read(tmp_path: Path, encoding: str, end: str) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(end.join([GO_1_27, later(GO_1_27, 4, "0.050"), ""]).encode(encoding))
    with open_log(log) as text:
        assert [found.line.number for found in parse(text)] == [3, 4]


def test_an_unreadable_log_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"no\.log: cannot be read: No such file"),
        open_log(tmp_path / "no.log"),
    ):
        pass
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(GO_1_27.encode() * 100)[:-20])
    with pytest.raises(UserError, match=r"cut\.gz: damaged gzip data"), open_log(cut) as text:
        list(text)


def test_lines_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        lines_of(GO_1_27)[0].number = 4  # type: ignore[misc]

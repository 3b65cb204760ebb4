from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.formats import gctrace, pacertrace, scavtrace
from sim.formats.log import Problem
from sim.formats.pacertrace import CycleEnd, CycleStart, PacerLine, SweepDone
from sim.formats.scavtrace import ScavTraceLine
from sim.units import KiB, MiB

GOLDEN = Path(__file__).parents[1] / "golden" / "pacertrace" / "go1.27.trace"
START = "pacer: assist ratio=0.5 (scan 3 MB in 3->4 MB) workers=0+0.25"
END = (
    "pacer: 28% CPU (25 exp.) for 218176+2312+165674 B work (165674 B exp.)"
    " in 4005888 B -> 4440064 B (∆goal -245760, cons/mark 1e-05)"
)
SWEPT = (
    "pacer: sweep done at heap size 11MB; allocated 4MB during sweep;"
    " swept 1627 pages at 0.0003 pages/byte"
)


def test_every_line_of_a_real_trace_is_read_by_one_format_and_written_back() -> None:
    printed = GOLDEN.read_text().splitlines()
    problems: list[Problem] = []
    again = {
        line: pacertrace.format_line(read)
        for line, read in pacertrace.parse(printed, problems.append)
    }
    again |= {
        line: scavtrace.format_line(read)
        for line, read in scavtrace.parse(printed, problems.append)
    }
    again |= {
        found.line_number: gctrace.format_line(found.line)
        for found in gctrace.parse(printed, problems.append)
    }
    assert [again[number] for number in range(1, len(printed) + 1)] == printed
    assert not problems


def test_the_fields_of_the_pacer_land_in_their_places() -> None:
    start, end, swept = (line for _, line in pacertrace.parse([START, END, SWEPT]))
    assert start == CycleStart(0.5, 3 * MiB, 3 * MiB, 4 * MiB, 0, 0.25)
    assert end == CycleEnd(
        utilization=28,
        goal_utilization=25,
        heap_scan_work=218176,
        stack_scan_work=2312,
        globals_scan_work=165674,
        expected_scan_work=165674,
        triggered=4005888,
        heap_live=4440064,
        goal_delta=-245760,
        cons_mark=1e-05,
    )
    assert swept == SweepDone(11 * MiB, 4 * MiB, 1627, 0.0003)


sizes = st.integers(0, 1 << 45)
ratios = st.floats(allow_nan=False)
pacer_lines = st.one_of(
    st.builds(CycleStart, ratios, sizes, sizes, sizes, st.integers(0, 256), ratios),
    st.builds(
        CycleEnd,
        st.integers(0, 100),
        st.just(25),
        sizes,
        sizes,
        sizes,
        sizes,
        sizes,
        sizes,
        st.integers(-(1 << 45), 1 << 45),
        ratios,
    ),
    st.builds(SweepDone, sizes, sizes, st.integers(0, 1 << 40), ratios),
)


@given(pacer_lines)
def test_what_the_pacer_wrote_is_read_back(line: PacerLine) -> None:
    text = pacertrace.format_line(line)
    ((_, again),) = pacertrace.parse([f"2026-11-23 {text}\n"])
    assert pacertrace.format_line(again) == text


@pytest.mark.parametrize("text", [START, END, SWEPT])
def test_half_a_pacer_line_is_reported(text: str) -> None:
    problems: list[Problem] = []
    assert not list(pacertrace.parse([text[: len(text) // 2]], problems.append))
    assert [problem.line_number for problem in problems] == [1]


@given(st.builds(ScavTraceLine, sizes, sizes, sizes, st.integers(0, 100), st.booleans()))
def test_what_the_scavenger_wrote_is_read_back(line: ScavTraceLine) -> None:
    text = scavtrace.format_line(line)
    ((_, again),) = scavtrace.parse([text])
    assert scavtrace.format_line(again) == text
    assert again.heap_released == line.heap_released // KiB * KiB


def test_a_reset_of_the_scavenger_is_seen() -> None:
    text = "scav 1 KiB work (bg), 0 KiB work (eager), 7 KiB now, 5% util [controller reset]"
    ((_, line),) = scavtrace.parse([text])
    assert line.controller_reset
    assert not line.forced
    assert scavtrace.format_line(line) == text


def test_a_scavenger_line_of_go_1_18_is_reported_not_misread() -> None:
    problems: list[Problem] = []
    assert not list(scavtrace.parse(["scav 8 KiB work, 16 KiB total, 90% util"], problems.append))
    assert len(problems) == 1

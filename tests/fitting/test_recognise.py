"""GOGC and GOMEMLIMIT from heap goals, on logs of real programs and on composed ones."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from sim.fitting.gctrace_log import read_gctrace
from sim.fitting.recognise import recognise
from sim.formats.gctrace import GCTraceLine, parse
from sim.formats.log import open_log
from sim.units import MiB

GOLDEN = Path(__file__).parents[1] / "golden"
LOGS = sorted([*GOLDEN.glob("real/*.gctrace.gz"), *GOLDEN.glob("real-more/*.gctrace.gz")])
UNLIMITED = [log for log in LOGS if ".limnone." in log.name]
LIMITED = [log for log in LOGS if ".gogcoff.lim" in log.name]


def lines_of(log: Path) -> list[GCTraceLine]:
    with open_log(log) as text:
        return [found.line for found in parse(text)]


@pytest.mark.parametrize("log", UNLIMITED, ids=lambda log: log.name)
def test_gogc_of_real_programs_is_recognised(log: Path) -> None:
    (segment,) = recognise(lines_of(log))
    assert str(segment.gogc) == re.findall(r"gogc(\w+)", log.name)[0]
    assert segment.memory_limit is None
    assert segment.recognised


def test_limits_of_real_programs_are_recognised_within_a_fifth() -> None:
    """A limit counts memory beside the heap, of which a log says nothing."""
    near = [
        segment.memory_limit is not None
        and segment.memory_limit
        == pytest.approx(int(re.findall(r"lim(\d+)MiB", log.name)[0]) * MiB, rel=0.2)
        for log in LIMITED
        for segment in [read_gctrace(log).segment]
    ]
    assert len(near) >= 10
    assert sum(near) >= len(near) - 1


def cycle(n: int, marked: int, goal: int, last: int, stacks: int = 0, procs: int = 4) -> str:
    """A line: `last` MiB were marked before, and the heap comes nearly to its goal."""
    start = last + int(0.9 * (goal - last))
    return (
        f"gc {n} @{0.1 * n:.3f}s 5%: 0.05+10+0.05 ms clock, 0.2+1.0/5.0/0+0.2 ms cpu, "
        f"{start}->{start + 1}->{marked} MB, {goal} MB goal, {stacks} MB stacks, 0 MB globals,"
        f" {procs} P"
    )


def following(gogc: int, marked: list[int], first: int = 2, stacks: int = 0) -> list[str]:
    """Cycles whose goals follow GOGC."""
    lines, last = [], marked[0]
    for n, now in enumerate(marked, start=first):
        goal = last + (last + stacks) * gogc // 100
        lines.append(cycle(n, now, goal, last, stacks))
        last = now
    return lines


def segments(lines: list[str]) -> list[tuple[int, int, int | None, bool]]:
    found = recognise([one.line for one in parse(lines)])
    return [(one.cycles.start, one.cycles.stop, one.gogc, one.recognised) for one in found]


VARYING = [40 + 13 * k % 50 for k in range(30)]


@pytest.mark.parametrize("gogc", [10, 35, 100, 130, 400, 1000])
def test_any_gogc_shows_where_the_live_heap_varies(gogc: int) -> None:
    ((_, _, found, recognised),) = segments(following(gogc, VARYING))
    assert found == pytest.approx(gogc, rel=0.05)
    assert recognised


def test_stacks_count_as_go_counts_them() -> None:
    assert segments(following(100, VARYING, stacks=30)) == [(0, 30, 100, True)]


def test_a_change_at_run_time_splits_the_log() -> None:
    lines = following(100, VARYING) + following(400, VARYING[::-1], first=32)
    assert segments(lines) == [(0, 30, 100, True), (30, 60, 400, True)]


def test_a_limit_shows_in_goals_that_do_not_follow_the_live_heap() -> None:
    lines = [cycle(n, VARYING[n], 120, VARYING[n - 1]) for n in range(1, 30)]
    (one,) = recognise([found.line for found in parse(lines)])
    assert one.memory_limit == pytest.approx(135 * MiB, rel=0.1)
    assert one.heap_goal == 120 * MiB


def test_goals_at_what_is_marked_are_those_of_a_full_limit() -> None:
    sizes = [170 + 6 * k for k in range(25)]
    lines = [cycle(n + 2, b, a, a) for n, (a, b) in enumerate(pairwise(sizes))]
    (one,) = recognise([found.line for found in parse([cycle(1, 170, 349, 0), *lines])])
    assert one.memory_limit == pytest.approx(400 * MiB, rel=0.1)


def test_no_goal_at_all_is_gogc_off() -> None:
    lines = [
        cycle(n, 40, 17592186044415, 40).replace("15832967439978->15832967439979", "70->71")
        + " (forced)"
        for n in range(1, 8)
    ]
    (one,) = recognise([found.line for found in parse(lines)])
    assert (one.gogc, one.memory_limit) == (None, None)


def test_heaps_that_outgrow_their_goals_do_not_pass_for_another_gogc() -> None:
    """A slice that append enlarges by a quarter: each heap is as large as its goal says."""
    (one,) = recognise(lines_of(GOLDEN / "cases" / "01-growing-append-job.txt"))
    assert one.gogc == 100


def test_goals_that_follow_nothing_are_not_recognised() -> None:
    goals = [60, 300, 80, 500, 90, 200, 700, 70, 400, 65, 350, 900]
    lines = [cycle(n, 40, goal, 40) for n, goal in enumerate(goals, start=2)]
    assert segments(lines) == [(0, len(goals), 100, False)]


def test_another_gomaxprocs_is_another_part() -> None:
    few = [cycle(n, 50, 100, 50, procs=4) for n in range(2, 20)]
    many = [cycle(n, 50, 100, 50, procs=32) for n in range(20, 40)]
    assert [one.procs for one in recognise([f.line for f in parse([*few, *many])])] == [4, 32]


@pytest.mark.parametrize(
    ("log", "gogc", "limit"),
    [
        ("29-limit-set-at-run-time.txt", None, 96 * MiB),
        ("30-gogc-set-at-run-time.txt", 300, None),
    ],
)
def test_what_a_program_of_2_mib_sets_at_run_time_is_recognised(
    log: str, gogc: int | None, limit: int | None
) -> None:
    """Real runs that began at GOGC=100; a small heap does not pass for one that fills a limit."""
    first, second = recognise(lines_of(GOLDEN / "cases" / log))
    assert (first.gogc, first.memory_limit) == (100, None)
    assert (second.gogc, second.memory_limit) == (gogc, limit)

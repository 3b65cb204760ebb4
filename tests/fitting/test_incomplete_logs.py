"""Logs as people have them: cut, torn, mixed, turned around, and still of the same program."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from sim.advice.prediction import predict
from sim.errors import UserError
from sim.fitting.fit_log import fit_log
from sim.fitting.gctrace_log import GCTraceLog, read_gctrace
from sim.fitting.observe import observe
from sim.formats.log import open_log
from sim.replay.program import Load
from sim.replay.setting import Setting
from sim.streams import Streams
from sim.units import SECOND, GiB, MiB

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = GOLDEN / "cases"
STEADY = GOLDEN / "real" / "hbsteady.p2.gogc100.limnone.r0.gctrace.gz"
BUSY = GOLDEN / "real" / "garbage64.p2.gogc100.limnone.r0.gctrace.gz"


def gctrace_lines(log: Path) -> list[str]:
    with open_log(log) as text:
        return [line for line in text if line.startswith("gc ")]


def written(folder: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    log = folder / "app.log"
    log.write_text("".join(lines), encoding=encoding, newline="")
    return log


def mib_per_second(log: GCTraceLog) -> float:
    """Rate of allocation over the measured part."""
    seen = observe(log.lines, log.segment.gogc, Load.WAITING, log.measured)
    inside = slice(log.measured.start + 1, log.measured.stop)
    time = seen.at[log.measured.stop - 1] - seen.at[log.measured.start]
    return float(seen.allocated[inside].sum() / MiB / (time / SECOND))


@pytest.mark.parametrize("lost", [0.05, 0.3, 0.5])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("source", [STEADY, BUSY], ids=["steady", "busy"])
def test_lost_lines_change_neither_rates_nor_cycles(
    tmp_path: Path, source: Path, seed: int, lost: float
) -> None:
    whole = gctrace_lines(source)
    kept = Streams(seed)["lost"].random(len(whole)) >= lost
    kept[[0, -1]] = True
    log = read_gctrace(written(tmp_path, [line for line, k in zip(whole, kept, strict=True) if k]))
    true = read_gctrace(written(tmp_path, whole))
    assert len(log.lines) == len(true.lines)
    assert sum(gap.cycles for gap in log.gaps) == (~kept).sum()
    assert mib_per_second(log) == pytest.approx(mib_per_second(true), rel=0.03)
    assert any(f"{(~kept).sum()} of {len(whole)} cycles" in doubt for doubt in log.warnings)


def test_a_lost_stretch_is_no_quiet_time(tmp_path: Path) -> None:
    whole = gctrace_lines(STEADY)
    log = read_gctrace(written(tmp_path, whole[:40] + whole[70:]))
    assert mib_per_second(log) == pytest.approx(mib_per_second(read_gctrace(STEADY)), rel=0.03)


@pytest.mark.parametrize("kept", [4, 10, 30, 80])
def test_the_tail_of_a_log_begins_with_a_full_heap(tmp_path: Path, kept: int) -> None:
    whole = gctrace_lines(STEADY)
    tail = read_gctrace(written(tmp_path, whole[-kept:]))
    assert tail.starts_full
    assert tail.measured == slice(1, kept + 1)
    assert tail.lines[0].number == tail.lines[1].number - 1
    before = read_gctrace(STEADY).lines[-kept - 1]
    assert tail.lines[0].heap_marked == pytest.approx(before.heap_marked, abs=2 * MiB)
    whole_log = read_gctrace(STEADY)
    same = replace(whole_log, measured=slice(len(whole) - kept, len(whole)))
    assert mib_per_second(tail) == pytest.approx(mib_per_second(same), rel=0.01)


def test_a_whole_log_does_not_begin_with_a_full_heap() -> None:
    log = read_gctrace(STEADY)
    assert not log.starts_full
    assert all(log.seen)
    assert not log.gaps


def test_a_gap_longer_than_the_log_leaves_its_longest_part(tmp_path: Path) -> None:
    whole = gctrace_lines(STEADY)
    log = read_gctrace(written(tmp_path, whole[:5] + whole[-20:]))
    assert [line.number for line in log.lines[1:]] == list(range(len(whole) - 19, len(whole) + 1))
    assert any("only 25 are in the log" in doubt for doubt in log.warnings)


def test_lines_torn_by_output_of_the_program_keep_their_cycle(tmp_path: Path) -> None:
    whole = gctrace_lines(STEADY)
    torn = list(whole)
    for k in range(3, len(torn), 7):
        words = re.findall(r"[0-9.]+|[^0-9.]+", torn[k])
        at = 1 + k % (len(words) - 2)
        torn[k] = "".join([*words[:at], "[200] GET /index.html\n", *words[at:]])
    log = read_gctrace(written(tmp_path, torn))
    assert log.lines == read_gctrace(written(tmp_path, whole)).lines
    assert not log.warnings
    assert any("torn apart" in note for note in log.notes)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("backwards", [False, True])
def test_forms_of_a_log_read_alike(tmp_path: Path, encoding: str, *, backwards: bool) -> None:
    whole = gctrace_lines(STEADY)
    lines = [line.replace("\n", "\r\n") for line in (whole[::-1] if backwards else whole)]
    log = read_gctrace(written(tmp_path, lines, encoding))
    assert log.lines == read_gctrace(written(tmp_path, whole)).lines


def test_a_coarse_clock_is_said() -> None:
    log = read_gctrace(CASES / "13-windows-coarse-clock.txt")
    assert log.coarse_clock
    assert any("clock of the machine" in doubt for doubt in log.warnings)
    assert not read_gctrace(STEADY).coarse_clock


WITHOUT = {
    "old": ("gc328(8): 0+0+6000+1000 us, 26 -> 53 MB, 5 (3-4) objects\n", "Go 1.4 or older"),
    "nothing": ("listening on :8080\n", "the program never collected"),
    "empty": ("", "GODEBUG=gctrace=1"),
    "a scrape": ("# HELP go_info x\ngo_memstats_alloc_bytes 5\n", "--prometheus takes it"),
    "a dump": ('{"/gc/heap/goal:bytes": 4194304}\n', "--metrics takes it"),
    "an answer": ('{"status":"success","data":{"result":[]}}\n', "--prometheus takes it"),
    "pieces": ("gc 7 @1.2s 3%: 0.01\n", "only pieces"),
}


@pytest.mark.parametrize("kind", WITHOUT)
def test_a_log_without_gctrace_lines_says_why(tmp_path: Path, kind: str) -> None:
    text, why = WITHOUT[kind]
    with pytest.raises(UserError, match=why):
        read_gctrace(written(tmp_path, [text]))


def test_the_version_of_go_shows_in_the_lines() -> None:
    assert read_gctrace(STEADY).go == (18, 27)
    assert read_gctrace(CASES / "06-short-log-assists-go19.txt").go == (6, 17)
    assert read_gctrace(CASES / "11-go15-overshoot.txt").go == (5, 5)


def case(name: str) -> GCTraceLog:
    (log,) = CASES.glob(f"{name}-*.txt")
    return read_gctrace(log)


def test_case_01_heaps_that_outgrew_their_goals_do_not_tell_gogc() -> None:
    assert case("01").segment.gogc == 100


def test_case_03_a_gap_is_no_quiet_interval() -> None:
    """Its two unbroken parts alone have 3.7 and 2.8 MiB a second."""
    assert 2.5 < mib_per_second(case("03")) < 4.0


def test_case_04_a_tail_of_a_large_heap() -> None:
    log = case("04")
    assert log.starts_full
    assert log.segment.gogc == 10
    assert log.lines[0].heap_marked == pytest.approx(21.2 * GiB, rel=0.01)


def test_case_08_a_limit_that_goals_keep() -> None:
    assert case("08").segment.memory_limit == pytest.approx(3 * GiB, rel=0.05)


def test_case_10_the_late_part_is_the_program() -> None:
    """After 618 cycles without a line, 3 Ps of a service instead of 32 at its start."""
    log = case("10")
    assert log.segment.procs == 3
    assert mib_per_second(log) == pytest.approx(64, rel=0.1)


def test_case_11_goals_that_follow_nothing() -> None:
    segment = case("11").segment
    assert not segment.recognised
    assert segment.memory_limit is None


def test_case_12_lines_of_go_1_4() -> None:
    with pytest.raises(UserError, match=r"Go 1\.4"):
        case("12")


def test_case_14_program_output_between_the_lines() -> None:
    assert [line.heap_end // MiB for line in case("14").lines] == [56, 138, 161]


def test_case_16_four_processes() -> None:
    log = case("16")
    assert len(log.processes) == 4
    assert log.segment.procs == 12


def test_case_17_the_newest_line_first() -> None:
    assert [line.number for line in case("17").lines[1:]] == list(range(93, 103))


def test_case_19_utf_16_as_the_same_lines_in_utf_8() -> None:
    assert case("19").lines == case("06").lines


@pytest.fixture
def long_job(tmp_path: Path) -> Path:
    """3,000 cycles of a job whose heap grows from 10 to 70 MiB."""
    line = (
        "gc {n} @{t:.3f}s 2%: 0.1+10+0.1 ms clock, 0.2+0.1/5/0+0.2 ms cpu,"
        " {start}->{end}->{live} MB, {goal} MB goal, 0 MB stacks, 0 MB globals, 2 P\n"
    )
    lives = [10 + n // 50 for n in range(3001)]
    return written(
        tmp_path,
        [
            line.format(n=n, t=n / 10, start=2 * a - 1, end=2 * a, live=b, goal=2 * a)
            for n, (a, b) in enumerate(pairwise(lives), 1)
        ],
    )


def test_stretches_of_a_very_long_log_stand_for_all_of_its_course(long_job: Path) -> None:
    fit = fit_log(long_job)
    assert len(fit.program.cycles) == fit.cycles / 15 == 200
    assert any("200 of 3,000 cycles" in sentence for sentence in fit.assumptions)
    assert fit.course.growth > 0.3
    doubled, same = predict(fit, [Setting(50, None, 2), fit.logged], seeds=1, draws=2)
    assert same.middle.gc_cycles == pytest.approx(3000, rel=0.03)
    assert same.middle.peak_heap_bytes == pytest.approx(140 * MiB, rel=0.03)
    assert same.middle.alloc_bytes == pytest.approx(
        sum(10 + n / 50 for n in range(3000)) * MiB, rel=0.03
    )
    assert doubled.middle.gc_cycles == pytest.approx(6000, rel=0.1)


def test_a_window_late_in_a_long_log_begins_with_a_full_heap(long_job: Path) -> None:
    fit = fit_log(long_job, window=("280s", None))
    assert len(fit.program.cycles) < 300
    assert fit.reproduction is not None
    assert not fit.reproduction.doubts()

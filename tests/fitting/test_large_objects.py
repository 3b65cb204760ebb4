"""Single large allocations pass any heap goal, and no setting of the collector helps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.advice.prediction import predict
from sim.advice.settings import grid
from sim.cli import main
from sim.fitting.fit_log import fit_log
from sim.replay.setting import Setting
from sim.units import MiB
from tests.fits import fitted

CASES = Path(__file__).parents[1] / "golden" / "cases"
APPS = Path(__file__).parents[1] / "golden" / "real-apps"
REAL = Path(__file__).parents[1] / "golden" / "real"
LINE = (
    "gc {n} @{t:.3f}s 0%: 0.01+0.3+0.01 ms clock, 0.2+0.2/0.4/0+0.2 ms cpu,"
    " {start}->{start}->{live} MB, {goal} MB goal, 0 MB stacks, 0 MB globals, 16 P\n"
)
BUFFERS = [(56, 56, 56), (138, 82, 138), (161, 79, 164), (155, 76, 158), (160, 84, 160)]
"""Start, live and goal: buffers of up to 84 MB replace each other; a heap that passed its goal
prints its own size as goal."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A service that keeps one large buffer at a time, in a container of 150 MiB."""
    return lines(tmp_path / "buffers.gctrace", BUFFERS * 2)


def lines(path: Path, cycles: Sequence[tuple[int, int, int]]) -> Path:
    """A log of cycles that begin and end at a heap, find so much alive, and have such a goal."""
    text = "".join(
        LINE.format(n=n, t=0.06 * n, start=start, live=live, goal=goal)
        for n, (start, live, goal) in enumerate(cycles, 1)
    )
    path.write_text(text, encoding="utf-8")
    return path


def test_their_size_lies_between_what_passed_the_goal_and_all_that_came(log: Path) -> None:
    assert 30 * MiB < fit_log(log).program.step < 84 * MiB


def test_case_01_a_job_that_appends_is_predicted_as_it_ran() -> None:
    """Published with the log: 28, 25, 12 and 3 cycles, and a heap of 555 MB under GOGC=50."""
    fit = fitted(CASES / "01-growing-append-job.txt")
    found = predict(fit, grid("50,100,200,1000", "none", "8"))
    cycles = [one.middle.gc_cycles for one in found]
    assert cycles == pytest.approx([28, 25, 12, 3], rel=0.2, abs=1)
    assert all(
        one.low.gc_cycles <= real <= one.high.gc_cycles
        for one, real in zip(found, [28, 25, 12, 3], strict=True)
    )
    assert found[0].middle.peak_heap_bytes == pytest.approx(555 * MiB, rel=0.03)
    assert fit.reproduction is not None
    assert fit.reproduction.trusted


def test_case_14_a_program_may_begin_with_a_large_object() -> None:
    fit = fitted(CASES / "14-large-buffers-container.txt")
    (found,) = predict(fit, [fit.logged])
    assert found.middle.gc_cycles == pytest.approx(3, abs=1)
    assert found.middle.peak_heap_bytes == pytest.approx(161 * MiB, rel=0.05)


def test_a_buffer_at_the_start_is_one_object_though_no_other_heap_passes_its_goal() -> None:
    """restic: 32 MiB for the key, then 13 cycles of small objects; real cycles at 200 and 400."""
    fit = fitted(APPS / "restic.p2.gogc100.limnone.r0.gctrace.gz")
    (buffer,) = fit.program.large
    assert 29 * MiB < buffer.end - buffer.latest < 33 * MiB
    found = predict(fit, grid("200,400", "none", "2"))
    assert [one.middle.gc_cycles for one in found] == pytest.approx([6, 3], abs=1)


@pytest.mark.parametrize(
    ("log", "real"),
    [("27-large-objects-beyond-limit.txt", 182), ("28-large-objects-go119.txt", 254)],
)
def test_large_objects_that_no_limit_holds_keep_a_collector_busy_but_not_for_ever(
    log: str, real: int
) -> None:
    """Three of 64 MiB are alive, and the limit is 120 MiB: both ran for 3 s with 1 s of GC CPU.

    Their logs at GOGC=100 show cycles that a large object begins, and no allocation in them; as
    if there were none in others, 7,000 and 18,000 cycles were predicted.
    """
    fit = fitted(CASES / log)
    (found,) = predict(fit, [Setting(None, 120 * MiB, 2)])
    assert real / 3 < found.middle.gc_cycles < 3 * real
    assert found.middle.gc_cpu_seconds < 2
    assert fit.reproduction is not None
    assert fit.reproduction.trusted


def test_an_object_that_comes_first_and_stays_may_be_a_ballast(tmp_path: Path) -> None:
    """Without resident memory it is a doubt; with it, it is known."""
    log = lines(tmp_path / "app.gctrace", [(1024, 1024, 4), *[(2060, 1030, 2064)] * 12])
    told, touched = (fit_log(log, rss=rss).warnings for rss in (None, "2110MiB"))
    assert any(doubt.startswith("one object of 1018MiB comes first and stays") for doubt in told)
    assert not any("ballast" in doubt for doubt in touched)
    dies = [(1024, 1024, 4), (2040, 400, 2064), *[(790, 400, 804)] * 11]
    buffer = fit_log(lines(tmp_path / "buffer.gctrace", dies))
    assert not any("ballast" in doubt for doubt in buffer.warnings)


def test_a_buffer_that_doubles_is_large_though_most_cycles_are_not_begun_by_such() -> None:
    """gron reads a document of 10 MB whole, into a buffer that doubles, and then works on it."""
    fit = fitted(APPS / "gron.p2.gogc100.limnone.r0.gctrace.gz")
    ends = [one.end / MiB for one in fit.program.large]
    assert ends == pytest.approx([4, 8, 16, 31], abs=1)
    assert fit.reproduction is not None
    assert fit.reproduction.off("cycles") == 0
    (found,) = predict(fit, [Setting(50, None, 2)])
    assert found.low.gc_cycles <= 16 <= found.high.gc_cycles
    assert found.middle.gc_cycles == pytest.approx(16, abs=4)


@given(st.floats(0, 1), st.floats(0, 100))
def test_a_cycle_never_begins_within_an_object(small: float, position: float) -> None:
    fit = fitted(CASES / "01-growing-append-job.txt")
    at = position / 100 * fit.program.cycles[-1].end
    whole = fit.program.whole(at, small)
    assert whole >= at
    assert all(not one.begin(small) < whole < one.end for one in fit.program.large)


def test_small_objects_do_not_pass_goals() -> None:
    assert fit_log(REAL / "garbage64.p2.gogc100.limnone.r0.gctrace.gz").program.step == 0


def test_advice_says_that_no_setting_helps(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="3"):
        main(["tune", str(log), "--memory", "150MiB", "--force", "-q"])
    out = capsys.readouterr().out
    assert "Nothing keeps all goals" in out
    assert "no setting of the collector helps" in out

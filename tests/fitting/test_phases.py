"""Start-up, steady part and growth of a log, its window, and for how long is predicted."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.advice.prediction import predict
from sim.cli import main
from sim.errors import UserError
from sim.fitting.fit_log import fit_log
from sim.replay.program import Load
from sim.replay.setting import Setting
from sim.units import GiB, MiB
from tests.fits import fitted

CASES = Path(__file__).parents[1] / "golden" / "cases"
APPS = CASES.with_name("real-apps")

LINE = (
    "gc {n} @{t:.3f}s 2%: 0.1+10+0.1 ms clock, 0.2+0.5/{workers}+0.2 ms cpu,"
    " {start}->{end}->{live} MB, {goal} MB goal, 0 MB stacks, 0 MB globals, 2 P\n"
)


def written(folder: Path, lives: list[int], apart: float = 0.5, workers: str = "5/4") -> Path:
    """A log of cycles under GOGC=100 with these live heaps, so many seconds apart.

    `workers` are the times of background workers and of idle ones.
    """
    goals = [4, *(2 * live for live in lives[:-1])]
    lines = [
        LINE.format(
            workers=workers,
            n=n + 1,
            t=apart * (n + 1),
            start=goal - 2,
            end=goal,
            live=live,
            goal=goal,
        )
        for n, (live, goal) in enumerate(zip(lives, goals, strict=True))
    ]
    log = folder / "app.gctrace"
    log.write_text("".join(lines))
    return log


SERVICE = [3, 6, 12, *[20, 21] * 10]


def test_start_up_is_told_and_is_no_doubt(tmp_path: Path) -> None:
    fit = fit_log(written(tmp_path, SERVICE))
    found = fit.course
    assert (found.starting, found.holds) == (3, True)
    assert (
        "starts up for 2.01s in 3 cycles, then holds a live heap of 19.1MiB" in found.sentences()[0]
    )
    assert not any("half of the log" in doubt for doubt in fit.warnings)


def test_growth_is_told(tmp_path: Path) -> None:
    found = fit_log(written(tmp_path, [10 + 2 * n for n in range(30)])).course
    assert not found.holds
    assert "grows by" in found.sentences()[0]


@pytest.mark.slow
def test_a_service_is_predicted_for_a_horizon(tmp_path: Path) -> None:
    log = written(tmp_path, SERVICE)
    minute, hour = (fit_log(log, horizon=horizon) for horizon in ("60s", "600s"))
    cycles = [predict(fit, [fit.logged], seeds=1, draws=2)[0].middle for fit in (minute, hour)]
    assert cycles[1].gc_cycles == pytest.approx(10 * cycles[0].gc_cycles, rel=0.1)
    assert cycles[0].wall_seconds == pytest.approx(60, rel=0.03)


def test_a_limit_that_a_short_log_does_not_reach_is_reached_all_the_same(tmp_path: Path) -> None:
    """0 cycles and half of the memory left would be true of the seconds of the log alone."""
    fit = fit_log(written(tmp_path, SERVICE))
    (found,) = predict(fit, [Setting(None, 4 * GiB, 2)], seeds=1, draws=2)
    assert found.middle.peak_rss_bytes > 3.5 * GiB
    assert 0 < found.middle.gc_cycles < 1


def test_a_window_leaves_the_start_out(tmp_path: Path) -> None:
    log = written(tmp_path, SERVICE)
    fit = fit_log(log, window=("2s", "8s"))
    assert fit.measured.stop - fit.measured.start == 12
    assert fit.course.starting == 0


def test_a_window_without_cycles_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["whatif", str(written(tmp_path, SERVICE)), "--from", "5m", "-q"])
    assert ended.value.code == 2
    assert "expected a window with at least 3 cycles, got one with 0" in capsys.readouterr().err


def test_a_horizon_of_a_program_that_grows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--horizon"):
        fit_log(written(tmp_path, [10 + 2 * n for n in range(30)]), horizon="1h")


@pytest.mark.slow
def test_a_replay_that_misses_its_log_stops_tune(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A heap that jumps up and down as no rate of allocation explains."""
    lines = [
        LINE.format(
            workers="5/4", n=n + 1, t=n + 1, start=goal, end=goal + grown, live=live, goal=goal
        )
        for n, (live, goal, grown) in enumerate([(4, 8, 0), (4, 8, 300), (4, 8, 0)] * 4)
    ]
    log = tmp_path / "odd.gctrace"
    log.write_text("".join(lines))
    with pytest.raises(SystemExit) as ended:
        main(["tune", str(log), "--memory", "1GiB", "-q"])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert "a replay of the log's own setting gives" in err
    assert "--force" in err


def test_own_figures_stand_beside_those_of_the_log(tmp_path: Path) -> None:
    own = fit_log(written(tmp_path, SERVICE)).reproduction
    assert own is not None
    assert own.trusted
    assert own.summary().startswith("reproduces its log: cycles ")
    assert "MiB of 42.5MiB" in own.summary()
    assert all(figure.replayed > 0.5 * MiB for figure in own.figures if "heap" in figure.name)


def test_a_program_that_keeps_all_ps_busy_is_not_waiting_whatever_idle_workers_got(
    tmp_path: Path,
) -> None:
    """Other processes on the machine leave Ps idle for moments: idle workers mark there."""
    busy = written(tmp_path, SERVICE, apart=0.05, workers="7.5/1.5")
    assert fit_log(busy).program.load is Load.BUSY
    assert fit_log(written(tmp_path, SERVICE, apart=0.5)).program.load is Load.WAITING


def test_a_program_whose_idle_workers_mark_a_quarter_of_the_time_waits_for_load() -> None:
    """Case 08, under a limit: other than what its growth while marking suggests."""
    fit = fitted(CASES / "08-written-under-limit.txt")
    assert fit.program.load is Load.WAITING
    assert fit.reproduction is not None
    assert not fit.reproduction.doubts()


def test_growth_that_is_most_of_a_log_is_not_said_to_hold() -> None:
    """A batch program of 8 cycles, whose live heap doubles from each to the next."""
    log = APPS / "tsgo.p2.gogc100.limnone.r5.gctrace.gz"
    (told,) = fitted(log).course.sentences()
    assert "starts up, or grows, for 1.02s in 6 of 8 cycles; the last 2 have a live heap" in told
    assert "holds" not in told


def test_a_service_near_its_cpus_is_told_that_its_queue_is_alive() -> None:
    influxd = fitted(APPS / "influxd.p2.gogc100.limnone.r0.gctrace.gz")
    assert any("requests that queue are alive" in doubt for doubt in influxd.warnings)
    caddy = fitted(APPS / "caddy.p2.gogc100.limnone.r5.gctrace.gz")
    assert not any("requests that queue" in doubt for doubt in caddy.warnings)


def test_a_heap_that_grows_all_along_does_not_start_up(tmp_path: Path) -> None:
    """A leak of 4 MiB a second from the first object on."""
    lives = [round(0.4 * n) for n in range(5, 150, 3)]
    log = tmp_path / "leak.gctrace"
    log.write_text(
        "".join(
            f"gc {n} @{live / 4:.3f}s 0%: 0.03+0.5+0.01 ms clock, 0.06+0/0.4/0.4+0.02 ms cpu,"
            f" {2 * live}->{2 * live}->{live} MB, {2 * live + 1} MB goal, 0 MB stacks,"
            " 0 MB globals, 2 P\n"
            for n, live in enumerate(lives, 1)
        )
    )
    fit = fit_log(log)
    assert fit.course.starting == 0
    assert fit.warnings[0].startswith("the live heap still grows when the log ends, by 4")

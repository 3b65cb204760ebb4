"""The version of Go that wrote a log: whose pacer predicts, and what lies beside the heap."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from sim.advice.prediction import predict
from sim.cli import main
from sim.errors import UserError
from sim.fitting.fit_log import fit_log
from sim.fitting.gctrace_log import GoVersions, read_gctrace
from sim.fitting.versions import eras, limit_headroom, pacer_of, parse_go
from sim.go.pacer import pacers
from sim.replay.setting import Setting
from sim.units import MiB
from tests.fits import fitted

CASES = Path(__file__).parents[1] / "golden" / "cases"
APPS = Path(__file__).parents[1] / "golden" / "real-apps"
ETCD = APPS / "etcd34.p2.gogc100.limnone.r5.gctrace.gz"
OLD = (
    "gc {n} @{t:.3f}s 2%: 0.1+10+0.1 ms clock, 0.2+0.5/5/4+0.2 ms cpu,"
    " {start}->{end}->{live} MB, {goal} MB goal, 2 P\n"
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A log as Go 1.6 to 1.17 write it."""
    log = tmp_path / "old.gctrace"
    lives = [3, 6, 12, *[20, 21] * 18]
    goals = [4, *(2 * live for live in lives[:-1])]
    log.write_text(
        "".join(
            OLD.format(n=n, t=n / 10, start=goal - 2, end=goal, live=live, goal=goal)
            for n, (live, goal) in enumerate(zip(lives, goals, strict=True), 1)
        )
    )
    return log


@pytest.mark.parametrize(
    ("oldest", "newest", "pacer"),
    [
        (5, 5, "go1.5"),
        (7, 9, "go1.9"),
        (10, 13, "go1.13"),
        (6, 17, "go1.17"),
        (18, 18, "go1.18"),
        (18, 19, "go1.19"),
        (18, 27, "go1.27"),
    ],
)
def test_the_pacer_is_that_of_the_newest_version_it_may_be(
    oldest: int, newest: int, pacer: str
) -> None:
    assert pacer_of(GoVersions(oldest, newest)) == pacer


@pytest.mark.parametrize("text", ["1.19", "go1.19.8", "1.19rc1", "go1.19.1 X:boringcrypto"])
def test_versions_are_taken_as_go_and_scrapes_write_them(text: str) -> None:
    assert parse_go(text, GoVersions(18, 27)) == (19, 19)


def test_an_old_log_is_predicted_with_its_own_pacer_which_knows_no_limit(old: Path) -> None:
    fit = fit_log(old)
    assert fit.program.pacer == "go1.17"
    assert any("pacer of Go 1.17, which knows no GOMEMLIMIT" in line for line in fit.assumptions)
    limited, free = predict(fit, [Setting(100, 30 * MiB, 2), fit.logged], seeds=1, draws=2)
    assert limited.middle.gc_cycles == free.middle.gc_cycles > 30


@pytest.mark.parametrize(
    ("case", "era"),
    [("03", GoVersions(14, 17)), ("04", GoVersions(7, 9)), ("06", GoVersions(7, 9))],
)
def test_triggers_and_assists_tell_which_of_the_old_pacers_wrote_a_log(
    case: str, era: GoVersions
) -> None:
    """The reports are of Go 1.15, 1.8 and 1.9, which their lines do not print."""
    (log,) = CASES.glob(f"{case}-*")
    fit = fitted(log)
    assert fit.go.newest == era.newest
    assert pacer_of(fit.go) == pacer_of(era)
    assert fit.reproduction is not None
    assert not fit.reproduction.doubts()


def test_versions_are_split_by_pacer_where_lines_are_alike() -> None:
    assert eras(GoVersions(8, 15)) == [GoVersions(14, 15), GoVersions(10, 13), GoVersions(8, 9)]
    assert eras(GoVersions(18, 27)) == [GoVersions(20, 27), GoVersions(19, 19)]
    assert eras(GoVersions(26, 27)) == [GoVersions(26, 27)]
    assert eras(GoVersions(18, 18)) == [GoVersions(18, 18)]


@pytest.mark.parametrize("repetition", [0, 1])
def test_early_triggers_tell_that_restic_is_of_go_1_19(repetition: int) -> None:
    """Its large buffers pass the trigger, which the pacer of Go 1.19 takes for growth."""
    fit = fitted(APPS / f"restic.p2.gogc100.limnone.r{repetition}.gctrace.gz")
    assert fit.go == (19, 19)
    assert fit.reproduction is not None
    assert fit.reproduction.off("cycles") == fit.reproduction.off("peak") == 0
    found = predict(fit, [Setting(50, None, 2), Setting(None, 85 * MiB, 2)])
    for one, real in zip(found, (24, 13), strict=True):  # under the limit more was alive by chance
        assert one.low.gc_cycles - 1 <= real <= one.high.gc_cycles + 1


def test_a_goal_that_an_outgrown_heap_did_not_move_is_of_go_1_19() -> None:
    """gron: `14->14->12 MB, 12 MB goal`; later versions print 14 as the goal then."""
    fit = fitted(APPS / "gron.p2.gogc100.limnone.r0.gctrace.gz")
    assert fit.go == (19, 19)
    assert any("Go 1.19" in sentence for sentence in fit.assumptions)


def test_go_1_19_keeps_a_mebibyte_of_headroom_below_a_limit() -> None:
    """memoryLimitHeapGoalHeadroom; 3 % of large heaps since."""
    for name, goal in (("go1.19", 999 * MiB), ("go1.27", 970 * MiB)):
        pacer = pacers.get(name)()
        pacer.configure(-1, 1000 * MiB, 0)
        assert pacer.heap_goal() == pytest.approx(goal, abs=MiB)
    assert limit_headroom(GoVersions(19, 19), 999 * MiB) == MiB
    assert limit_headroom(GoVersions(20, 27), 970 * MiB) == pytest.approx(30 * MiB, abs=MiB)


def test_later_versions_are_not_taken_for_it() -> None:
    for name in ("caddy", "gofmt", "tsgo", "hugo", "rclone"):
        (log, *_) = sorted(APPS.glob(f"{name}.p2.gogc100.limnone.*.gctrace.gz"))
        assert fitted(log).go.newest == 27


def test_a_version_with_larger_tables_leaves_less_room_under_a_limit() -> None:
    """etcd 3.4 of Go 1.19: 15 to 17 MiB of a limit were not heap."""
    beside = {go: fit_log(ETCD, go=go).overheads.fixed for go in ("1.19", "1.26")}
    assert beside["1.19"] - beside["1.26"] == 5 * MiB


def test_a_version_that_writes_other_lines_is_refused(old: Path) -> None:
    with pytest.raises(UserError, match=r"--go: Go 1.26 writes other lines .* Go 1.6 to 1.17"):
        fit_log(old, go="1.26")


def test_a_version_that_nobody_knows_yet_is_refused() -> None:
    assert parse_go("1.28", GoVersions(18, 27)) == (28, 28)
    with pytest.raises(UserError, match=r"--go: expected a version up to 1\.28, got '1\.99'"):
        parse_go("1.99", GoVersions(18, 27))


def test_what_is_no_version_is_one_sentence(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["whatif", str(old), "--go", "newest", "-q"])
    assert ended.value.code == 2
    assert "--go: expected a version such as 1.26, got 'newest'" in capsys.readouterr().err


def test_a_service_that_prints_its_version_at_the_start_says_it(tmp_path: Path) -> None:
    log = gzip.decompress(ETCD.read_bytes()).decode()
    file = tmp_path / "app.log"
    for said, expected in (
        ("etcdmain: Go Version: go1.19.8\n", GoVersions(19, 19)),
        ("etcdmain: Go Version: go1.4.2\n", GoVersions(18, 27)),
        ("go version go1.19\ngo version go1.24\n", GoVersions(18, 27)),
    ):
        file.write_text(said + log)
        assert read_gctrace(file).go == expected

"""A workload after a heap profile, a log and a trace is by and large the program of these."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.cli import main
from sim.cli.profile import kind_of
from sim.config import load
from sim.fitting.course import background, course
from sim.fitting.fit_log import fit_log
from sim.fitting.sites import sites
from sim.formats.gctrace import parse
from sim.formats.pprof import HeapProfile, HeapSample
from sim.results.summary import summary
from sim.simulation import simulate
from sim.units import SECOND, KiB, MiB
from sim.workload.program import ClosedLoop, Work

SERVICE = Path(__file__).parents[1] / "golden" / "profile"
"""Recorded of the program beside it, which tells what is true."""
FILES = [SERVICE / name for name in ("heap.pb.gz", "service.gctrace", "trace.txt.gz")]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("profile") / "service.yaml"
    with pytest.raises(SystemExit) as end:
        main(["profile", *map(str, FILES), "-o", str(out), "--quiet"])
    assert not end.value.code
    return out


def test_what_comes_and_goes_and_what_stays_are_those_of_the_program(written: Path) -> None:
    """A request keeps 60 trees of three nodes, makes another of 2047, and fills a buffer."""
    program = load(written).program
    passing, buffer, kept = (
        step for step in program.goroutines["request"].steps if isinstance(step, Work)
    )
    assert (passing.of, buffer.of) == ("main.parse, passing", "bytes.growSlice, passing")
    assert passing.allocate.mean() == pytest.approx(2047 * 64, rel=0.05)
    assert kept.into == "main.parse, kept"
    assert 0.9 * 180 * 64 < kept.allocate.mean() < 2 * 180 * 64  # with roots of the large trees
    assert program.stores[kept.into].size == pytest.approx(60_000 * 3 * 64, rel=0.05)
    assert {kind.pointers for kind in program.mixes[buffer.of]} == {0}
    assert all(kind.size.mean() == 64 for kind in program.mixes[passing.of])


def test_it_collects_as_often_as_the_program_and_keeps_as_much(written: Path) -> None:
    lines = [
        found.line for found in parse((SERVICE / "service.gctrace").read_text("utf-8").splitlines())
    ]
    real = len(lines) / lines[-1].at * SECOND
    config = load(written)
    result = simulate(config)
    assert len(result.cycles) / config.duration * SECOND == pytest.approx(real, rel=0.1)
    peak = max(line.heap_end for line in lines)
    assert summary(result).numbers()["peak_heap"] == pytest.approx(peak, rel=0.15)


def test_what_the_files_do_not_tell_is_asked_for(written: Path) -> None:
    asked = [
        line for line in written.read_text("utf-8").splitlines() if line.startswith("# To supply")
    ]
    assert "pointers of the objects of main.parse" in asked[0]
    assert len(asked) == 5


def test_files_are_told_by_their_contents(tmp_path: Path) -> None:
    assert [kind_of(path) for path in FILES] == ["heap profile", "log", "trace"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (FILES[:1], "expected a log of GODEBUG=gctrace=1"),
        ([*FILES, FILES[1]], r"is of the same kind \(log\)"),
        ([*FILES, FILES[0]], "nothing was allocated after"),
    ],
)
def test_files_that_are_not_enough_are_one_sentence(
    files: list[Path], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["profile", *map(str, files), "-o", str(tmp_path / "w.yaml")])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(sentence, line)
    assert not (tmp_path / "w.yaml").exists()


def test_a_binary_trace_is_told_how_to_become_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trace.out"
    path.write_bytes(b"go 1.26 trace\x00\x00\x00rest")
    with pytest.raises(SystemExit):
        main(["profile", str(path), str(FILES[1]), "-o", str(tmp_path / "w.yaml")])
    assert "go tool trace -d=parsed trace.out" in capsys.readouterr().err


def sample(function: str, allocated: int, alive: int, size: int = KiB) -> HeapSample:
    return HeapSample((function,), size, allocated // size, allocated, alive // size, alive)


def test_call_paths_are_told_apart_by_how_long_their_objects_live() -> None:
    profile = HeapProfile(
        512 * KiB,
        (
            sample("main.garbage", 100 * MiB, 64 * KiB),
            sample("main.cache", 100 * MiB, 10 * MiB),
            sample("main.table", 10 * MiB, 10 * MiB),
            sample("runtime/pprof.writeHeap", 5 * MiB, 5 * MiB),
        ),
    )
    found = sites(profile, 10 * SECOND, SECOND // 10)
    names = [[site.function for site in some] for some in (found.passing, found.kept, found.set_up)]
    assert names == [["main.garbage"], ["main.cache"], ["main.table"]]


def test_the_smallest_functions_are_one() -> None:
    some = tuple(sample(f"main.f{i:02}", (20 - i) * MiB, 0) for i in range(12))
    found = sites(HeapProfile(512 * KiB, some), SECOND, SECOND).passing
    assert [site.function for site in found][-1] == "others"
    assert sum(site.allocated for site in found) == sum(one.alloc_space for one in some)


REAL = Path(__file__).parents[2] / "data" / "real-programs"


def profiled_anew(name: str, out: Path, *options: str) -> Path:
    files = [REAL / f"{name}.p2.gogc100.limnone.r0.gctrace.gz", REAL / f"{name}.heap.pb.gz"]
    with pytest.raises(SystemExit) as end:
        main(["profile", *(str(one) for one in files if one.exists()), "-o", str(out), *options])
    assert not end.value.code
    return out


def test_a_program_that_grows_until_it_is_done_grows_as_its_log_says(tmp_path: Path) -> None:
    """hugo: from 1 MiB alive to 190 within 19 cycles, each of which lets the heap double."""
    path = profiled_anew("hugo", tmp_path / "hugo.yaml", "--load", "busy", "--go", "1.27")
    program = load(path).program
    assert not program.serves
    assert 90 * MiB < program.stores["grown"].size < 240 * MiB
    figures = summary(simulate(load(path))).numbers()
    assert 13 <= figures["gc_cycles"] <= 23


def test_a_heap_that_is_work_in_flight_is_pieces_of_random_size(tmp_path: Path) -> None:
    """gofmt keeps a file on each P, and lets go of it when it is done."""
    path = profiled_anew("gofmt", tmp_path / "gofmt.yaml", "--load", "busy", "--go", "1.27")
    program = load(path).program
    assert program.load["pieces"].lanes(1) == 1  # type: ignore[union-attr]
    assert program.load["pieces"].lanes(2) == 2  # type: ignore[union-attr]
    (step,) = program.goroutines["piece"].steps
    assert isinstance(step, Work)
    assert step.lives == "goroutine"
    assert 1 * MiB < step.allocate.mean() < 60 * MiB


def test_the_settings_of_the_log_and_its_version_are_those_of_the_workload(tmp_path: Path) -> None:
    path = profiled_anew(
        "etcd", tmp_path / "etcd.yaml", "--go", "1.19", "--ran", "10.5s", "--arrivals", "500/s"
    )
    config = load(path)
    assert (config.gc_percent, config.gomaxprocs, config.go) == (100, 2, "1.21")
    assert (config.gc.pacer.name, config.gc.marker.name) == ("go1.19", "classic")
    assert config.duration == pytest.approx(10.5 * SECOND, rel=0.02)


def test_goroutines_that_wait_have_stacks(tmp_path: Path) -> None:
    count = tmp_path / "goroutines"
    count.write_text("goroutine profile: total 117\n")
    assert kind_of(count) == "goroutines"
    path = profiled_anew("etcd", tmp_path / "etcd.yaml", "--go", "1.19", str(count))
    assert load(path).program.load["idle"] == ClosedLoop("idle", workers=117)


def test_the_course_of_what_stays_and_what_passes_adds_up(tmp_path: Path) -> None:
    fit = fit_log(REAL / "etcd.p2.gogc100.limnone.r0.gctrace.gz", go="1.19")
    whole = course(fit, None)
    assert all(one.allocated >= one.kept >= 0 for one in whole)
    assert sum(one.kept for one in whole) == pytest.approx(fit.observed.live.max(), rel=0.15)
    beside = background(whole)
    requests = beside.rate * sum(one.lasts for one in whole)
    others = sum(one.allocated for one in beside.stretches)
    assert requests + others == pytest.approx(sum(one.allocated for one in whole), rel=0.05)

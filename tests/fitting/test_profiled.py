"""A workload after a heap profile, a log and a trace is by and large the program of these."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.cli import main
from sim.cli.profile import kind_of
from sim.config import load
from sim.fitting.sites import sites
from sim.formats.gctrace import parse
from sim.formats.pprof import HeapProfile, HeapSample
from sim.results.summary import summary
from sim.simulation import simulate
from sim.units import SECOND, KiB, MiB
from sim.workload.program import Work

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
        step for step in program.all_steps() if isinstance(step, Work) and step.of is not None
    )
    assert (passing.of, buffer.of) == ("main.parse, passing", "bytes.growSlice, passing")
    assert passing.allocate.mean() == pytest.approx(2047 * 64, rel=0.05)
    assert kept.into == "main.parse, kept"
    assert 0.9 * 180 * 64 < kept.allocate.mean() < 2 * 180 * 64  # with roots of the large trees
    assert program.stores[kept.into].size == pytest.approx(60_000 * 3 * 64, rel=0.05)
    assert [kind.pointers for kind in program.mixes[buffer.of]] == [0] * 6
    assert all(kind.size.mean() == 64 for kind in program.mixes[passing.of])


def test_it_collects_as_often_as_the_program_and_keeps_as_much(written: Path) -> None:
    lines = [
        found.line for found in parse((SERVICE / "service.gctrace").read_text("utf-8").splitlines())
    ]
    real = len(lines) / lines[-1].at * SECOND
    figures = summary(simulate(load(written))).numbers()
    assert figures["gc_cycles"] / 5 == pytest.approx(real, rel=0.1)
    peak = max(line.heap_end for line in lines)
    assert figures["peak_heap"] == pytest.approx(peak, rel=0.15)


def test_what_the_files_do_not_tell_is_asked_for(written: Path) -> None:
    asked = [
        line for line in written.read_text("utf-8").splitlines() if line.startswith("# To supply")
    ]
    assert "pointers of the objects of main.parse" in asked[0]
    assert len(asked) == 5


def test_files_are_told_by_their_contents(tmp_path: Path) -> None:
    assert [kind_of(path) for path in FILES] == ["pprof", "log", "trace"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (FILES[1:], "expected a heap profile"),
        (FILES[:1], "expected a log of GODEBUG=gctrace=1"),
        ([*FILES, FILES[0]], r"is of the same kind \(pprof\)"),
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

"""Resident memory of the log's run: it tells the program's file, and how far the program got."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.advice.prediction import predict
from sim.cli import main
from sim.errors import UserError
from sim.fitting.fit import Fit
from sim.fitting.fit_log import fit_log
from sim.fitting.resident import LastHeap, Resident, bounded, ends, program_at
from sim.replay.memory import Overheads
from sim.replay.setting import Setting
from sim.streams import Streams
from sim.units import GiB, MiB

REAL = Path(__file__).parents[1] / "golden" / "real"
HEAPBENCH = REAL / "hbsteady.p2.gogc100.limnone.r0.gctrace.gz"
TSGO = REAL.parent / "real-apps" / "tsgo.p2.gogc100.limnone.r5.gctrace.gz"
SERVICE = LastHeap(peak=40.0 * MiB, marked=20.0 * MiB, growth=18.0 * MiB)
GROWING = LastHeap(peak=240.0 * MiB, marked=200.0 * MiB, growth=180.0 * MiB)


@pytest.fixture(scope="module")
def growing() -> Fit:
    """A compiler that keeps what it reads, and ends with 322 MiB resident after eight cycles."""
    return fit_log(TSGO, rss="322MiB")


def mean_end(last: LastHeap, rss: int) -> float:
    found = ends(50, last, Overheads(), Resident(rss * MiB), 0.85, Streams(1)["ends"])
    return sum(found) / len(found)


def test_much_memory_of_a_growing_program_says_that_it_went_on_after_its_last_cycle() -> None:
    """A program's file of 150 MiB is less likely than a heap that grew on."""
    assert mean_end(GROWING, 400) > 0.75
    assert mean_end(GROWING, 265) < 0.4


def test_memory_of_a_service_says_nothing_of_its_end() -> None:
    assert mean_end(SERVICE, 80) == pytest.approx(0.5, abs=0.02)


@given(st.integers(30, 500), st.floats(0, 1))
def test_heap_runtime_and_program_add_up_to_what_was_seen(rss: int, end: float) -> None:
    seen = Resident(rss * MiB)
    overheads = bounded(Overheads(), SERVICE, seen)
    heap = max(SERVICE.peak, SERVICE.marked + end * SERVICE.growth)
    program = program_at(end, SERVICE, overheads, seen)
    if program > 2 * MiB:
        found = replace(overheads, program=program)
        assert found.resident(heap) == pytest.approx(seen.size, abs=2)


def test_a_small_process_has_little_beside_its_heap() -> None:
    """What counts against a limit and was touched is resident: it has to fit in."""
    assert bounded(Overheads(), SERVICE, Resident(42 * MiB)).fixed < Overheads().fixed
    assert bounded(Overheads(), SERVICE, Resident(90 * MiB)).fixed == Overheads().fixed


def test_the_log_s_own_setting_has_the_memory_that_was_seen() -> None:
    fit = fit_log(HEAPBENCH, rss="230MiB")
    (found,) = predict(fit, [fit.logged], seeds=3, draws=9)
    assert found.middle.peak_rss_bytes == pytest.approx(230 * MiB, rel=0.07)
    assert found.low.peak_rss_bytes < 230 * MiB < found.high.peak_rss_bytes


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(10, 900), min_size=2, max_size=8, unique=True), st.integers(0, 99))
def test_more_gogc_never_means_less_memory(growing: Fit, percents: list[int], seed: int) -> None:
    """A growing program in a few cycles, where peaks hang on where a cycle falls."""
    found = predict(growing, [Setting(p, None, 2) for p in sorted(percents)], seed, 1, 2)
    for which in ("low", "middle", "high"):
        memory = [getattr(p, which).peak_rss_bytes for p in found]
        assert memory == sorted(memory)


def test_memory_is_hardly_less_than_what_ends_without_a_cycle(growing: Fit) -> None:
    """The compiler ended with 365 MiB resident after two cycles under GOGC=400."""
    (found,) = predict(growing, [Setting(400, None, 2)])
    assert found.middle.peak_rss_bytes > 0.6 * 365 * MiB
    assert found.low.peak_rss_bytes < 365 * MiB < found.high.peak_rss_bytes


def test_less_memory_than_heap_is_of_another_process() -> None:
    with pytest.raises(
        UserError, match=r"--rss: 20MiB do not hold a heap that grew to .*MiB, of which only the"
    ):
        fit_log(HEAPBENCH, rss="20MiB")


BALLAST = (
    "gc {n} @{t:.3f}s 0%: 0.02+3+0.02 ms clock, 0.1+0.1/3/2+0.1 ms cpu, {start}->{end}->{live} MB,"
    " {goal} MB goal, 0 MB stacks, 0 MB globals, 4 P\n"
)


@pytest.fixture
def ballast(tmp_path: Path) -> Path:
    """A service of 60 MiB beside a GiB that it never touches, under GOGC=20."""
    log = tmp_path / "ballast.gctrace"
    log.write_text(
        "".join(
            BALLAST.format(n=n, t=n / 2, start=1290, end=1299, live=live, goal=1300)
            for n, live in enumerate([1083, 1084] * 12, 1)
        )
    )
    return log


def test_a_ballast_that_is_never_touched_takes_no_resident_memory(ballast: Path) -> None:
    fit = fit_log(ballast, rss="310MiB", gogc="20")
    assert fit.overheads.ballast == pytest.approx(GiB, rel=0.05)
    assert any("a ballast" in doubt for doubt in fit.warnings)
    same, doubled = predict(fit, [fit.logged, Setting(40, None, 4)], seeds=1, draws=2)
    assert same.middle.peak_rss_bytes == pytest.approx(310 * MiB, rel=0.1)
    assert doubled.middle.peak_rss_bytes == pytest.approx((310 + 217) * MiB, rel=0.1)
    assert same.middle.peak_heap_bytes == pytest.approx(1299 * MiB, rel=0.02)


def test_rss_on_the_command_line_is_what_the_json_has(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    with pytest.raises(SystemExit) as ended:
        main(["whatif", str(TSGO), "--gogc", "100", "--rss", "322MiB", "-q", "--json", str(out)])
    assert not ended.value.code
    assert json.loads(out.read_text())[0]["peak_rss_bytes"] == pytest.approx(322 * MiB, rel=0.15)


def test_a_size_without_unit_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["whatif", str(TSGO), "--rss", "322", "-q"])
    assert ended.value.code == 2
    assert "expected a size with one of the units" in capsys.readouterr().err


def test_without_evidence_the_interval_is_wide_and_a_sentence_says_how_to_narrow_it() -> None:
    widths = []
    for rss in (None, "230MiB"):
        fit = fit_log(HEAPBENCH, rss=rss)
        (found,) = predict(fit, [fit.logged], seeds=1, draws=9)
        widths.append(found.high.peak_rss_bytes - found.low.peak_rss_bytes)
        assert any("--rss" in line for line in fit.assumptions) == (rss is None)
    assert widths[0] > 1.2 * widths[1]


def test_the_program_s_file_says_what_it_takes(tmp_path: Path) -> None:
    binary = tmp_path / "app"
    with binary.open("wb") as file:
        file.write(b"\x7fELF" + b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x08go1.22.5")
        file.truncate(40 * MiB)
    fit = fit_log(HEAPBENCH, binary=binary)
    assert fit.overheads.program == 32 * MiB
    assert fit.go == (22, 22)
    with pytest.raises(UserError, match=r"--binary: .*missing: No such file"):
        fit_log(HEAPBENCH, binary=tmp_path / "missing")
    with pytest.raises(UserError, match="expected a program"):
        fit_log(HEAPBENCH, binary=HEAPBENCH)


def test_memory_that_no_program_has_by_itself_is_a_doubt() -> None:
    told, usual = (fit_log(HEAPBENCH, rss=rss).warnings for rss in ("2GiB", "210MiB"))
    assert any("are neither heap nor of the Go runtime" in doubt for doubt in told)
    assert not any("neither heap" in doubt for doubt in usual)

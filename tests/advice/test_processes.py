"""All processes of a log together: what adds up is the sum of what each of them does."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from sim.advice.prediction import predict
from sim.advice.processes import predict_all
from sim.advice.scenario import Future
from sim.advice.settings import grid
from sim.cli import main
from sim.fitting.fit_log import fit_log
from sim.fitting.source import Source
from sim.replay.setting import Setting

LINE = (
    "gc {n} @{t:.3f}s 2%: 0.1+10+0.1 ms clock, 0.2+0.1/5/0+0.2 ms cpu,"
    " {start}->{end}->{live} MB, {goal} MB goal, 0 MB stacks, 0 MB globals, 2 P\n"
)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """The ends of three processes one after the other, of which one has too few cycles."""
    log = tmp_path / "build.log"
    log.write_text(
        "".join(
            LINE.format(n=n, t=n / 10, start=2 * live - 1, end=2 * live, live=live, goal=2 * live)
            for live, cycles in ((20, 12), (40, 8), (10, 2))
            for n in range(50, 50 + cycles)
        )
    )
    return log


def settings(procs: int) -> list[Setting]:
    return grid("50,100", "none", str(procs))


def test_cycles_and_cpu_are_sums_and_memory_is_of_the_largest(build: Path) -> None:
    together = predict_all(Source(build), settings)
    alone = [predict(fit_log(build, process=name), settings(2)) for name in ("#1", "#2")]
    for found, *parts in zip(together.predictions, *alone, strict=True):
        for name in ("gc_cycles", "gc_cpu_seconds", "alloc_bytes"):
            assert getattr(found.middle, name) == sum(getattr(one.middle, name) for one in parts)
        assert found.middle.peak_rss_bytes == max(one.middle.peak_rss_bytes for one in parts)
        assert found.low.gc_cycles <= found.middle.gc_cycles <= found.high.gc_cycles
        assert math.isnan(found.middle.wall_seconds)
    assert "sums over 2 of 3 processes, with 20 cycles" in together.sentence
    assert "less than 3 cycles each, with 2 cycles" in together.sentence


def test_all_processes_on_the_command_line(build: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    with pytest.raises(SystemExit):
        main(["whatif", str(build), "--process", "all", "--gogc", "100", "--json", str(out)])
    (row,) = json.loads(out.read_text())
    assert row["gc_cycles"] == pytest.approx(20, abs=2)
    assert "wall_seconds" not in row


def test_a_log_of_short_processes_only_is_one_sentence(
    build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = build.read_text(encoding="utf-8").splitlines(keepends=True)
    build.write_text("".join(lines[-2:]), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["whatif", str(build), "--process", "all"])
    assert ended.value.code == 2
    assert "none of 1 processes has the 3 cycles" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--rss", "--html", "--also"])
def test_what_only_one_process_has_is_refused_for_all_of_them(
    build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    value = "80MiB" if option == "--rss" else str(tmp_path / "file")
    with pytest.raises(SystemExit) as ended:
        main(["whatif", str(build), "--process", "all", option, value])
    assert ended.value.code == 2
    assert f"{option}: " in capsys.readouterr().err


def test_growth_is_that_of_every_process(build: Path) -> None:
    today = predict_all(Source(build), settings)
    grown = predict_all(Source(build), settings, Future(growth=0.5))
    for before, after in zip(today.predictions, grown.predictions, strict=True):
        assert after.middle.peak_heap_bytes > 1.3 * before.middle.peak_heap_bytes

"""Predictions from a log: accuracy against recorded runs, and what a user reads."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from sim.advice.check import TARGETS, check, errors
from sim.advice.prediction import predict
from sim.advice.settings import grid
from sim.advice.whatif import to_json
from sim.cli import main
from sim.errors import UserError
from sim.fitting import fit_log
from sim.fitting.settings import name_limit
from sim.fluid.setting import Setting
from sim.units import MiB

REAL = Path(__file__).parents[1] / "golden" / "real"
HEAPBENCH = REAL / "hbsteady.p2.gogc100.limnone.r0.gctrace.gz"
KEYS = [
    "gogc",
    "gomemlimit",
    "gomaxprocs",
    "gc_cycles",
    "alloc_bytes",
    "peak_heap_bytes",
    "peak_rss_bytes",
    "gc_cpu_seconds",
    "assist_cpu_seconds",
    "wall_seconds",
    "pause_p99_seconds",
]


def test_every_combination_is_predicted_in_the_order_typed() -> None:
    found = grid("50,off", "none,512MiB", "2")
    assert found == [Setting(50, None, 2), Setting(50, 512 * MiB, 2), Setting(None, 512 * MiB, 2)]


@pytest.mark.parametrize(
    ("gogc", "limit", "procs", "sentence"),
    [
        ("fast", "none", "2", "GOGC: expected a number such as 100 or off, got 'fast'"),
        ("100", "512MB", "2", "did you mean 512MiB"),
        ("100", "none", "0", "GOMAXPROCS: expected a number from 1 on"),
        ("off", "none", "2", "never collects"),
    ],
)
def test_a_wrong_setting_is_one_sentence(gogc: str, limit: str, procs: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        grid(gogc, limit, procs)


def test_a_limit_is_named_exactly() -> None:
    assert [name_limit(size) for size in (None, 512 * MiB, 1536 * MiB)] == [
        "none", "512MiB", "1536MiB",
    ]  # fmt: skip


def test_the_json_has_the_promised_keys_and_intervals() -> None:
    predictions = predict(fit_log(HEAPBENCH), grid("100,off", "192MiB", "2"), seeds=1, draws=2)
    objects = json.loads(to_json(predictions))
    assert [found["gogc"] for found in objects] == [100, "off"]
    for found in objects:
        assert set(KEYS) <= set(found)
        low, high = found["intervals"]["gc_cpu_seconds"]
        assert low <= found["gc_cpu_seconds"] <= high


def test_recorded_runs_of_two_ps_are_predicted_within_the_promise(tmp_path: Path) -> None:
    for log in REAL.glob("*.p2.*"):
        if "gogc100.limnone.r1" not in log.name:
            (tmp_path / log.name).symlink_to(log)
    found = errors(check(tmp_path, draws=2))
    assert found.loc["gc_cycles", "median error"] < 0.05
    assert found.loc["peak_heap_bytes", "median error"] < 0.1
    assert found.loc["gc_cpu_seconds", "p90 error"] < 0.25
    assert found.loc["peak_rss_bytes", "median error"] < 0.1
    measured = found.loc[list(TARGETS)]
    assert (measured["median error"] < measured["GC guide, median"]).all()


def test_a_run_of_another_length_is_held_against_in_proportion(tmp_path: Path) -> None:
    """A request-serving program that was recorded for twice as long collected twice as often."""
    for gogc in ("100", "200"):
        name = f"hbsteady.p2.gogc{gogc}.limnone.r0"
        (tmp_path / f"{name}.gctrace.gz").symlink_to(REAL / f"{name}.gctrace.gz")
        facts = json.loads((REAL / f"{name}.json").read_text())
        facts["wall_s"] *= 2 if gogc == "200" else 1
        (tmp_path / f"{name}.json").write_text(json.dumps(facts))
    found = check(tmp_path, draws=2)
    cycles = found[(found["figure"] == "gc_cycles") & ~found["in_sample"]].iloc[0]
    assert cycles["amount"] == pytest.approx(2, rel=0.01)
    assert cycles["error"] == pytest.approx(2 * (1 + cycles["error_as_recorded"]) - 1, rel=0.01)


def test_runs_with_hardly_a_cycle_are_held_against_too(tmp_path: Path) -> None:
    for gogc in ("100", "400"):
        name = f"hbsteady.p2.gogc{gogc}.limnone.r0.gctrace"
        lines = gzip.decompress((REAL / f"{name}.gz").read_bytes()).decode().splitlines(True)
        if gogc == "400":
            begin = next(n for n, line in enumerate(lines) if "=== begin" in line)
            lines = [*lines[: begin + 1], "=== end\n"]
        (tmp_path / name).write_text("".join(lines))
    found = check(tmp_path, draws=2)
    assert (found[~found["in_sample"] & (found["figure"] == "gc_cycles")]["real"] == 0).all()


def test_the_peak_is_what_gctrace_would_print() -> None:
    (found,) = predict(fit_log(HEAPBENCH), grid("100", "none", "2"), seeds=1, draws=2)
    assert found.middle.peak_heap_bytes % MiB == 0


def test_a_folder_without_runs_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["whatif", "--check", str(tmp_path)])
    assert end.value.code == 2
    assert "there are no recorded runs" in capsys.readouterr().err

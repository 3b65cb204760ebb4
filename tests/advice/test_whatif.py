"""Predictions from a log: accuracy against recorded runs, and what a user reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.advice.prediction import predict
from sim.advice.risks import tips_over
from sim.advice.settings import grid
from sim.advice.whatif import as_object, doubts, rows
from sim.errors import UserError
from sim.fitting.fit_log import fit_log
from sim.fitting.settings import name_limit
from sim.replay.setting import Setting
from sim.units import GiB, MiB
from tests.fits import fitted

REAL = Path(__file__).parents[1] / "golden" / "real"
APPS = REAL.parent / "real-apps"
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
    assert found == [
        Setting(50, None, 2),
        Setting(None, None, 2),
        Setting(50, 512 * MiB, 2),
        Setting(None, 512 * MiB, 2),
    ]


@pytest.mark.parametrize(
    ("gogc", "limit", "procs", "sentence"),
    [
        ("fast", "none", "2", "GOGC: expected a number such as 100 or off, got 'fast'"),
        ("100", "512MB", "2", "did you mean 512MiB"),
        ("100", "none", "0", "GOMAXPROCS: expected a number from 1 to"),
    ],
)
def test_a_wrong_setting_is_one_sentence(gogc: str, limit: str, procs: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        grid(gogc, limit, procs)


def test_a_limit_is_named_exactly() -> None:
    assert [name_limit(size) for size in (None, 512 * MiB, 1536 * MiB)] == [
        "none",
        "512MiB",
        "1536MiB",
    ]


def test_the_json_has_the_promised_keys_and_intervals() -> None:
    predictions = predict(fitted(HEAPBENCH), grid("100,off", "192MiB", "2"), seeds=1, draws=2)
    objects = [as_object(p) for p in predictions]
    assert [found["gogc"] for found in objects] == [100, "off"]
    for found in objects:
        assert set(KEYS) <= set(found)
        low, high = found["intervals"]["gc_cpu_seconds"]
        assert low <= found["gc_cpu_seconds"] <= high


def test_the_peak_is_what_gctrace_would_print() -> None:
    (found,) = predict(fitted(HEAPBENCH), grid("100", "none", "2"), seeds=1, draws=2)
    assert found.middle.peak_heap_bytes % MiB == 0


def test_a_program_that_never_collects_keeps_its_row_and_the_reason() -> None:
    fit = fitted(HEAPBENCH)
    (found,) = predict(fit, grid("off", "none", "2"), seeds=1, draws=2)
    assert found.middle.gc_cycles == 0
    assert found.middle.peak_heap_bytes > 4 * GiB  # all that it allocates in 20 s
    assert "GOGC=off without a GOMEMLIMIT never collects" in doubts(fit, [found])
    assert rows([found])[0]["GOGC"] == "off"


def test_a_heap_that_outgrows_any_goal_is_collected_without_end_but_goes_on() -> None:
    """A slice that append doubles leaves no room under GOGC=50: the program still makes headway."""
    fit = fit_log(REAL.parent / "cases" / "01-growing-append-job.txt")
    (found,) = predict(fit, grid("50", "none", "8"), seeds=1, draws=2)
    assert found.middle.alloc_bytes > GiB  # the whole course of the job


def test_the_table_has_words_for_heads_and_units_once() -> None:
    (row,) = rows(predict(fitted(HEAPBENCH), grid("100", "none", "2"), seeds=1, draws=2))
    heads = ["GOGC", "GOMEMLIMIT", "GOMAXPROCS", "peak RSS", "GC CPU", "pause p99"]
    assert list(row)[:7] == [*heads, "peak heap at cycles"]
    assert re.fullmatch(r"\d+MiB \(\d+ to \d+\)", row["peak RSS"])
    assert re.fullmatch(r"[\d.]+% \([\d.]+ to [\d.]+\)", row["GC CPU"])


def test_near_its_limit_a_service_may_tip_over_and_further_away_not() -> None:
    """Of four real runs of caddy under 28 MiB one collapsed; none did under 32."""
    fit = fitted(APPS / "caddy.p2.gogc100.limnone.r5.gctrace.gz")
    predictions = predict(fit, grid("off", "28MiB,64MiB", "2"), seeds=1, draws=1)
    (told,) = (line for line in doubts(fit, predictions).splitlines() if "queue up until" in line)
    assert "GOMEMLIMIT=28MiB" in told
    gofmt = fitted(APPS / "gofmt.p2.gogc100.limnone.r5.gctrace.gz")  # nothing queues up
    assert tips_over(gofmt, Setting(None, 20 * MiB, 2)) is None


def test_a_limit_below_what_is_always_alive_is_a_doubt() -> None:
    fit = fitted(HEAPBENCH)
    told = doubts(fit, predict(fit, grid("100", "40MiB,192MiB", "2"), seeds=1, draws=1))
    (line,) = (line for line in told.splitlines() if "never below" in line)
    assert "GOMEMLIMIT=40MiB" in line


def test_cycles_of_one_phase_are_alike_so_that_a_log_says_less_than_it_has_cycles() -> None:
    """Two runs of gofmt at GOGC=100 had 359 and 309 cycles; one at 50 had 667."""
    fit = fitted(APPS / "gofmt.p2.gogc100.limnone.r5.gctrace.gz")
    (prediction,) = predict(fit, [Setting(50, None, 2)])
    assert prediction.low.gc_cycles < 667 < prediction.high.gc_cycles


def test_what_queues_near_overload_may_be_another_in_the_next_run() -> None:
    """caddy on one P, 87 % of it in use: 37 cycles are likely, and 47 were counted."""
    fit = fitted(APPS / "caddy.p1.gogc100.limnone.r0.gctrace.gz")
    assert any("requests that queue are alive" in doubt for doubt in fit.warnings)
    (found,) = predict(fit, [Setting(200, None, 1)])
    assert found.low.gc_cycles <= 47 <= found.high.gc_cycles < 60


def test_what_phases_leave_free_in_spans_is_in_the_range_under_a_limit() -> None:
    """Hugo's real goals fell from 344 to 274 MiB under 384MiB; its GC CPU was 2.31 s."""
    fit = fit_log(APPS / "hugo.p2.gogc100.limnone.r0.gctrace.gz", rss="441560KiB")
    limited = predict(fit, [Setting(None, 384 * MiB, 2)])
    assert limited[0].low.gc_cycles < 4 < limited[0].high.gc_cycles
    assert limited[0].low.gc_cpu_seconds < 2.31 < limited[0].high.gc_cpu_seconds
    assert "goes through phases" in doubts(fit, limited)
    assert "goes through phases" not in doubts(fit, predict(fit, [Setting(200, None, 2)]))

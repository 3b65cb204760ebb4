"""fit, whatif and tune as a notebook calls them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sim
from sim.advice.prediction import OVERLOAD, predict, wanted_share
from sim.advice.whatif import as_object, doubts
from sim.errors import UserError
from sim.fitting.fit import Fit
from sim.replay.setting import Setting

REAL = Path(__file__).parents[1] / "golden" / "real"
GARBAGE = REAL / "garbage64.p2.gogc100.limnone.r0.gctrace.gz"
HEAPBENCH = REAL / "hbsteady.p2.gogc100.limnone.r0.gctrace.gz"


@pytest.fixture(scope="module")
def service() -> Fit:
    """A service with 200 requests a second, as logged."""
    return sim.fit(HEAPBENCH, arrivals="200/s")


def test_the_front_door_is_light() -> None:
    code = "import sim, sys; assert not {'pandas', 'numpy', 'simpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_whatif_is_a_row_for_every_setting_with_its_interval(service: Fit) -> None:
    found = sim.whatif(service, gogc=[100, "off"], gomemlimit="192MiB")
    assert found["gogc"].tolist() == ["100", "off"]
    assert (found["gc_cycles_low"] <= found["gc_cycles"]).all()
    assert (found["gc_cycles"] <= found["gc_cycles_high"]).all()


def test_latency_of_requests_is_near_that_of_the_recorded_run(service: Fit) -> None:
    """The recorded service answered in 4.9 ms in the middle, 37 ms at the 99th percentile."""
    figures = predict(service, [Setting(100, None, 2)], seeds=3, draws=1)[0].middle
    assert 0.8 * 4.9e-3 < figures.latency_p50_seconds < 1.6 * 4.9e-3
    assert figures.latency_p99_seconds == pytest.approx(37e-3, rel=0.35)


def test_latency_without_arrivals_is_left_out() -> None:
    predictions = predict(sim.fit(HEAPBENCH), [Setting(100, None, 2)], seeds=1, draws=1)
    assert not [name for name in as_object(predictions[0]) if "latency" in name]


def test_arrivals_at_a_busy_program_are_refused_in_words() -> None:
    with pytest.raises(UserError, match="busy all the time"):
        sim.fit(GARBAGE, arrivals="200/s")


def test_a_load_that_the_ps_cannot_bear_is_said(service: Fit) -> None:
    one, two = predict(service, [Setting(100, None, 1), Setting(100, None, 2)], seeds=1, draws=1)
    assert wanted_share(service, one) > OVERLOAD > wanted_share(service, two)
    found = doubts(service, [one, two])
    assert "GOGC=100 GOMAXPROCS=1: load and collection want" in found
    assert "another GOMAXPROCS than logged" in found
    assert not doubts(service, [two])


def test_more_ps_than_cpus_are_refused() -> None:
    with pytest.raises(UserError, match="the container has 2 CPUs"):
        sim.tune(GARBAGE, "256MiB", cpu=2, gomaxprocs="2,4")


@pytest.mark.slow
def test_tune_finds_the_fewest_ps_that_bear_the_load(service: Fit) -> None:
    advice = sim.tune(service, "256MiB", gomaxprocs=[1, 2])
    assert advice.environment["GOMAXPROCS"] == "2"
    assert "Recommended: GOGC=" in str(advice)
    assert set(advice.trade_off["gomaxprocs"]) == {1, 2}


@pytest.mark.parametrize("log", [GARBAGE, pytest.param(HEAPBENCH, marks=pytest.mark.slow)])
def test_what_is_recommended_holds_in_detail(log: Path) -> None:
    advice = sim.tune(log, memory="256MiB")
    assert advice.detail is not None
    assert advice.confirmed is not None
    expected = advice.confirmed.middle
    per_second = expected.gc_cycles / expected.wall_seconds
    assert advice.detail.peak_rss == pytest.approx(expected.peak_rss_bytes, rel=0.1)
    assert advice.detail.cycles_per_second == pytest.approx(per_second, rel=0.2)
    whole = expected.gc_cpu_seconds / (2 * expected.wall_seconds)
    assert advice.detail.gc_cpu + advice.detail.idle == pytest.approx(whole, rel=0.35)
    assert "in detail, simulated span by span" in str(advice)

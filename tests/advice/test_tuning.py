"""Recommendations: they keep the goals, and say what they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sim.advice import tuning as tuning_module
from sim.advice.confirm import Detail
from sim.advice.policies import named_policies
from sim.advice.prediction import predict
from sim.advice.report import in_detail, nothing_fits, on_misses, trade_off
from sim.advice.risks import risks
from sim.advice.tuning import Goals, Tuning, p99, settled, shortfall, tune
from sim.cli import main
from sim.errors import UserError
from sim.fitting.fit import Fit
from sim.fitting.fit_log import fit_log
from sim.replay.setting import Setting
from sim.units import MiB, format_bytes, format_duration
from tests.fits import fitted, made_once

REAL = Path(__file__).parents[1] / "golden" / "real"
HEAPBENCH = REAL / "hbsteady.p2.gogc100.limnone.r0.gctrace.gz"
GOALS = Goals(memory=256 * MiB, procs=(2,), max_gc_cpu=0.1, growth=0.2)


@pytest.fixture(scope="module", autouse=True)
def predicted_once() -> Iterator[None]:
    """Goals change nothing in what a program does under the settings that a search tries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning_module, "predict", made_once(predict))
        yield


@pytest.fixture(scope="module")
def fit() -> Fit:
    return fitted(HEAPBENCH)


@pytest.fixture(scope="module")
def tuning(fit: Fit) -> Tuning:
    return tune(fit, GOALS)


def test_the_recommendation_keeps_every_goal_with_the_growth_asked_for(tuning: Tuning) -> None:
    best = tuning.best
    assert best is not None
    assert best.grown.high.peak_rss_bytes <= GOALS.memory
    assert best.grown.middle.gc_cpu_share <= GOALS.max_gc_cpu


def test_what_may_not_fit_with_all_runs_of_a_prediction_is_not_recommended(
    fit: Fit, tuning: Tuning
) -> None:
    found, confirmed = settled(fit, tuning, seed=1)
    assert found.best is not None
    assert confirmed is not None
    assert confirmed.setting == found.best.setting
    assert confirmed.high.peak_rss_bytes <= GOALS.memory
    passed_over = [c for c in found.candidates if c.failures and c not in tuning.candidates]
    assert all(c.failures == ("memory",) for c in passed_over)


def test_the_nearest_miss_of_a_latency_is_one_that_fits_and_says_what_it_is(fit: Fit) -> None:
    goals = replace(GOALS, p99=1000)
    missed = tune(fit, goals)
    nearest = min(missed.candidates, key=lambda c: shortfall(c, goals))
    assert nearest.grown.high.peak_rss_bytes <= goals.memory
    assert f"at worst {format_duration(round(p99(nearest.grown.high)))}." in nothing_fits(missed)


def test_a_limit_is_preferred_where_it_costs_nothing(tuning: Tuning) -> None:
    assert tuning.best is not None
    assert tuning.best.setting.memory_limit is not None


def test_twice_the_gogc_always_costs_less_cpu_without_a_limit(tuning: Tuning) -> None:
    """Steps of less than that may be a cycle's worth of chance: load comes at random instants."""
    free = [c for c in tuning.candidates if c.setting.memory_limit is None]
    shares = {c.setting.gogc: c.now.middle.gc_cpu_share for c in free}
    doubled = [(gogc, 2 * gogc) for gogc in shares if gogc is not None and 2 * gogc in shares]
    assert len(doubled) > len(shares) / 2
    assert all(shares[more] < shares[less] for less, more in doubled)


@pytest.mark.slow
def test_growth_under_gogc_off_ends_in_thrashing_before_it_ends_in_the_limiter(fit: Fit) -> None:
    found = risks(fit, Setting(None, 128 * MiB, 2), GOALS)
    assert found.gc_cpu is not None
    assert found.limiter is not None
    assert found.gc_cpu <= found.limiter


def test_a_ballast_spares_cycles_and_takes_no_memory_of_its_own(fit: Fit) -> None:
    policies = {policy.name: policy.setting for policy in named_policies(256 * MiB, 2)}
    plain, ballast = predict(
        fit, [policies["default: GOGC=100"], policies["ballast of 25%"]], seeds=1, draws=2
    )
    assert ballast.middle.gc_cycles < 0.7 * plain.middle.gc_cycles
    assert ballast.middle.peak_heap_bytes < plain.middle.peak_heap_bytes + 80 * MiB


def test_a_tuner_keeps_the_heap_at_its_target(fit: Fit) -> None:
    target = 200 * MiB
    setting = Setting(100, None, 2, tuned_heap=target)
    assert predict(fit, [setting], seeds=1, draws=2)[0].middle.peak_heap_bytes == pytest.approx(
        target, rel=0.1
    )


def test_where_nothing_fits_the_nearest_setting_is_named_with_what_it_needs(fit: Fit) -> None:
    found = tune(fit, replace(GOALS, max_gc_cpu=0.001))
    assert found.best is None
    fitting = [c.grown for c in found.candidates if c.grown.high.peak_rss_bytes <= GOALS.memory]
    nearest = min(found.candidates, key=lambda c: shortfall(c, found.goals)).grown.middle
    assert nearest.gc_cpu_share == min(one.middle.gc_cpu_share for one in fitting)
    sentence = nothing_fits(found)
    assert "Nothing keeps all goals. Nearest: GOGC=" in sentence
    assert "of the CPU for collection" in sentence


def test_what_a_goal_is_missed_by_is_named_as_the_bound_that_it_is(tuning: Tuning) -> None:
    """The table shows the middle, and a setting misses memory by the end of its interval."""
    nearest = next(c for c in tuning.candidates if c.failures == ("memory",))
    bound, middle = (
        format_bytes(figures.peak_rss_bytes)
        for figures in (nearest.grown.high, nearest.grown.middle)
    )
    assert bound != middle
    sentence = nothing_fits(replace(tuning, candidates=[nearest], best=None))
    assert f"which misses memory: it may need up to {bound}, and takes " in sentence
    assert "nine of ten programs with such a log, with a live heap +20%," in on_misses(tuning)


@pytest.mark.slow
def test_the_table_of_tune_says_what_its_verdicts_rest_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["tune", str(HEAPBENCH), "--memory", "256MiB"])
    assert not end.value.code
    above = capsys.readouterr().out.partition("\n| setting")[0]
    assert "misses memory: the range of nine of ten programs with such a log reaches" in above


def test_a_container_smaller_than_the_live_heap_is_refused(fit: Fit) -> None:
    with pytest.raises(UserError, match="does not fit"):
        tune(fit, Goals(memory=32 * MiB, procs=(2,)))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--memory", "2GB"], "did you mean 2GiB"),
        (["--memory", "2GiB", "--growth", "much"], "expected a fraction"),
        (["--memory", "2GiB", "--p99", "5"], "expected a duration"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["tune", str(HEAPBENCH), *arguments])
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1


def test_where_the_simulation_disagrees_it_says_so_and_why(fit: Fit) -> None:
    (found,) = predict(fit, [fit.logged], seeds=1, draws=2)
    figures = found.middle
    near = Detail(10**9, 2.0, round(figures.peak_rss_bytes), figures.gc_cpu_share, 0.0)
    within = in_detail(near, replace(found, low=figures, high=figures))
    assert "outside" not in within
    far = in_detail(near._replace(gc_cpu=3 * found.high.gc_cpu_share), found)
    assert "GC CPU outside of what is predicted, which rests on the log" in far


@pytest.mark.slow
def test_what_was_given_as_rss_stands_beside_what_the_replay_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["tune", str(HEAPBENCH), "--memory", "256MiB", "--rss", "170MiB", "-q"])
    assert "as replayed, where 170MiB of RSS were given." in capsys.readouterr().out


def test_the_table_has_a_latency_where_the_requests_are_known(tuning: Tuning) -> None:
    (known,) = predict(
        fit_log(HEAPBENCH, arrivals="200/s"), [tuning.candidates[0].setting], 1, 1, 1
    )
    candidate = replace(tuning.candidates[0], now=known, grown=known)
    assert "latency p99" in trade_off(replace(tuning, candidates=[candidate]))[0]
    assert "latency p99" not in trade_off(tuning)[0]


@pytest.mark.slow
def test_advice_from_few_cycles_says_how_many_it_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = REAL.parent / "cases" / "06-short-log-assists-go19.txt"
    with pytest.raises(SystemExit):
        main(["tune", str(log), "--memory", "2GiB", "-q"])
    assert "6 logged cycles" in (told := capsys.readouterr().out)
    assert "fewer than the 10 that advice needs" in told


def test_a_program_of_a_go_without_gomemlimit_is_advised_none() -> None:
    """Lines without stacks and globals are of Go 1.17 or older; GOMEMLIMIT came with 1.19."""
    old = tune(
        fitted(REAL.parent / "cases" / "26-smallest-heap-go110.txt"),
        Goals(memory=512 * MiB, procs=(8,)),
    )
    settings = [one.setting for one in old.candidates]
    settings += [one.setting for _, one in old.policies]
    assert settings
    assert all(setting.memory_limit is None for setting in settings)

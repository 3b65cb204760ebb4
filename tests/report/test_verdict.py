"""The verdict: at most six lines, in plain words, true to the figures."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sim.advice import api
from sim.advice.api import Advice
from sim.advice.prediction import predict
from sim.advice.risks import Risks
from sim.advice.tuning import Candidate, Goals, Tuning
from sim.advice.verdict import neighbour, of_predictions, of_setting, of_tuning
from sim.config import load
from sim.config.machine import load_profile, save_profile
from sim.experiment.table import compare_runs
from sim.fitting.fit import Fit
from sim.fitting.resident import Resident
from sim.replay.setting import Setting
from sim.report.documents import of_advice
from sim.report.verdict import changed_parts, of_comparison, of_run
from sim.simulation import simulate
from sim.units import Figure, format_bytes

ROOT = Path(__file__).parents[2]
LOG = ROOT / "tests/golden/real/garbage64.p2.gogc100.limnone.r0.gctrace.gz"


@pytest.fixture(scope="module")
def fit() -> Fit:
    return api.fit(LOG)


def test_a_healthy_run_is_called_so_with_its_cost_and_its_slack() -> None:
    run = simulate(load("quickstart", ["model.detail=fluid"]))
    lines = of_run(run)
    figures = run.summary()
    assert len(lines) <= 5
    assert lines[0].endswith("under GOGC=100 GOMEMLIMIT=off GOMAXPROCS=4: healthy.")
    assert f"GC costs {figures['gc_cpu']} of the CPU" in lines[1]
    assert f"peak RSS {figures['peak_rss']}" in lines[2]
    assert f" cycles from {figures['warm_up']} on ({len(run.cycles)} in all)" in lines[1]
    assert "gc_cpu" not in " ".join(lines)


def test_gc_cpu_has_the_interval_that_its_profile_gives_it(tmp_path: Path) -> None:
    """Costs of marking are means over heaps; shipped profiles do not say how heaps differ."""
    shipped, mine = load_profile("avx512-x86-64"), tmp_path / "mine.yaml"
    save_profile(replace(shipped, mark=replace(shipped.mark, unseen_heap=0.25)), mine)
    fluid = ["model.detail=fluid", "duration=300ms"]
    run = simulate(load("quickstart", [*fluid, f"machine={mine}"]))
    gc_cpu = run.summary()["gc_cpu"].value
    low, high = (Figure(gc_cpu / off, "fraction") for off in (1.25, 0.75))
    assert of_run(run)[-1].endswith(f"then GC CPU is {low} to {high}.")
    mine.unlink()
    assert of_run(run)[-1].endswith(f"with the costs of {mine}.")
    assert "heaps of its benchmarks" not in of_run(simulate(load("quickstart", fluid)))[-1]


def test_a_queue_for_a_p_limits_a_run_though_the_cpu_is_not_used_up() -> None:
    few, more = (
        simulate(load("json-api", ["duration=1500ms", "record.warmup=100ms", f"GOMAXPROCS={ps}"]))
        for ps in (1, 4)
    )
    assert "What limits it: queue for a P, 9" in of_run(few)[3]
    assert "of the slowest hundredth of requests" in of_run(few)[3]
    assert "What limits it: nothing" in of_run(more)[3]


def test_a_run_names_what_is_not_as_usual() -> None:
    fluid = ["model.detail=fluid", "duration=300ms"]
    assert changed_parts(simulate(load("quickstart", fluid))) == {}
    assert changed_parts(simulate(load("quickstart", [*fluid, "go=1.24"]))) == {"go": "1.24"}
    run = simulate(load("quickstart", [*fluid, "gc.pacer=go1.18", "model.assists=false"]))
    assert changed_parts(run) == {"gc.pacer": "go1.18", "model.assists": "false"}
    assert "GOMAXPROCS=4 gc.pacer=go1.18 model.assists=false: " in of_run(run)[0]


def test_cycles_before_service_do_not_tell_what_it_costs() -> None:
    sets = ["model.detail=fluid", "GOGC=2000", "duration=2s", "record.warmup=1s"]
    run = simulate(load("quickstart", sets))
    assert len(run.cycles) > 0
    assert run.service("cycles").empty
    told = r"What GC costs is not known from \S+ on: all \d+ cycles were before"
    assert re.match(told, of_run(run)[1])
    off = simulate(load("quickstart", ["model.detail=fluid", "GOGC=off", "duration=200ms"]))
    assert of_run(off)[1] == "GC costs nothing: there was no cycle."


def test_a_run_at_its_limit_is_not_healthy_and_says_what_limits_it() -> None:
    run = simulate(load("limit-below-live", ["duration=300ms", "model.detail=fluid"]))
    lines = of_run(run)
    assert "not healthy" in lines[0]
    assert run.diagnose()[0].name in lines[3]


def test_other_settings_are_told_against_todays(fit: Fit) -> None:
    today, low, high = predict(fit, [Setting(g, None, 2) for g in (100, 50, 400)], 1, 1, 2)
    lines = of_predictions(fit, today, [low, high])
    assert len(lines) <= 5
    assert lines[0].startswith("Today, GOGC=100 GOMAXPROCS=2")
    assert lines[1].startswith("Least GC CPU, GOGC=400")
    assert lines[2].startswith("Least memory, GOGC=50")
    more = high.middle.peak_rss_bytes / today.middle.peak_rss_bytes - 1
    less = high.middle.gc_cpu_share / today.middle.gc_cpu_share - 1
    assert f"{more:+.0%} memory for {less:+.0%} GC CPU" in lines[1]


def test_what_costs_more_than_today_is_not_called_the_least(fit: Fit) -> None:
    today, low, high = predict(fit, [Setting(g, None, 2) for g in (100, 50, 400)], 1, 1, 2)
    lines = of_predictions(fit, today, [low])
    assert lines[1] == "No other setting takes less GC CPU."
    assert lines[2].startswith("Least memory, GOGC=50")
    assert of_predictions(fit, today, [high])[2] == "No other setting takes less memory."
    costs = high.middle._replace(peak_rss_bytes=low.middle.peak_rss_bytes)
    both = of_predictions(fit, today, [replace(high, middle=costs)])
    assert both[1].startswith("Least GC CPU and memory, GOGC=400")
    assert len(both) == 3


def test_least_gc_cpu_says_why_it_is_not_the_one_that_never_collects(fit: Fit) -> None:
    found = predict(fit, [Setting(g, None, 2) for g in (100, 200, None)], 1, 1, 2)
    assert found[2].middle.gc_cpu_share < found[1].middle.gc_cpu_share
    line = of_predictions(fit, found[0], found)[1]
    aside = "(GOGC=off without a limit aside)"
    assert line.startswith(f"Least GC CPU, GOGC=200 GOMAXPROCS=2 {aside}: ")
    assert "aside" not in " ".join(of_predictions(fit, found[0], found[:2]))


def test_growth_at_which_it_breaks_is_in_words_what_it_is_in_json(fit: Fit) -> None:
    (found,) = predict(fit, [fit.logged], 1, 1, 2)
    best = Candidate(fit.logged, found, found, ())
    goals = Goals(memory=round(2 * found.high.peak_rss_bytes), procs=(2,))
    breaks = Risks(gc_cpu=None, thrashing=None, limiter=0.5, out_of_memory=3.0)
    advice = Advice(Tuning(goals, [best], [], best, 0), found, breaks, None)
    document = of_advice(fit, found, advice)
    assert document["breaks_at_growth"]["out_of_memory"] == 3.0
    for text in (document["verdict"][2], str(advice)):
        assert re.search(r"killed for .*at \+300%", text)
        assert " at +50%" in text


@pytest.mark.slow
def test_a_recommendation_says_why_not_its_neighbour_and_when_it_breaks(fit: Fit) -> None:
    (today,) = predict(fit, [fit.logged], 1, 1, 2)
    advice = api.tune(fit, "256MiB")
    lines = of_tuning(fit, today, advice)
    other = neighbour(advice.tuning)
    assert advice.confirmed is not None
    assert other is not None
    assert not other.failures
    assert len(lines) == 5
    assert " into 256MiB: " in lines[0]
    assert format_bytes(advice.confirmed.middle.peak_rss_bytes) in lines[1]
    assert lines[2].startswith("Why not ")
    assert format_bytes(other.now.middle.peak_rss_bytes) in lines[2]
    assert advice.risks is not None
    assert advice.risks.gc_cpu is not None
    breaks = f": GC CPU over 25% at {advice.risks.gc_cpu:+.0%}, "
    assert lines[3].startswith(f"Breaks as the likeliest program's live heap grows{breaks}")


def test_a_container_that_the_interval_exceeds_is_named_in_every_view(fit: Fit) -> None:
    """The same sentence in the verdict of `tune`, in its details and on the page."""
    (found,) = predict(fit, [fit.logged], 1, 1, 2)
    middle, high = found.middle.peak_rss_bytes, found.high.peak_rss_bytes
    size = round((middle + high) / 2)
    goals = Goals(memory=size, procs=(2,))
    best = Candidate(fit.logged, found, found, ())
    nothing = Risks(None, None, None, None)
    advice = Advice(Tuning(goals, [best], [], best, 0), found, nothing, None)
    sentence = f"may not fit into {format_bytes(size)}: it may need up to {format_bytes(high)}"
    hint = "; one value of ps as --rss narrows it."
    assert f"It {sentence}{hint}" in of_tuning(fit, found, advice)[0]
    assert f"It {sentence}{hint}" in of_setting(fit, found, found, size)
    assert f"it {sentence}" in str(advice)
    known = replace(fit, resident=Resident(round(middle)))
    assert of_tuning(known, found, advice)[0].endswith(f"It {sentence}.")
    large = round(2 * high)
    assert f"It fits into {format_bytes(large)}: 50% is left at worst." in of_setting(
        fit, found, found, large
    )


def test_a_comparison_names_what_surely_differs_and_what_does_not() -> None:
    runs = [
        (
            {"GOGC": str(gogc)},
            simulate(
                load(
                    "quickstart",
                    [f"GOGC={gogc}", f"seed={seed}", "duration=1s", "model.detail=fluid"],
                )
            ),
        )
        for gogc in (100, 400)
        for seed in (1, 2, 3)
    ]
    compared = compare_runs(runs, {"GOGC": "100"})
    lines = of_comparison(compared)
    assert len(lines) <= 5
    assert lines[0].startswith("2 settings; worth having: GOGC=")
    (rss,) = [line for line in lines if line.startswith("peak RSS")]
    other = next(row for row in compared.rows if row.settings["GOGC"] == "400")
    assert other.cells["peak_rss"].holds
    assert f"GOGC=400 {other.cells['peak_rss'].change.value:+.1%}" in rss
    same = compare_runs(
        [*runs[:3], *[({"GOGC": "same"}, run) for _, run in runs[:3]]], {"GOGC": "100"}
    )
    assert "nothing is distinguishable from it" in of_comparison(same)[1]


def test_a_live_heap_that_still_grows_is_said_first_and_when_it_fills_the_container() -> None:
    """hbleak keeps 6 MiB a second; a quarter of a container is full by the end of its log."""
    leaking = api.fit(ROOT / "tests/golden/real-more/hbleak.p2.gogc100.limnone.r0.gctrace.gz")
    assert re.match(
        r"the live heap still grows when the log ends, by [56]\.\d+MiB/s", leaking.warnings[0]
    )
    (today,) = predict(leaking, [leaking.logged])
    told = of_predictions(leaking, today, [today])[0]
    assert told.startswith("The live heap still grows when the log ends, by ")
    advice = api.tune(leaking, "256MiB")
    told = of_tuning(leaking, today, advice)[0]
    assert re.search(r"256MiB are full 3\d(\.\d)?s later, whatever is set\.$", told)


def test_a_steady_live_heap_is_not_said_to_grow(fit: Fit) -> None:
    assert not any("still grows" in sentence for sentence in fit.warnings)


def test_in_a_small_container_the_program_itself_decides_and_rss_tells() -> None:
    caddy = ROOT / "tests/golden/real-apps/caddy.p2.gogc100.limnone.r5.gctrace.gz"
    for rss, said in ((None, True), ("59MiB", False)):
        fitted = api.fit(caddy, rss=rss)
        (today,) = predict(fitted, [fitted.logged])
        told = " ".join(of_tuning(fitted, today, api.tune(fitted, "100MiB")))
        assert ("one value of ps as --rss tells" in told) == said


def test_a_limit_stays_as_logged_unless_another_is_asked_for() -> None:
    log = ROOT / "tests/golden/real/garbage64.p2.gogcoff.lim160MiB.r0.gctrace.gz"
    fitted = api.fit(log)
    assert fitted.logged.memory_limit is not None
    limits = [api.whatif(fitted, 200, *given)["gomemlimit"][0] for given in ((), ("none",))]
    assert limits == ["160MiB", "none"]

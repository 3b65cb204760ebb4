"""What the page shows is what the model says."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.advice.prediction import predict
from sim.advice.report import environment
from sim.errors import UserError
from sim.explore.knobs import GOGC, GROWTH, KINDS, Position, all_values, knobs
from sim.explore.predictor import Predictor, Tried
from sim.explore.source import is_config
from sim.explore.views import cost_view, figures, front, points, series, tradeoff_view, words
from sim.replay.setting import Setting
from sim.units import MiB

TODAY = Position(100, None, 2, 1.0, 0.0, 256 * MiB)


def test_the_heap_in_the_picture_is_that_of_the_first_run(predictor: Predictor) -> None:
    run, overheads, prediction = predictor.once(TODAY)
    drawn = series(run, overheads, TODAY)
    assert max(drawn["heap"]["y"]) * MiB == pytest.approx(run.peak_heap, rel=0.3)
    last = run.cycles[-1]
    assert drawn["live"]["y"][-1] == pytest.approx(last.heap_marked / MiB, abs=0.01)
    assert drawn["trigger"]["y"][-1] == pytest.approx(last.heap_start / MiB, abs=0.01)
    assert drawn["goal"]["y"][-1] == pytest.approx(run.cycles[-2].heap_goal / MiB, abs=0.01)
    assert drawn["RSS"]["y"] == sorted(drawn["RSS"]["y"])
    assert drawn["RSS"]["y"][-1] * MiB <= prediction.middle.peak_rss_bytes + MiB
    assert drawn["container"]["y"] == [256, 256]
    assert drawn["GOMEMLIMIT"] == {"x": [], "y": []}


def test_what_never_collects_does_not_squash_the_trade_off(predictor: Predictor) -> None:
    settings = [Setting(100, None, 2), Setting(None, None, 2), Setting(None, 256 * MiB, 2)]
    found = predict(predictor.fit, settings, 1, 1, 2)
    drawn = tradeoff_view(Tried(found, None), found[0], None).columns
    assert drawn["tried"]["setting"] == [environment(found[n].setting) for n in (0, 2)]


EXTREME = TODAY._replace(gogc=10, procs=1, traffic=4.0)


@pytest.mark.untraced
@pytest.mark.parametrize("position", [TODAY._replace(gogc=50), EXTREME])
def test_a_move_is_redrawn_within_a_fifth_of_a_second_of_cpu(
    predictor: Predictor, position: Position
) -> None:
    predictor.once(TODAY)
    begin = time.process_time()
    run, overheads, prediction = predictor.at_once(position)
    series(run, overheads, TODAY)
    cost_view(prediction, prediction, None)
    words(predictor.fit, prediction, prediction, None, with_bounds=False)
    assert time.process_time() - begin < 0.2


def test_a_glimpse_of_a_long_run_is_near_the_whole(predictor: Predictor) -> None:
    seen, _, glimpse = predictor.once(EXTREME, 1 / 8)
    run, _, whole = predictor.once(EXTREME)
    assert len(seen.cycles) < len(run.cycles) / 4
    assert glimpse.middle.gc_cycles == pytest.approx(whole.middle.gc_cycles, rel=0.2)
    assert glimpse.middle.gc_cpu_share == pytest.approx(whole.middle.gc_cpu_share, rel=0.2)


def test_bars_and_points_are_the_shares_of_the_prediction(predictor: Predictor) -> None:
    _, _, prediction = predictor.once(TODAY)
    view = cost_view(prediction, prediction, None)
    costs, point = view.columns["costs"], view.columns["this"]
    assert costs["name"] == ["today", "this setting"]
    worked = costs["assist"][0] + costs["background"][0]
    assert worked == pytest.approx(100 * prediction.middle.gc_cpu_share)
    assert point["y"] == [pytest.approx(worked, abs=0.001)]
    assert point["setting"] == [environment(TODAY.setting)]


def test_the_front_has_only_settings_that_no_other_beats(predictor: Predictor) -> None:
    tried = predict(predictor.fit, [Setting(g, None, 2) for g in (50, 100, 400)], 1, 1, 0)
    shown, every = front(tried), points(tried)
    assert shown["x"] == sorted(shown["x"])
    assert shown["y"] == sorted(shown["y"], reverse=True)
    pairs = list(zip(every["x"], every["y"], strict=True))
    for x, y in zip(shown["x"], shown["y"], strict=True):
        assert not any(a <= x and b < y for a, b in pairs)


def test_figures_without_meaning_are_left_out(predictor: Predictor) -> None:
    _, _, prediction = predictor.once(TODAY)
    assert math.isnan(prediction.middle.latency_p99_seconds)
    text = figures(prediction, prediction, with_bounds=True)
    assert "latency" not in text
    assert "limiter" not in text
    assert 'data-name="peak_rss_bytes"' in text


def test_more_load_makes_more_cycles_and_no_longer_run(predictor: Predictor) -> None:
    once = predictor.once(TODAY)[2].middle
    more = predictor.once(TODAY._replace(traffic=1.5))[2].middle
    assert more.gc_cycles > 1.2 * once.gc_cycles
    assert more.wall_seconds == pytest.approx(once.wall_seconds, rel=0.02)
    assert more.alloc_bytes == pytest.approx(1.5 * once.alloc_bytes, rel=0.02)


@pytest.mark.parametrize("name", KINDS)
def test_every_stop_of_a_slider_can_be_typed(predictor: Predictor, name: str) -> None:
    found = knobs(all_values(predictor.fit, 300 * MiB))
    knob = found[name]
    for stop, value in enumerate(knob.values):
        assert knob.parse(knob.name(value)) == value
        assert knob.nearest(value) == stop


@given(st.integers(1, 2000))
def test_a_typed_value_moves_the_slider_next_to_it(gogc: int) -> None:
    knob = knobs({"gogc": GOGC, "growth": GROWTH})["gogc"]
    stop = knob.values[knob.nearest(gogc)]
    assert all(abs(stop - gogc) <= abs(other - gogc) for other in GOGC if other is not None)


@pytest.mark.parametrize(
    ("name", "text"), [("traffic", "0%"), ("growth", "-50%"), ("gogc", "x"), ("procs", "0")]
)
def test_what_cannot_be_is_refused_in_words(name: str, text: str) -> None:
    with pytest.raises(UserError, match="expected"):
        KINDS[name][1](text)


def test_configs_are_told_from_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cache").touch()
    assert is_config(Path("quickstart"))
    assert is_config(Path("my/config.yaml"))
    assert not is_config(Path("app.gctrace"))
    assert not is_config(Path("cache"))  # a file comes before an example of its name

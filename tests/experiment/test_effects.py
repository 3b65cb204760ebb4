"""Effects that were put in are found, with their interactions; noise is not."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pandas as pd
import pytest

from sim.errors import UserError
from sim.experiment.effects import effects, factors_of
from sim.report.effects import effects_picture, share_text, verdict
from sim.results.frames import settings_frame
from sim.streams import Streams


def sweep(levels: int = 2) -> pd.DataFrame:
    """y rises with a, with a and b together, and not at all with c; seeds shift everything."""
    draw = Streams(1)["test"]
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "c": c,
            "seed": seed,
            "y": 10 + 4 * a + 2 * a * (b == "on") + 3 * seed + 0.1 * draw.normal(),
        }
        for a, b, c, seed in product(range(levels), ("off", "on"), (1, 2), range(3))
    )


@pytest.mark.parametrize("levels", [2, 8])
def test_factors_and_their_interaction_are_told_from_what_does_nothing(levels: int) -> None:
    found = effects(sweep(levels), "y").set_index("effect")
    assert list(found.index[:1]) == ["a"]
    assert found.loc["a x b", "p"] < 0.001
    assert found.loc["c", "p"] > 0.05
    assert found.loc["c", "share"] < 0.01
    assert 0.99 < found["share"].sum() < 1.0  # the rest is noise


def test_one_at_a_time_has_no_interactions_and_says_nothing_of_them() -> None:
    full = sweep(2)
    one = full[(full["a"] == 0) | (full["b"] == "off")]
    assert set(effects(one[one["c"] == 1], "y")["effect"]) == {"a", "b"}


class Stored:
    """A stored run, as far as its settings go."""

    def __init__(self, seed: int, **settings: str) -> None:
        self.settings = {name.replace("_", "."): value for name, value in settings.items()}
        self.run = {"seed": seed}
        own = {"GOGC": 100, "gc": {"pacer": {"go1.27": {}}, "marker": {"x": {"size": "1B"}}}}
        self.config = {**own, "GOGC": int(settings.get("GOGC", 100))}


def test_several_sweeps_in_a_folder_are_one_by_what_their_configs_say() -> None:
    """As after two commands of `compare` that vary different keys of one config."""
    runs: dict[str, Any] = {"a": Stored(1, GOGC="50"), "b": Stored(1, gc_pacer="go1.18")}
    runs |= {"c": Stored(1, GOGC="100"), "d": Stored(1, gc_pacer="go1.27")}
    frame = settings_frame(runs)
    assert list(frame.columns) == ["GOGC", "gc.pacer", "seed"]
    assert frame["GOGC"].tolist() == [50, 100, 100, 100]
    assert frame["gc.pacer"].tolist() == ["go1.27", "go1.18", "go1.27", "go1.27"]
    assert len(frame.drop_duplicates()) == 3  # the last two are one run
    runs["e"] = Stored(1, gc_marker="y")
    marker = settings_frame(runs)["gc.marker"]
    assert marker.isna().sum() == 4  # a policy with parameters has no short name


def test_what_is_stored_twice_counts_once() -> None:
    figures = sweep()
    twice = pd.concat([figures, figures])
    pd.testing.assert_frame_equal(effects(twice, "y"), effects(figures, "y"))


def test_a_picture_has_a_panel_per_factor_and_pair() -> None:
    figures = sweep()
    drawn = effects_picture(figures, factors_of(figures), "y", "count", ".svg")
    assert drawn.startswith(b"<?xml")


def test_axes_are_in_units_that_people_read() -> None:
    figures = sweep(8).assign(a=lambda rows: [f"{64 * (1 + a)}MiB" for a in rows["a"]])
    figures["peak_rss"] = figures["y"] * 2**30
    drawn = effects_picture(figures, factors_of(figures), "peak_rss", "bytes", ".svg").decode()
    assert "<!-- peak RSS [GiB] -->" in drawn
    assert "<!-- a [MiB] -->" in drawn
    assert "<!-- a 64 to 192MiB -->" in drawn  # the first third of the range
    assert "1e" not in "".join(re.findall("<!-- (.*) -->", drawn))


def test_what_cannot_be_told_is_a_sentence() -> None:
    with pytest.raises(UserError, match="varies nothing"):
        effects(sweep()[["seed", "y"]], "y")
    with pytest.raises(UserError, match="no figure 'z'"):
        effects(sweep(), "z")
    for name in ("a", "seed", "status"):  # columns, but no figures
        with pytest.raises(UserError, match=f"no figure '{name}'"):
            effects(sweep().assign(status="complete"), name)
    with pytest.raises(UserError, match=r"too few .*: more points of the design"):
        effects(sweep().iloc[[0, -1]], "y")
    with pytest.raises(UserError, match=r"too few .*: more seeds"):
        effects(sweep().query("seed == 0 and c == 1")[["a", "seed", "y"]], "y")


def test_a_factor_that_does_not_vary_where_there_is_the_figure_is_left_out() -> None:
    figures = sweep()
    figures.loc[figures["b"] == "off", "y"] = float("nan")
    assert set(effects(figures, "y")["effect"]) == {"a", "c", "a x c"}
    told = verdict(effects(figures, "y"), "y", "", figures)
    assert f"Rests on: {figures['y'].count()} runs of {len(figures)}, those that have y" in told[2]
    assert told[3] == "Nothing is told of b, which is the same in all of these."
    figures.loc[(figures["a"] == 0) | (figures["c"] == 1), "y"] = float("nan")
    with pytest.raises(UserError, match="differ in nothing"):
        effects(figures, "y")


def test_a_share_that_is_not_all_is_not_told_as_all() -> None:
    assert [share_text(share) for share in (1.0, 0.9996, 0.5, 0.0004, 0.0)] == [
        "100.0%",
        "over 99.9%",
        "50.0%",
        "under 0.1%",
        "0.0%",
    ]


def test_a_verdict_says_where_even_the_largest_effect_may_be_chance() -> None:
    runs = sweep()
    assert not verdict(effects(runs, "y"), "y", "", runs)[0].endswith("chance.")
    noise = runs.assign(y=Streams(3)["noise"].normal(size=len(runs)))
    assert verdict(effects(noise, "y"), "y", "", noise)[0].endswith(", which may be chance.")

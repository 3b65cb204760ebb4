"""What each shipped scenario claims, as its text says it."""

from __future__ import annotations

import contextlib
import json
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import sim
from sim.errors import UserError
from sim.mechanisms.frame import KINDS
from sim.mechanisms.loading import shipped
from sim.mechanisms.run import Watched
from sim.mechanisms.schema import scenario_schema

NAMES = sorted(shipped())


@cache
def watched(name: str) -> Watched:
    """A shipped scenario, run once."""
    return sim.watch(name)


def events(name: str, variant: str, kind: str) -> list[str]:
    """What happens, of one kind."""
    return [frame.event.text for frame in watched(name).tracks[variant] if frame.event.kind == kind]


def last(name: str, variant: str) -> dict[str, float]:
    """The figures at the end."""
    return watched(name).tracks[variant][-1].figures


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_says_what_it_shows_and_what_it_simplifies(name: str) -> None:
    scenario = watched(name).scenario
    assert len(scenario.about) > 200
    assert scenario.simplified
    assert set(watched(name).events["kind"]) <= set(KINDS)


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_fits_the_schema(name: str) -> None:
    tree = yaml.safe_load(shipped()[name].read_text(encoding="utf-8"))
    Draft202012Validator(scenario_schema()).validate(tree)


@pytest.mark.parametrize("name", ["tricolour", "lost-object", "go-and-java", "address-space"])
def test_frames_of_a_scenario_are_the_same_every_time(name: str) -> None:
    assert json.dumps(sim.watch(name).tracks) == json.dumps(watched(name).tracks)


def test_tricolour_marks_what_is_reachable_and_keeps_the_weak_invariant() -> None:
    frames = watched("tricolour").frames
    checks = [frame.checks for frame in frames if frame.checks]
    assert {check["weak invariant"] for check in checks} == {"holds"}
    assert "frees f" in " ".join(events("tricolour", "settings", "sweep"))
    assert "lost" not in {frame.event.kind for frame in frames}


def test_floating_garbage_survives_one_cycle_and_not_the_next() -> None:
    first, second = events("floating-garbage", "settings", "sweep")
    assert first.endswith("frees nothing")
    assert second.endswith("frees b, d, c")
    assert events("floating-garbage", "settings", "barrier") == ["the write barrier shades d"]


def test_refills_go_through_the_sets_in_gos_order() -> None:
    refills = events("refill", "settings", "refill")
    swept, unswept, fresh = refills[-3:]
    assert "partial swept" in swept
    assert "full unswept" in unswept
    assert "fresh" in fresh
    assert "frees dead, dead2" in " ".join(events("refill", "settings", "sweep"))


def test_a_span_without_a_live_object_goes_back_to_the_page_heap() -> None:
    assert any("pages go back" in text for text in events("refill", "settings", "release"))


def test_pinned_objects_keep_their_spans_and_the_scavenger_finds_nothing() -> None:
    released = [text for text in events("pinned", "settings", "release") if "to the OS" in text]
    assert released[0].startswith("returns 0B")
    assert released[1].startswith("returns 112KiB")
    assert last("pinned", "settings")["resident, B"] == 0


def test_the_pacer_starts_below_the_goal_and_ends_near_it() -> None:
    frames = watched("pacer").frames
    ends = [at for at, frame in enumerate(frames) if frame.event.kind == "end"]
    assert len(ends) >= 2
    before = frames[ends[1] - 1].figures
    assert before["heap live, B"] > before["trigger, B"]
    assert abs(before["heap live, B"] / before["goal, B"] - 1) < 0.1
    assert events("pacer", "settings", "assist")


def test_the_last_pause_of_go_1_8_does_no_marking_and_that_of_1_5_scans_stacks() -> None:
    pauses = {name: last("barriers-of-go", name) for name in watched("barriers-of-go").tracks}
    stopped, rescan, hybrid = (figures["last pause, ns"] for figures in pauses.values())
    assert stopped > rescan > hybrid
    assert [figures["visits while stopped"] for figures in pauses.values()] == [
        24 + 7 * 3,
        1,
        0,
    ]  # all objects; one on a stack
    roots = events("barriers-of-go", "Go 1.5, Dijkstra and rescan", "root")
    assert any(text.endswith("grey: pool23") for text in roots[-8:])


def test_a_tiny_block_lives_as_long_as_any_object_in_it() -> None:
    assert "frees d" in events("tiny", "settings", "sweep")[0]
    assert "frees a, b, c, e, f;" in events("tiny", "settings", "release")[0]
    places = {
        text.split(" at ")[1].split(",")[0] for text in events("tiny", "settings", "allocate")
    }
    assert len(places) == 3


def test_a_finalizer_keeps_its_object_and_what_it_leads_to_for_one_cycle() -> None:
    kinds = list(watched("finalizers").events["kind"])
    assert all(text.endswith("frees nothing") for text in events("finalizers", "settings", "sweep"))
    assert len(events("finalizers", "settings", "release")) == 2
    assert kinds.index("release") > kinds.index("finalizer", kinds.index("end"))


def test_green_tea_visits_each_span_for_many_objects() -> None:
    classic, green = (last("green-tea", name) for name in watched("green-tea").tracks)
    assert classic["scan visits"] == 81
    assert green["scan visits"] * 4 < classic["scan visits"]
    assert classic["objects, B"] == green["objects, B"]


def test_only_go_moves_nothing_and_only_go_has_a_barrier_that_is_off_between_cycles() -> None:
    go, generational, regions = (
        last("go-and-java", name) for name in watched("go-and-java").tracks
    )
    assert go["objects moved"] == 0
    assert min(generational["objects moved"], regions["objects moved"]) > 0
    assert go["barriers run"] < min(generational["barriers run"], regions["barriers run"])
    assert generational["holes, B"] == regions["holes, B"] == 0 < go["holes, B"]
    assert any("to old" in text for text in events("go-and-java", "generational", "copy"))
    assert any("mixed" in text for text in events("go-and-java", "regions", "start"))


def test_allocators_differ_in_searches_locks_and_memory() -> None:
    figures = {name: last("allocators", name) for name in watched("allocators").tracks}
    peak = {name: one["peak held, B"] for name, one in figures.items()}
    locks = {name: one["locks"] for name, one in figures.items()}
    searched = {name: one["searched"] for name, one in figures.items()}
    assert max(searched, key=searched.__getitem__) == "best fit"
    assert searched["next fit"] < searched["first fit"]
    assert locks["TCMalloc"] < locks["first fit"] / 3
    assert min(peak, key=peak.__getitem__) in {"first fit", "best fit", "next fit"}
    assert (
        figures["segregated fit"]["lost inside blocks, B"]
        > figures["TCMalloc"]["lost inside blocks, B"]
    )


def test_scavenging_lowers_what_is_resident_and_keeps_the_addresses() -> None:
    for variant, frames in watched("address-space").tracks.items():
        at = next(i for i, frame in enumerate(frames) if frame.event.kind == "release")
        before, after = frames[at - 1].figures, frames[at].figures
        assert before["resident, B"] - after["resident, B"] == 32 << 20, variant
        assert before["virtual size, B"] == after["virtual size, B"]


def test_a_linear_arena_reserves_all_addresses_at_once_and_a_sparse_one_goes_elsewhere() -> None:
    linear, sparse = watched("address-space").tracks.values()
    assert linear[0].figures["virtual size, B"] == (512 << 30) + (16 << 30) + (512 << 20)
    assert sparse[0].figures["virtual size, B"] == 0
    assert any("taken, so the arena goes to" in frame.event.text for frame in sparse)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title: x", "scenario:1: functions: expected this key, got none"),
        (
            "title: x\nfunctions:\n  main:\n    - alocate: a\n",
            (
                "scenario:4: functions.main.steps.0.alocate: unknown key 'alocate'"
                " (did you mean 'allocate'?)"
            ),
        ),
        (
            "title: x\nfunctions:\n  main:\n    - allocate: a\n    - point: {from: a.nxt, to: a}\n",
            (
                "scenario:5: functions.main.steps.1.point.from: there is no field 'nxt'"
                " (did you mean 'next'?)"
            ),
        ),
        (
            "title: x\nfunctions:\n  main:\n    - point: {from: b.next, to: a}\n",
            "scenario:4: functions.main.steps.0.point: there is no variable 'a'; there are none",
        ),
        (
            "title: x\nfunctions:\n  main:\n    - spawn: wroker\n  worker: []\n",
            (
                "scenario:4: functions.main.steps.0.spawn.function: there is no function 'wroker'"
                " (did you mean 'worker'?)"
            ),
        ),
        (
            "title: x\nfunctions: {main: []}\nsettings: {barrier: hybird}\n",
            "scenario:3: settings.barrier: unknown value 'hybird' (did you mean 'hybrid'?)",
        ),
        (
            "title: x\nmemory:\n  - gruw: 4MiB\n",
            "scenario:3: memory.0.gruw: unknown key 'gruw' (did you mean 'grow'?)",
        ),
        (
            "title: x\nrequests:\n  - free: a\n",
            "scenario:3: requests.0.free: there is no block 'a'",
        ),
        (
            "title: x\nrequests:\n  - random: {count: 5, sizes: []}\n",
            "scenario:3: requests.0.random.sizes: expected at least one, got a list",
        ),
        (
            "title: x\nrequests:\n  - random: {count: 5, sizes: [8B], seed: -1}\n",
            "scenario:3: requests.0.random.seed: expected at least 0, got '-1'",
        ),
        (
            "title: x\nfunctions:\n  main:\n    - allocate: a.next\n",
            (
                "scenario:4: functions.main.steps.0.allocate.name: expected a name without dots and"
                " spaces other than nil, got 'a.next'"
            ),
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(UserError) as wrong:
        sim.watch(text + "\n")
    assert str(wrong.value) == sentence


def test_goroutines_that_start_goroutines_without_end_are_bounded() -> None:
    text = "title: x\nfunctions:\n  main:\n    - spawn: main\n    - spawn: main\n"
    with pytest.raises(UserError, match="at most 100 goroutines at a time"):
        sim.watch(text)


def test_a_cycle_of_a_heap_without_roots_ends() -> None:
    text = "title: x\nfunctions:\n  main:\n    - trigger\n    - allocate: a\n    - wait: 9\n"
    kinds = [frame.event.kind for frame in sim.watch(text).frames]
    assert kinds.index("start") < kinds.index("allocate")
    assert "end" in kinds


def test_an_endless_program_is_told_and_not_waited_for() -> None:
    text: dict[str, Any] = {
        "title": "x",
        "functions": {"main": {"steps": [{"call": "main"}]}},
    }
    with pytest.raises(UserError, match="the stack overflows"):
        sim.watch(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("settings: {go: '1.3'}", "settings.go: expected a Go version from 1.18 on"),
        ("settings: {machine: foo}", "settings.machine: there is no machine profile 'foo'"),
        ("types: {}", "types: expected at least one, got a mapping"),
        (
            "types: {a: {size: 8B, pointers: [b, c]}}",
            "types.a: expected at most the 1 pointers that fit, got 2",
        ),
        ("variants: {a: {GOGC: x}}", "settings.GOGC: expected a whole number, got 'x'"),
        ("variants: {a: 3}", "variants.a: expected a mapping, got '3'"),
    ],
)
def test_a_wrong_setting_is_told_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(UserError) as wrong:
        sim.watch(f"title: x\nfunctions: {{main: [allocate: a]}}\n{text}\n")
    assert str(wrong.value).startswith(f"scenario:3: {sentence}")


def test_repetitions_of_repetitions_are_not_unrolled_for_ever() -> None:
    many = {"repeat": {"times": 100_000, "steps": [{"wait": 1}]}}
    for _ in range(5):
        many = {"repeat": {"times": 100_000, "steps": [many]}}
    with pytest.raises(UserError, match="expected at most 20000 steps"):
        sim.watch({"title": "x", "functions": {"main": {"steps": [many]}}})


PIECES = ["", "a", "-1", "0", "7", "1e9", "99999999999", "64B", "nil", "a.b.c", [], {}, None, ["x"]]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_scenario_with_something_else_in_any_place_runs_or_is_a_mistake(
    data: st.DataObject,
) -> None:
    name = data.draw(st.sampled_from(["tricolour", "address-space", "refill", "stack-rescan"]))
    tree = yaml.safe_load(shipped()[name].read_text(encoding="utf-8"))
    place, keys = tree, []
    while isinstance(place, dict | list) and place and (not keys or data.draw(st.booleans())):
        options = list(place) if isinstance(place, dict) else list(range(len(place)))
        keys.append(data.draw(st.sampled_from(options)))
        holder, place = place, place[keys[-1]]
    holder[keys[-1]] = data.draw(st.sampled_from(PIECES))
    with contextlib.suppress(UserError):
        sim.watch(tree)

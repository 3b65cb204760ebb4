"""The search over all schedules: which barrier loses an object of which program."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.cli import main
from sim.config.tree import from_plain
from sim.go.barrier import barriers
from sim.mechanisms.barrier import BARRIERS
from sim.mechanisms.code import Code
from sim.mechanisms.loading import read_tree, validated
from sim.mechanisms.race import Race
from sim.mechanisms.script import Scenario
from sim.mechanisms.search import SearchResult, search

PROGRAMS = ("lost-object", "stack-rescan", "deletion-barrier")
LOSES = {
    ("lost-object", "none"),
    ("stack-rescan", "none"),
    ("deletion-barrier", "none"),
    ("stack-rescan", "dijkstra-without-rescan"),
    ("deletion-barrier", "yuasa-stack-by-stack"),
}


def read(source: str) -> tuple[Scenario, Code]:
    """A scenario, shipped or as text, and its code."""
    root = read_tree(source)
    scenario = validated(root, Scenario)
    return scenario, Code(scenario, root)


def searched(name: str, barrier: str) -> SearchResult:
    """All schedules of a shipped program under a barrier."""
    scenario, code = read(name)
    return search(scenario, code, BARRIERS[barrier])


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("barrier", sorted(BARRIERS))
def test_which_barrier_loses_an_object(name: str, barrier: str) -> None:
    assert bool(searched(name, barrier).lost) == ((name, barrier) in LOSES)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("barrier", ["hybrid", "dijkstra", "yuasa"])
def test_a_sound_barrier_keeps_the_weak_invariant_at_every_stage(name: str, barrier: str) -> None:
    found = searched(name, barrier)
    assert (found.lost, found.doomed) == ((), 0)
    assert found.schedules > found.stages


def test_the_schedule_that_is_found_loses_the_object_when_it_is_done_again() -> None:
    scenario, code = read("lost-object")
    found = search(scenario, code, BARRIERS["none"])
    race = Race(scenario, code, BARRIERS["none"])
    for move in found.moves:
        assert move in list(race.moves())
        race.do(move)
    assert [race.names[ref] for ref in race.marking.lost()] == ["c"] == list(found.lost)


def test_schedules_of_two_steps_are_counted_exactly() -> None:
    """The collector has four moves: start, two roots in either order, end.

    Each of the program's two steps comes before one of them or is too late to count: 15 places for
    both. If both come before the start the goroutine has ended, and there is one root only.
    """
    scenario, code = read("title: x\nfunctions:\n  main:\n    - wait: 1\n    - wait: 1\n")
    found = search(scenario, code, BARRIERS["hybrid"])
    assert found.schedules == 2 * 14 + 1


def test_watch_prints_the_very_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["watch", "lost-object", "--variant", "none", "--events"])
    out = capsys.readouterr().out
    assert not done.value.code
    assert "c is white, so it is freed; but a.next still leads to it" in out
    assert "this schedule of 10 steps loses c" in out


@st.composite
def races(draw: st.DrawFn) -> dict[str, Any]:
    """Two goroutines with up to three steps each that share three objects."""
    places = st.sampled_from([f"{name}.{field}" for name in "xy" for field in ("left", "right")])
    values = st.sampled_from(["x", "y", "z", "p", "nil"])
    step = st.one_of(
        st.builds(lambda at, to: {"point": {"from": at, "to": to}}, places, values),
        st.builds(lambda at: {"point": {"from": "z", "to": at}}, places),
        st.builds(lambda to: {"point": {"from": "p", "to": to}}, values),
        st.sampled_from([{"unpoint": "z"}, {"allocate": "z"}]),
    )
    steps = [{"unpoint": "z"}]
    links = draw(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=3))
    return {
        "title": "race",
        "types": {"node": {"size": "32B", "pointers": ["left", "right"]}},
        "globals": ["p"],
        "before": [
            *({"allocate": name} for name in "abc"),
            *({"point": {"from": f"{a}.left", "to": b}} for a, b in links),
            {"point": {"from": "p", "to": "c"}},
        ],
        "functions": {
            name: {"takes": ["x", "y"], "steps": [*steps, *draw(st.lists(step, max_size=most))]}
            for name, most in (("one", 3), ("two", 1))
        },
        "start": [
            {"function": "one", "with": ["a", "b"]},
            {"function": "two", "with": ["b", "a"]},
        ],
    }


def loses_nothing(race: dict[str, Any], barrier: str) -> None:
    """All schedules keep the weak invariant and every object that is reachable."""
    root = from_plain(race, "race")
    scenario = validated(root, Scenario)
    found = search(scenario, Code(scenario, root), BARRIERS[barrier])
    assert (found.lost, found.doomed) == ((), 0)


@pytest.mark.parametrize("name", barriers.names())
def test_barriers_shade_as_those_of_the_simulator_do(name: str) -> None:
    single, simulated = BARRIERS[name], barriers.get(name)()
    assert single.shades_old + single.shades_new == simulated.shaded_pointers
    assert single.rescans_stacks == simulated.rescans_stacks


@settings(max_examples=4, deadline=None)
@given(races(), st.sampled_from(["hybrid", "dijkstra", "yuasa"]))
def test_no_schedule_of_a_random_race_loses_an_object_under_a_sound_barrier(
    race: dict[str, Any], barrier: str
) -> None:
    loses_nothing(race, barrier)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(races(), st.sampled_from(["hybrid", "dijkstra", "yuasa"]))
def test_no_schedule_of_many_random_races_loses_an_object_under_a_sound_barrier(
    race: dict[str, Any], barrier: str
) -> None:
    loses_nothing(race, barrier)

"""Collectors that move objects keep what is reachable, and put nothing over anything else."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim
from sim.errors import UserError
from tests.mechanisms.programs import scenarios

SETTINGS: dict[str, dict[str, Any]] = {
    "generational": {"eden": "1KiB", "survivor": "512B", "old": "8KiB", "tlab": "256B"},
    "regions": {"region": "1KiB", "regions": 24, "eden": "2KiB", "tlab": "256B"},
}


def run(scenario: dict[str, Any], collector: str) -> Any:
    """The scenario under a moving collector; its large objects are made small."""
    types = {**scenario["types"], "text": {"size": "100B"}}
    given_settings = {"collector": collector, **SETTINGS[collector]}
    return sim.watch({**scenario, "types": types, "settings": given_settings})


@pytest.mark.parametrize("collector", sorted(SETTINGS))
@settings(max_examples=25, deadline=None)
@given(scenario=scenarios(20), data=st.data())
def test_what_roots_and_live_objects_point_to_is_there_at_every_step(
    collector: str, scenario: dict[str, Any], data: st.DataObject
) -> None:
    steps = scenario["functions"]["main"]["steps"]
    at = data.draw(st.integers(0, len(steps)))
    scenario["functions"]["main"]["steps"] = [*steps[:at], "collect", *steps[at:]]
    for frame in run(scenario, collector).frames:
        cells = {cell.name: cell for row in frame.rows for cell in row.cells if cell.name}
        reached, waiting = set(), [root.to for root in frame.roots if root.to]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += [to for _, to in cells[name].pointers]
        assert frame.figures["reachable, B"] == sum(cells[name].size for name in reached)


@pytest.mark.parametrize("collector", sorted(SETTINGS))
@settings(max_examples=25, deadline=None)
@given(scenario=scenarios(20))
def test_every_byte_of_a_space_is_one_object_or_free(
    collector: str, scenario: dict[str, Any]
) -> None:
    for frame in run(scenario, collector).frames:
        for row in frame.rows:
            assert sum(cell.size for cell in row.cells) == int(row.note.split(" B")[0])
            assert all(
                (first.state, second.state) != ("free", "free")
                for first, second in pairwise(row.cells)
            )


def test_after_a_full_collection_the_old_space_has_no_holes() -> None:
    frames = sim.watch("go-and-java", "generational").frames
    old = next(row for row in frames[-1].rows if row.name == "old")
    assert [cell.state for cell in old.cells] == ["old", "old", "free"]


def test_a_heap_that_is_too_small_is_a_mistake_of_the_scenario() -> None:
    scenario = {
        "title": "x",
        "functions": {
            "main": {
                "steps": [
                    {"allocate": {"name": "list", "count": 200, "chain": "next"}},
                    {"wait": 1},
                ]
            }
        },
        "settings": {"collector": "generational", "eden": "1KiB", "old": "1KiB"},
    }
    with pytest.raises(UserError, match="the heap of the scenario is full"):
        sim.watch(scenario)

"""Whatever a small program does, Go's collector frees what is dead and only that."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import sim
from tests.mechanisms.programs import scenarios

FEW = settings(max_examples=30, deadline=None)


def under(scenario: dict[str, Any], **changes: Any) -> Any:
    """The scenario under other settings."""
    return sim.watch({**scenario, "settings": changes})


@FEW
@given(scenarios(), st.sampled_from(["classic", "greentea"]), st.sampled_from(["1.21", "1.27"]))
def test_the_hybrid_barrier_keeps_the_weak_invariant_and_loses_nothing(
    scenario: dict[str, Any], marker: str, go: str
) -> None:
    watched = under(scenario, barrier="hybrid", marker=marker, go=go)
    checks = [frame.checks["weak invariant"] for frame in watched.frames if frame.checks]
    assert checks
    assert set(checks) == {"holds"}
    assert "lost" not in set(watched.events["kind"])


@FEW
@given(scenarios())
def test_dijkstras_barrier_with_a_second_scan_of_the_stacks_loses_nothing(
    scenario: dict[str, Any],
) -> None:
    watched = under(scenario, barrier="dijkstra")
    assert "lost" not in set(watched.events["kind"])


@FEW
@given(scenarios(), st.sampled_from(["hybrid", "dijkstra"]))
def test_a_collection_with_the_world_stopped_leaves_exactly_what_is_reachable(
    scenario: dict[str, Any], barrier: str
) -> None:
    scenario["functions"]["main"]["steps"] += ["collect", {"wait": 1}]
    watched = under(scenario, barrier=barrier, concurrent=False)
    frame = watched.frames[-1]
    cells = {cell.name: cell for row in frame.rows for cell in row.cells if cell.name}
    named = {name: cell.pointers for names, cell in cells.items() for name in names.split(", ")}
    waiting = [root.to for root in frame.roots if root.to]
    assert set(waiting) <= set(named)
    for pointers in named.values():
        assert {to for _, to in pointers} <= set(named)


@FEW
@given(scenarios())
def test_a_span_never_holds_more_than_it_has_slots_and_no_slot_two_objects(
    scenario: dict[str, Any],
) -> None:
    for frame in under(scenario).frames:
        names = [
            name
            for row in frame.rows
            for cell in row.cells
            if cell.name
            for name in cell.name.split(", ")
        ]
        assert len(names) == len(set(names))

"""What a search found, as frames: the schedule that loses an object, or one of all that do not."""

from __future__ import annotations

from collections.abc import Iterator

from sim.config.tree import Node
from sim.mechanisms.barrier import BARRIERS
from sim.mechanisms.code import Code
from sim.mechanisms.frame import Event, Frame, MemoryCell, MemoryRow, Root
from sim.mechanisms.graph import GLOBALS, Ref
from sim.mechanisms.race import Race, RacePhase
from sim.mechanisms.script import Scenario
from sim.mechanisms.search import SearchResult, search


def race_frames(scenario: Scenario, root: Node) -> tuple[Frame, ...]:
    """The schedule that the search found, and what it proves, as the last frame."""
    code, barrier = Code(scenario, root), BARRIERS[scenario.settings.barrier]
    found = search(scenario, code, barrier)
    race = Race(scenario, code, barrier)
    frames = [_frame(race, Event("search", "program", "before the first step"), found)]
    for move in found.moves:
        race.events.clear()
        race.do(move)
        frames += [_frame(race, event, found) for event in race.events]
    return (*frames, _frame(race, Event("search", "proof", _verdict(found)), found))


def _verdict(found: SearchResult) -> str:
    if found.lost:
        return (
            f"this schedule of {len(found.moves)} steps loses {', '.join(found.lost)}; no shorter"
            f" one loses an object"
        )
    return (
        f"none of the {found.schedules:,} schedules, through {found.stages:,} states, loses an"
        " object; this is one of them"
    )


def _frame(race: Race, event: Event, found: SearchResult) -> Frame:
    cells = tuple(
        MemoryCell(race.names[ref], _state(race, ref), 16, 1, _pointers(race, ref))
        for ref in race.graph.fields
    )
    figures = {
        "schedules": float(found.schedules),
        "states": float(found.stages),
        "steps": float(len(found.moves)),
        "objects lost": float(len(found.lost)),
        "states that break the weak invariant": float(found.doomed),
    }
    return Frame(
        event,
        (MemoryRow("heap", "objects without addresses", cells),),
        tuple(_roots(race)),
        _queues(race),
        figures if event.kind == "proof" else {},
        _checks(race),
    )


def _state(race: Race, ref: Ref) -> str:
    if race.phase is RacePhase.BEFORE:
        return "used"
    if race.phase is RacePhase.OVER and ref not in race.marking.marked:
        return "lost" if ref in race.marking.lost() else "dead"
    return race.marking.colour(ref).value


def _pointers(race: Race, ref: Ref) -> tuple[tuple[str, str], ...]:
    pointers = race.graph.fields[ref].items()
    return tuple((field, race.names[to]) for field, to in pointers if to is not None)


def _roots(race: Race) -> Iterator[Root]:
    for name in race.graph.roots():
        frames = [race.graph.globals] if name == GLOBALS else race.graph.stacks[name]
        for frame in frames:
            for variable, to in frame.items():
                shown = "" if to is None else race.names[to]
                yield Root(name, variable, shown, name not in race.marking.roots)


def _queues(race: Race) -> dict[str, tuple[str, ...]]:
    if race.phase is not RacePhase.MARK:
        return {}
    return {
        "roots to scan": tuple(race.marking.roots),
        "grey objects": tuple(race.names[ref] for ref in race.marking.grey),
    }


def _checks(race: Race) -> dict[str, str]:
    if race.phase is not RacePhase.MARK:
        return {}
    doomed = ", ".join(race.names[ref] for ref in sorted(race.marking.doomed()))
    black = list(race.marking.black_to_white())
    return {
        "strong invariant": f"broken by {len(black)} pointers" if black else "holds",
        "weak invariant": f"broken: marking cannot get at {doomed} any more" if doomed else "holds",
    }

"""The picture of a heap whose objects move: spaces with objects and holes, roots, figures."""

from __future__ import annotations

from collections.abc import Iterator

from sim.mechanisms.frame import Event, Frame, MemoryCell, MemoryRow, Root
from sim.mechanisms.graph import GLOBALS, Ref
from sim.mechanisms.moving import MovingRuntime, Space
from sim.mechanisms.program import ScenarioProgram


def moving_frame(runtime: MovingRuntime, program: ScenarioProgram, event: Event) -> Frame:
    """What there is to see after an event."""
    rows = tuple(
        MemoryRow(space.name, _note(runtime, space), _cells(runtime, space))
        for space in runtime.spaces()
    )
    return Frame(event, rows, tuple(_roots(runtime, program)), {}, _figures(runtime), {})


def _note(runtime: MovingRuntime, space: Space) -> str:
    owners = [actor for actor, tlab in runtime.tlabs.items() if tlab.space is space]
    return f"{space.size} B" + (f"; buffers of {', '.join(owners)}" if owners else "")


def _cells(runtime: MovingRuntime, space: Space) -> tuple[MemoryCell, ...]:
    """Objects and the room between them and behind them."""
    cells, at = [], space.start
    for ref in sorted(space.objects, key=lambda one: runtime.things[one].address):
        thing = runtime.things[ref]
        if thing.address > at:
            cells.append(MemoryCell("", "free", thing.address - at))
        state = runtime.colours.get(ref, space.kind)
        cells.append(MemoryCell(thing.name, state, thing.size, 1, _pointers(runtime, ref)))
        at = thing.address + thing.size
    if at < space.start + space.size:
        cells.append(MemoryCell("", "free", space.start + space.size - at))
    return tuple(cells)


def _pointers(runtime: MovingRuntime, ref: Ref) -> tuple[tuple[str, str], ...]:
    fields = runtime.graph.fields[ref].items()
    return tuple((name, runtime.name(to)) for name, to in fields if to in runtime.things)


def _roots(runtime: MovingRuntime, program: ScenarioProgram) -> Iterator[Root]:
    for name, to in runtime.graph.globals.items():
        yield Root(GLOBALS, name, "" if to is None else runtime.name(to), scanned=True)
    for goroutine, stack in runtime.graph.stacks.items():
        for call, frame in zip(program.goroutines[goroutine].calls, stack, strict=True):
            owner = goroutine if call.function == goroutine else f"{goroutine}: {call.function}"
            for name, to in frame.items():
                yield Root(owner, name, "" if to is None else runtime.name(to), scanned=True)


def _figures(runtime: MovingRuntime) -> dict[str, float]:
    used = sum(thing.size for thing in runtime.things.values())
    taken = sum(space.top for space in runtime.spaces())
    live = sum(runtime.things[ref].size for ref in runtime.graph.reachable())
    return {
        "objects, B": used,
        "reachable, B": live,
        "taken, B": taken,
        "holes, B": taken - used,
        "objects moved": runtime.counts.copied_objects,
        "bytes moved, B": runtime.counts.copied_bytes,
        "barriers run": runtime.counts.barriers,
        "pauses": runtime.counts.pauses,
        "visits while stopped": runtime.counts.visits_while_stopped,
        "buffers taken": runtime.counts.tlabs,
    }

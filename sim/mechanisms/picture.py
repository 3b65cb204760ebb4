"""The picture of a small Go heap: spans with their slots, roots, queues, figures, invariants."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sim.go.mheap import PAGE
from sim.mechanisms.cycle import SPECIALS
from sim.mechanisms.frame import Event, Frame, MemoryCell, MemoryRow, Root
from sim.mechanisms.goruntime import GoRuntime
from sim.mechanisms.graph import GLOBALS, Ref
from sim.mechanisms.heap import Slots
from sim.mechanisms.program import ScenarioProgram

MOST_ROWS = 24
"""With more spans than that, those of a class share a row."""
MOST_NAMED = 64
"""In a row with more objects than that, neighbours of a colour share a cell."""
MOST_CHECKED = 200
"""Invariants are checked on heaps with no more objects than that."""


def frame_of(runtime: GoRuntime, program: ScenarioProgram, event: Event) -> Frame:
    """What there is to see after an event."""
    return Frame(
        event,
        tuple(_rows(runtime)),
        tuple(_roots(runtime, program)),
        _queues(runtime),
        _figures(runtime),
        _checks(runtime),
    )


def _rows(runtime: GoRuntime) -> Iterator[MemoryRow]:
    spans = runtime.heap.by_address()
    if len(spans) <= MOST_ROWS:
        for span in spans:
            kind = "noscan" if span.span_class % 2 else "scan"
            note = f"{span.size} B {kind}; {runtime.heap.place_of(span)}"
            yield MemoryRow(f"{span.address(0):#x}", note, _cells(runtime, [span]))
    else:
        by_class = sorted(spans, key=lambda span: span.span_class)
        for span_class, several in groupby(by_class, key=lambda span: span.span_class):
            group = list(several)
            kind = "noscan" if span_class % 2 else "scan"
            yield MemoryRow(
                f"{len(group)} spans", f"{group[0].size} B {kind}", _cells(runtime, group)
            )
    free, released = runtime.heap.free_pages()
    cells = [MemoryCell("", "free", PAGE, free), MemoryCell("", "released", PAGE, released)]
    yield MemoryRow("page heap", "pages of 8 KiB", tuple(cell for cell in cells if cell.times))


def _cells(runtime: GoRuntime, spans: list[Slots[Ref]]) -> tuple[MemoryCell, ...]:
    """Slots in order; free ones, and where there are many all of a colour, put together."""
    named = sum(bool(items) for span in spans for items in span.items) <= MOST_NAMED
    cells = [
        MemoryCell(
            ", ".join(runtime.name(ref) for ref in items) if named else "",
            _state(runtime, span, items),
            span.size,
            1,
            _pointers(runtime, items) if named else (),
        )
        for span in spans
        for items in span.items
    ]
    joined = groupby(cells, key=lambda cell: (cell.name, cell.state, cell.pointers))
    return tuple(
        group[0]._replace(times=len(group)) for group in (list(some) for _, some in joined)
    )


def _state(runtime: GoRuntime, span: Slots[Ref], items: tuple[Ref, ...]) -> str:
    if not items:
        return "free"
    if runtime.cycle.marks:
        colours = {runtime.cycle.marking.colour(ref).value for ref in items}
        return next(colour for colour in ("grey", "black", "white") if colour in colours)
    if span.row in runtime.heap.unswept:
        marked = runtime.cycle.marking.marked
        return "black" if any(ref in marked for ref in items) else "white"
    return "used"


def _pointers(runtime: GoRuntime, items: tuple[Ref, ...]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (field, runtime.name(to))
        for ref in items
        for field, to in runtime.graph.fields[ref].items()
        if to is not None
    )


def _roots(runtime: GoRuntime, program: ScenarioProgram) -> Iterator[Root]:
    waiting = runtime.cycle.marking.roots if runtime.cycle.marks else []
    for name, to in runtime.graph.globals.items():
        yield Root(GLOBALS, name, _shown(runtime, to), GLOBALS not in waiting)
    for goroutine, stack in runtime.graph.stacks.items():
        calls = program.goroutines[goroutine].calls
        for call, frame in zip(calls, stack, strict=True):
            owner = goroutine if call.function == goroutine else f"{goroutine}: {call.function}"
            for name, to in frame.items():
                yield Root(owner, name, _shown(runtime, to), goroutine not in waiting)
    for ref, state in runtime.cycle.finalizers.states.items():
        yield Root(SPECIALS, state, runtime.name(ref), SPECIALS not in waiting)


def _shown(runtime: GoRuntime, to: Ref | None) -> str:
    return "" if to is None else runtime.name(to)


def _queues(runtime: GoRuntime) -> dict[str, tuple[str, ...]]:
    cycle = runtime.cycle
    queues: dict[str, list[str]] = {}
    if cycle.marks:
        queues["roots to scan"] = list(cycle.marking.roots)
        for queue, what in cycle.order.waiting():
            shown = f"{what.address(0):#x}" if isinstance(what, Slots) else runtime.name(what)
            queues.setdefault(queue, []).append(shown)
    if cycle.finalizers.queue:
        queues["finalizers to run"] = [runtime.name(ref) for ref in cycle.finalizers.queue]
    return {name: tuple(names) for name, names in queues.items()}


def _figures(runtime: GoRuntime) -> dict[str, float]:
    heap, cycle, pacer = runtime.heap, runtime.cycle, runtime.pacer
    trigger, goal = pacer.trigger()
    free, released = heap.free_pages()
    in_use = heap.mheap.stats.in_use_bytes
    bytes_of = dict.fromkeys(("white", "grey", "black", "used"), 0)
    for span in heap.spans.values():
        for items in filter(None, span.items):
            bytes_of[_state(runtime, span, items)] += span.size
    return {
        "heap live, B": pacer.heap_live,
        "trigger, B": trigger,
        "goal, B": goal,
        "objects, B": sum(bytes_of.values()),
        **{f"{state}, B": size for state, size in bytes_of.items()},
        "spans in use, B": in_use,
        "free pages, B": free * PAGE,
        "released, B": released * PAGE,
        "resident, B": in_use + free * PAGE,
        "scan work, B": pacer.scan_work_done,
        "background credit, B": pacer.bg_scan_credit,
        "assist credit, B": min(cycle.assists.credit.values(), default=0),
        "scan visits": cycle.visits,
        "visits while stopped": cycle.visits_while_stopped,
        "barriers run": cycle.barriers,
        "objects moved": 0,
        "pauses": cycle.pause_count,
        "holes, B": in_use - sum(bytes_of.values()),
        "world stopped, ns": round(cycle.pause_ns),
        "first pause, ns": round(cycle.pauses[0]) if cycle.pauses else 0,
        "last pause, ns": round(cycle.pauses[-1]) if cycle.pauses else 0,
        "CPU time, ns": round(runtime.now),
    }


def _checks(runtime: GoRuntime) -> dict[str, str]:
    marking = runtime.cycle.marking
    if not runtime.cycle.marks or len(runtime.graph.fields) > MOST_CHECKED:
        return {}
    edges = [
        f"{edge.holder if isinstance(edge.holder, str) else runtime.name(edge.holder)}"
        f" -> {runtime.name(edge.to)}"
        for edge in marking.black_to_white()
    ]
    doomed = marking.doomed()
    return {
        "strong invariant": f"broken by {', '.join(edges)}" if edges else "holds",
        "weak invariant": f"broken: {runtime.listed(sorted(doomed))} is out of reach of marking"
        if doomed
        else "holds",
    }

"""What a watcher sees: an event, and the memory, roots, queues and figures after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One step of the program or of the runtime."""

    actor: str
    """Who acts: a goroutine, or a part of the runtime such as `gc` or `sweeper`."""
    kind: str
    """What kind of step it is; see `KINDS`."""
    text: str
    """What happens, in a sentence."""
    rule: str = ""
    """Where the rule stands: file and function of Go's `src/runtime`, or a paper."""


class MemoryCell(NamedTuple):
    """A piece of memory: a slot, a block, a page."""

    name: str
    """Name of the object in it, empty where there is none."""
    state: str
    """white, grey, black, used, dead, free, released, and the like: how it is drawn."""
    size: int
    """Bytes; decides on the width."""
    times: int = 1
    """Equal neighbours that this cell stands for."""
    pointers: tuple[tuple[str, str], ...] = ()
    """Fields and the names of the objects they point to."""


class MemoryRow(NamedTuple):
    """A part of memory, such as a span or a region, and what is in it."""

    name: str
    note: str
    cells: tuple[MemoryCell, ...]


class Root(NamedTuple):
    """A variable that holds a pointer."""

    owner: str
    """`globals`, or the goroutine and function whose frame it is in."""
    name: str
    to: str
    """The object's name; empty for nil."""
    scanned: bool
    """Marking has seen it, or does not run."""


class Frame(NamedTuple):
    """The whole picture after an event."""

    event: Event
    rows: tuple[MemoryRow, ...]
    roots: tuple[Root, ...]
    queues: dict[str, tuple[str, ...]]
    """Names that wait, by queue."""
    figures: dict[str, float]
    """Numbers by name, the unit in it."""
    checks: dict[str, str]
    """Invariants by name: `holds`, or what breaks them."""


def figures_in(frames: Iterable[Frame]) -> list[str]:
    """Names of the figures that are not zero in all frames, in their order."""
    names: dict[str, bool] = {}
    for frame in frames:
        for name, value in frame.figures.items():
            names[name] = names.get(name, False) or value != 0
    return [name for name, moves in names.items() if moves]


KINDS = {
    "program": "a step of the program that touches no heap memory",
    "allocate": "an object comes into being",
    "point": "a pointer is written",
    "barrier": "the write barrier shades",
    "refill": "an mcache, or a cache like it, gets new memory",
    "grow": "the heap grows",
    "start": "a collection starts",
    "root": "a root is scanned",
    "scan": "an object or a span is scanned",
    "assist": "a goroutine marks to pay for its allocation",
    "end": "marking ends",
    "sweep": "memory is swept",
    "release": "memory goes back: to the heap or to the OS",
    "copy": "an object moves",
    "finalizer": "a finalizer is set, queued or run",
    "free": "the program frees memory",
    "lost": "an object is freed that the program can still reach",
    "proof": "a search over all schedules ends",
}
"""Kinds of events, which a watcher can jump to."""


def plain(value: Any) -> Any:
    """Frames as mappings, lists and scalars, as JSON has them."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(item) for name, item in value._asdict().items()}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value

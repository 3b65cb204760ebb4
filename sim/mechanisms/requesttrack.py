"""A trace of requests under one allocator, as frames."""

from __future__ import annotations

from sim.config.tree import Node
from sim.mechanisms.allocators import AllocatorFamily, Bump, FreeList
from sim.mechanisms.frame import Event, Frame
from sim.mechanisms.loading import mistake
from sim.mechanisms.requests import AllocatorSettings, Requests, operations
from sim.mechanisms.sizedallocators import GoAllocator, Segregated, TcMalloc


def request_frames(scenario: Requests, root: Node) -> tuple[Frame, ...]:
    """The frames of a scenario of requests."""
    allocator = _allocator(scenario.settings)
    sizes: dict[str, int] = {}
    peaks = {"asked for": 0, "held": 0}
    frames = [_frame(allocator, Event("program", "program", "before the first request"), 0, peaks)]
    for operation in operations(scenario.requests):
        actor = f"thread {operation.thread}"
        if operation.size is not None:
            text = allocator.malloc(operation.name, operation.size, operation.thread)
            sizes[operation.name] = operation.size
        elif operation.name in sizes:
            text = allocator.free(operation.name, operation.thread)
            del sizes[operation.name]
        else:
            raise mistake(root, operation.path, f"there is no block {operation.name!r}")
        kind = "free" if operation.size is None else "allocate"
        asked = sum(sizes.values())
        peaks["asked for"] = max(peaks["asked for"], asked)
        peaks["held"] = max(peaks["held"], allocator.held())
        frames.append(_frame(allocator, Event(actor, kind, text), asked, peaks))
    return tuple(frames)


def _allocator(settings: AllocatorSettings) -> AllocatorFamily:
    match settings.allocator:
        case "bump":
            return Bump(settings.grow)
        case "segregated":
            return Segregated()
        case "tcmalloc":
            return TcMalloc()
        case "go":
            return GoAllocator()
    return FreeList(settings.allocator.removesuffix("-fit"), settings.grow)


def _frame(allocator: AllocatorFamily, event: Event, asked: int, peaks: dict[str, int]) -> Frame:
    taken = sum(block.taken for block in allocator.blocks.values())
    figures: dict[str, float] = {
        "asked for, B": asked,
        "taken, B": taken,
        "held, B": allocator.held(),
        "lost inside blocks, B": taken - asked,
        "free or unusable, B": allocator.held() - taken,
        "peak asked for, B": peaks["asked for"],
        "peak held, B": peaks["held"],
        "searched": allocator.costs.searched,
        "locks": allocator.costs.locks,
    }
    return Frame(event, tuple(allocator.rows()), (), {}, figures, {})

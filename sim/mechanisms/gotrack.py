"""A program under Go's runtime, step by step, as frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from sim.config.machine import load_profile
from sim.config.tree import Node
from sim.errors import UserError
from sim.go.sizeclass import size_classes
from sim.mechanisms.code import MOST_STEPS, Code
from sim.mechanisms.frame import Event, Frame
from sim.mechanisms.goruntime import GoRuntime
from sim.mechanisms.loading import mistake
from sim.mechanisms.picture import MOST_ROWS, frame_of
from sim.mechanisms.program import WAITS, ScenarioProgram
from sim.mechanisms.script import AllocateStatement, Scenario
from sim.mechanisms.turns import FINALIZERS, GC, SWEEPER, GoroutineOrder

T = TypeVar("T")
ALIKE: Final = ({"allocate", "refill", "point"}, {"root", "scan"}, {"sweep", "release"})
"""Kinds of steps that share a frame in a heap of many spans."""


class ScenarioTrack:
    """A program, its runtime, and the frames so far."""

    def __init__(self, scenario: Scenario, root: Node) -> None:
        settings = scenario.settings
        sizes = _placed(root, "go", lambda: size_classes(settings.go))
        machine = _placed(root, "machine", lambda: load_profile(settings.machine))
        self.runtime = GoRuntime(settings, scenario.types, sizes, machine)
        self.program = ScenarioProgram(Code(scenario, root))
        self.program.start(scenario, self.runtime)
        self.turns = GoroutineOrder(scenario.settings, self.runtime, self.program)
        self.frames: list[Frame] = []
        self.merged = 1
        self.runtime.listener = self._look
        self._look(Event("program", "program", "before the first step"))

    def run(self) -> tuple[Frame, ...]:
        """All frames, until nobody has anything left to do."""
        for _ in range(MOST_STEPS):
            actor = self.turns.next()
            if actor is None:
                return tuple(self.frames)
            self._act(actor)
        raise UserError(f"the program has not ended after {MOST_STEPS} steps: watch a shorter one")

    def _act(self, actor: str) -> None:
        cycle = self.runtime.cycle
        parts = {GC: cycle.step, SWEEPER: cycle.sweep_step, FINALIZERS: cycle.finalizer_step}
        if actor in parts:
            parts[actor]()
        else:
            self.program.step(actor, self.runtime)
        if not cycle.wanted and not cycle.marks and self.runtime.heap.mheap.sweeping.done:
            for goroutine in self.program.goroutines.values():
                goroutine.blocked = False

    def _look(self, event: Event) -> None:
        """Take a picture; where steps of a kind follow one another, the last one may be enough."""
        if event.text == WAITS:
            return
        frame = frame_of(self.runtime, self.program, event)
        if self.frames and self._goes_on(event, self.frames[-1].event):
            self.merged += 1
            text = f"{event.text}; {self.merged} such steps in a row"
            self.frames[-1] = frame._replace(event=event._replace(text=text))
        else:
            self.merged = 1
            self.frames.append(frame)

    def _goes_on(self, event: Event, before: Event) -> bool:
        """More of the same: objects of one step, and in a large heap whatever is alike."""
        if event.actor != before.actor:
            return False
        if len(self.runtime.heap.spans) > MOST_ROWS:
            return any(event.kind in kinds and before.kind in kinds for kinds in ALIKE)
        current = self.program.current
        many = (
            current and isinstance(current.action, AllocateStatement) and current.action.count > 1
        )
        return bool(many) and event.kind == before.kind == "allocate"


def _placed(root: Node, key: str, made: Callable[[], T]) -> T:
    """What a setting stands for; a mistake gets its place."""
    try:
        return made()
    except UserError as error:
        raise mistake(root, ("settings", key), str(error)) from None


def go_frames(scenario: Scenario, root: Node) -> tuple[Frame, ...]:
    """The frames of a scenario under Go's runtime."""
    return ScenarioTrack(scenario, root).run()

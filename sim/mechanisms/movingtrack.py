"""A program under a collector that moves objects, step by step, as frames."""

from __future__ import annotations

from sim.config.tree import Node
from sim.mechanisms.code import Code
from sim.mechanisms.frame import Event, Frame
from sim.mechanisms.generational import Generational
from sim.mechanisms.moving import MovingRuntime
from sim.mechanisms.movingpicture import moving_frame
from sim.mechanisms.program import WAITS, ScenarioProgram
from sim.mechanisms.regions import Regions
from sim.mechanisms.script import Scenario


def moving_frames(scenario: Scenario, root: Node) -> tuple[Frame, ...]:
    """The frames of a scenario under a generational or a region collector."""
    kinds: dict[str, type[MovingRuntime]] = {"generational": Generational, "regions": Regions}
    runtime = kinds[scenario.settings.collector](scenario.settings, scenario.types)
    program = ScenarioProgram(Code(scenario, root))
    program.start(scenario, runtime)
    frames = [moving_frame(runtime, program, Event("program", "program", "before the first step"))]

    def look(event: Event) -> None:
        if event.text != WAITS:
            frames.append(moving_frame(runtime, program, event))

    runtime.listener = look
    while ready := program.runnable():
        for name in ready:
            program.step(name, runtime)
    return tuple(frames)

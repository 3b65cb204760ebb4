"""Functions of a scenario as plain lists of instructions, with their names checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Final, NamedTuple

from sim.config.tree import Node
from sim.errors import UserError, nearest
from sim.mechanisms.loading import mistake
from sim.mechanisms.script import (
    Action,
    AllocateStatement,
    CallStatement,
    PointStatement,
    RepeatStatement,
    Scenario,
    SpawnStatement,
    Start,
    Statement,
    UnpointStatement,
)

Path = tuple[str, ...]
MOST_STEPS: Final = 20_000
"""A longer function cannot be watched."""
BEFORE: Final = ""
"""The function that stands for what the program has done before."""


class Instruction(NamedTuple):
    """An action, and where it was written."""

    action: Action
    path: Path


class CompiledFunction(NamedTuple):
    """Its parameters, and its instructions with repetitions unrolled."""

    takes: tuple[str, ...]
    body: tuple[Instruction, ...]


class Code:
    """All functions of a scenario; UserError where a name means nothing."""

    def __init__(self, scenario: Scenario, root: Node) -> None:
        self.root = root
        self.types = scenario.types
        self.functions = {
            name: CompiledFunction(
                tuple(function.takes), self._body(function.steps, ("functions", name, "steps"))
            )
            for name, function in scenario.functions.items()
        }
        self.functions[BEFORE] = CompiledFunction((), self._body(scenario.before, ("before",)))
        for index, start in enumerate(scenario.start):
            self._check(start, ("start", str(index)))
        for function in self.functions.values():
            for action, path in function.body:
                self._check(action, path)

    def error(self, path: Path, message: str) -> UserError:
        """A mistake in the script, with the place where it stands."""
        return mistake(self.root, path, message)

    def _body(self, steps: Sequence[Statement], path: Path) -> tuple[Instruction, ...]:
        body = _bounded(_flat(steps, path))
        if len(body) > MOST_STEPS:
            raise self.error(path, f"expected at most {MOST_STEPS} steps, repeated ones too")
        return body

    def _check(self, action: Action | Start, path: Path) -> None:
        match action:
            case CallStatement() | SpawnStatement() | Start():
                self._known((*path, "function"), "function", action.function, self.functions)
            case AllocateStatement():
                kind = action.of or next(iter(self.types))
                self._known((*path, "of"), "type", kind, self.types)
                if action.chain:
                    fields = self.types[kind].pointers
                    self._known((*path, "chain"), f"field of {kind}", action.chain, fields)
            case PointStatement():
                self._check_field((*path, "from"), action.at)
                self._check_field((*path, "to"), action.to)
            case UnpointStatement():
                self._check_field((*path, "from"), action.at)

    def _check_field(self, path: Path, text: str) -> None:
        _, dot, name = text.partition(".")
        if dot:
            fields = {field for kind in self.types.values() for field in kind.pointers}
            self._known(path, "field", name, fields)

    def _known(self, path: Path, kind: str, name: str, valid: Iterable[str]) -> None:
        names = {key for key in valid if key != BEFORE}
        if name not in names:
            raise self.error(path, f"there is no {kind} {name!r}{nearest(name, names)}")


def _flat(steps: Sequence[Statement], path: Path) -> Iterator[Instruction]:
    """The actions in order, repetitions unrolled and counts written out."""
    for index, step in enumerate(steps):
        action = step.action
        key = next(name for name in type(step).model_fields if getattr(step, name))
        here = (*path, str(index), key.rstrip("_"))
        times = 1
        body: tuple[Instruction, ...] = (Instruction(action, here),)
        if isinstance(action, RepeatStatement):
            times, body = action.times, _bounded(_flat(action.steps, (*here, "steps")))
        elif isinstance(action, AllocateStatement):
            times = action.count
        yield from chain.from_iterable(repeat(body, times))


def _bounded(instructions: Iterator[Instruction]) -> tuple[Instruction, ...]:
    """All of them, or one more than there may be."""
    return tuple(islice(instructions, MOST_STEPS + 1))

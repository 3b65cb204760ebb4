"""The program of a scenario: goroutines that take their steps one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, Protocol

from sim.mechanisms.code import BEFORE, Code, Instruction, Path
from sim.mechanisms.graph import Graph, Pointers, Ref
from sim.mechanisms.names import NIL, Names
from sim.mechanisms.script import (
    MOST_GOROUTINES,
    Action,
    AllocateStatement,
    CallStatement,
    CollectStatement,
    ComputeStatement,
    FinalizerStatement,
    PointStatement,
    ReturnStatement,
    ScavengeStatement,
    Scenario,
    SpawnStatement,
    TriggerStatement,
    UnpointStatement,
    WaitStatement,
)
from sim.units import format_duration

WAITS: Final = "waits"
MOST_CALLS: Final = 100
"""Deeper stacks are a mistake of the script (Go stops a program at a stack of 1 GB)."""


class Write(NamedTuple):
    """A pointer that is about to be written: the barrier has run, the write comes next."""

    holder: Ref | None
    """None for a global variable."""
    field: str
    new: Ref | None


@dataclass
class Active:
    """A call that has not returned."""

    function: str
    next: int = 0
    into: str = ""
    waited: int = 0


@dataclass
class Goroutine:
    """Where a goroutine is; its variables are in the graph."""

    name: str
    calls: list[Active] = field(default_factory=list)
    pending: Write | None = None
    blocked: bool = False
    """Waits in runtime.GC."""

    @property
    def done(self) -> bool:
        """It has ended."""
        return not self.calls

    def copy(self) -> Goroutine:
        """The same goroutine, to go on by itself."""
        calls = [replace(call) for call in self.calls]
        return Goroutine(self.name, calls, self.pending, self.blocked)

    def key(self) -> tuple[object, ...]:
        """What tells this stage from others."""
        calls = tuple((call.function, call.next, call.waited) for call in self.calls)
        return (self.name, calls, self.pending)


class RuntimeCalls(Protocol):
    """What a program asks of the runtime; every call is one event or none."""

    graph: Graph

    def allocate(
        self, actor: str, kind: str, name: str, pointers: Pointers, frame: Pointers
    ) -> None:
        """A new object of a type, some of its fields set before anybody else can see it.

        The variable `name` of the frame holds it.
        """

    def barrier(self, actor: str, write: Write) -> bool:
        """Before a pointer in the heap or a global is written; True to write in a later step."""

    def write(self, actor: str, write: Write) -> None:
        """Write it."""

    def local(self, actor: str, text: str) -> None:
        """A step that concerns the goroutine's own stack only."""

    def spawned(self, actor: str, name: str, arguments: Sequence[Ref | None]) -> None:
        """A goroutine begins, with these pointers from the closure that started it."""

    def finalizer(self, actor: str, ref: Ref) -> None:
        """runtime.SetFinalizer."""

    def collect(self, actor: str, *, wait: bool) -> bool:
        """A collection starts; True if the goroutine has to wait for it."""

    def scavenge(self, actor: str, size: int) -> None:
        """Free pages go back to the OS."""

    def compute(self, actor: str, time: int) -> None:
        """CPU time passes, ns."""


class ScenarioProgram:
    """All goroutines of a scenario, and the code that they run."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.goroutines: dict[str, Goroutine] = {}
        self.current: Instruction | None = None
        """What the last step did."""

    def copy(self) -> ScenarioProgram:
        """The same program at the same stage, to go on by itself."""
        other = ScenarioProgram(self.code)
        other.goroutines = {name: one.copy() for name, one in self.goroutines.items()}
        return other

    def start(self, scenario: Scenario, memory: RuntimeCalls) -> None:
        """Do what the program has done before, then start its goroutines."""
        memory.graph.globals = dict.fromkeys(scenario.globals)
        variables: Pointers = {}
        self._begin(BEFORE, BEFORE, variables, memory.graph)
        while not self.goroutines[BEFORE].done:
            self.step(BEFORE, memory)
        del self.goroutines[BEFORE]
        for index, start in enumerate(scenario.start):
            names = Names(self.code, memory.graph, ("start", str(index)), variables)
            arguments = [names.value(name) for name in start.arguments]
            self.enter(self.free_name(start.function), start.function, arguments, names)

    def runnable(self) -> list[str]:
        """Goroutines that can take a step."""
        return [name for name, one in self.goroutines.items() if not (one.done or one.blocked)]

    @property
    def at_safe_points(self) -> bool:
        """No goroutine is between a write barrier and its write, so the world can stop."""
        return all(one.pending is None for one in self.goroutines.values())

    def step(self, name: str, memory: RuntimeCalls) -> None:
        """The next step of a goroutine, or the second half of a write."""
        goroutine = self.goroutines[name]
        if goroutine.pending is not None:
            write, goroutine.pending = goroutine.pending, None
            memory.write(name, write)
        else:
            call = goroutine.calls[-1]
            instruction = self.code.functions[call.function].body[call.next]
            self.current = instruction
            call.next += 1
            _Execution(self, goroutine, memory, instruction.path).do(instruction.action)
        self._return_at_end(goroutine, memory.graph)

    def enter(self, name: str, function: str, arguments: list[Ref | None], names: Names) -> None:
        """A goroutine begins with a call of a function."""
        self._begin(name, function, names.parameters(function, arguments), names.graph)

    def free_name(self, name: str) -> str:
        """A name that no goroutine has had."""
        number, free = 2, name
        while free in self.goroutines:
            number, free = number + 1, f"{name}{number}"
        return free

    def _begin(self, name: str, function: str, variables: Pointers, graph: Graph) -> None:
        self.goroutines[name] = Goroutine(name, [Active(function)])
        graph.stacks[name] = [variables]
        self._return_at_end(self.goroutines[name], graph)

    def _return_at_end(self, goroutine: Goroutine, graph: Graph) -> None:
        stack = graph.stacks[goroutine.name]
        while goroutine.calls and goroutine.pending is None:
            call = goroutine.calls[-1]
            if call.next < len(self.code.functions[call.function].body):
                return
            goroutine.calls.pop()
            stack.pop()
        if goroutine.done:
            del graph.stacks[goroutine.name]


class _Execution:
    """One step of one goroutine."""

    def __init__(
        self, program: ScenarioProgram, goroutine: Goroutine, memory: RuntimeCalls, path: Path
    ) -> None:
        self.program, self.goroutine, self.memory = program, goroutine, memory
        self.actor = goroutine.name
        self.frame = memory.graph.stacks[self.actor][-1]
        self.names = Names(program.code, memory.graph, path, self.frame)

    def do(self, action: Action) -> None:
        """Take the step."""
        actions: dict[type[Action], Callable[[Any], None]] = {
            AllocateStatement: self.allocate,
            PointStatement: self.point,
            UnpointStatement: self.unpoint,
            CallStatement: self.call,
            ReturnStatement: self.return_,
            SpawnStatement: self.spawn,
            FinalizerStatement: self.finalizer,
            CollectStatement: self.collect,
            TriggerStatement: self.collect,
            ScavengeStatement: self.scavenge,
            ComputeStatement: self.compute,
            WaitStatement: self.wait,
        }
        actions[type(action)](action)

    def point(self, action: PointStatement) -> None:
        """A pointer is written."""
        self.assign(action.at, self.names.value(action.to), action.to)

    def unpoint(self, action: UnpointStatement) -> None:
        """nil is written."""
        self.assign(action.at, None, NIL)

    def finalizer(self, action: FinalizerStatement) -> None:
        """runtime.SetFinalizer."""
        ref = self.names.value(action.of)
        if ref is None:
            raise self.names.error(f"{action.of} is nil here, so it has no finalizer")
        self.memory.finalizer(self.actor, ref)

    def collect(self, action: CollectStatement | TriggerStatement) -> None:
        """A collection, with or without waiting for it."""
        wait = isinstance(action, CollectStatement)
        self.goroutine.blocked = self.memory.collect(self.actor, wait=wait)

    def scavenge(self, action: ScavengeStatement) -> None:
        """The scavenger's turn."""
        self.memory.scavenge(self.actor, action.size)

    def allocate(self, action: AllocateStatement) -> None:
        """A new object, in front of a chain if it belongs to one."""
        kind = action.of or next(iter(self.program.code.types))
        before: Pointers = {}
        if action.chain:
            before[action.chain] = self.frame.get(action.name)
        self.memory.allocate(self.actor, kind, action.name, before, self.frame)

    def assign(self, at: str, new: Ref | None, shown: str) -> None:
        """Write a pointer: into a variable at once, elsewhere through the barrier."""
        holder, name, local = self.names.target(at)
        if local:
            self.frame[name] = new
            self.memory.local(self.actor, f"{at} = {shown}")
            return
        write = Write(holder, name, new)
        if self.memory.barrier(self.actor, write):
            self.goroutine.pending = write
        else:
            self.memory.write(self.actor, write)

    def call(self, action: CallStatement) -> None:
        """A new frame on the stack."""
        arguments = [self.names.value(name) for name in action.arguments]
        parameters = self.names.parameters(action.function, arguments)
        if len(self.goroutine.calls) == MOST_CALLS:
            raise self.names.error(f"the stack overflows: more than {MOST_CALLS} calls")
        self.goroutine.calls.append(Active(action.function, into=action.into))
        self.memory.graph.stacks[self.actor].append(parameters)
        self.memory.local(self.actor, f"calls {action.function}({', '.join(action.arguments)})")

    def return_(self, action: ReturnStatement) -> None:
        """The frame goes, and its variables with it."""
        value = self.names.value(action.value) if action.value else None
        call, stack = self.goroutine.calls[-1], self.memory.graph.stacks[self.actor]
        call.next = len(self.program.code.functions[call.function].body)
        if call.into and len(stack) > 1:
            stack[-2][call.into] = value
        self.memory.local(self.actor, f"returns from {call.function}")

    def spawn(self, action: SpawnStatement) -> None:
        """A goroutine with a stack of its own."""
        arguments = [self.names.value(name) for name in action.arguments]
        if len(self.program.goroutines) >= MOST_GOROUTINES:
            raise self.names.error(f"expected at most {MOST_GOROUTINES} goroutines at a time")
        name = self.program.free_name(action.name or action.function)
        self.memory.spawned(self.actor, name, arguments)
        self.program.enter(name, action.function, arguments, self.names)

    def compute(self, action: ComputeStatement) -> None:
        """CPU time passes."""
        self.memory.compute(self.actor, action.time)
        self.memory.local(self.actor, f"computes for {format_duration(action.time)}")

    def wait(self, action: WaitStatement) -> None:
        """Stay at this step until the turns are over."""
        call = self.goroutine.calls[-1]
        call.waited += 1
        if call.waited < action.turns:
            call.next -= 1
        else:
            call.waited = 0
        self.memory.local(self.actor, WAITS)

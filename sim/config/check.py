"""What single values cannot show: dangling names, endless spawning, amounts that make no sense."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NoReturn

from sim.config.at import At
from sim.config.tree import Node, locate
from sim.errors import nearest
from sim.quantities import ADDRESS_SPACE
from sim.units import Bytes, format_bytes
from sim.workload.distributions import Constant
from sim.workload.program import (
    WORD,
    Append,
    Borrow,
    Insert,
    ObjectKind,
    Program,
    Publish,
    Repeat,
    Spawn,
    Step,
    Work,
)

Path = tuple[str, ...]


def check_program(root: Node, program: Program) -> None:
    """UserError for the first mistake that only the whole program shows; `root` gives the lines."""
    checks = _Checks(root, program)
    checks.mixes()
    checks.stores()
    for kind, goroutine in program.goroutines.items():
        checks.steps(("goroutines", kind, "steps"), goroutine.steps)
    checks.steps(("main",), program.main)
    checks.load()
    checks.spawns_end()


class _Checks:
    """The checks share the program and know where its parts were written."""

    def __init__(self, root: Node, program: Program) -> None:
        self.root = root
        self.program = program

    def mixes(self) -> None:
        for name, kinds in self.program.mixes.items():
            if not kinds:
                self.fail(("mixes", name), "expected at least one kind of object, got none")
            for index, kind in enumerate(kinds):
                self.object_kind(("mixes", name, str(index)), kind)
            if sum(kind.share for kind in kinds) <= 0:
                self.fail(("mixes", name), "expected shares with a positive sum, got 0")

    def object_kind(self, path: Path, kind: ObjectKind) -> None:
        if kind.size.mean() <= 0:
            self.fail((*path, "size"), "expected a size above 0, got 0")
        if isinstance(kind.size, Constant) and kind.pointers != "all":
            room = int(kind.size.value) // WORD
            if kind.pointers > room:
                self.fail(
                    (*path, "pointers"),
                    f"expected at most the {room} words of the object, got {kind.pointers}",
                )

    def stores(self) -> None:
        total = 0
        for name, store in self.program.stores.items():
            self.name(("stores", name, "of"), "mix", store.of, self.program.mixes)
            if store.structure != "table" and store.replacement == "random":
                self.fail(
                    ("stores", name, "structure"),
                    f"expected a table where 'replacement' is random, got {store.structure}: its "
                    "entries go in order (replacement: oldest) or stay (none)",
                )
            total += store.size
            if total > ADDRESS_SPACE:
                limit = format_bytes(ADDRESS_SPACE)
                self.fail(
                    ("stores", name),
                    f"expected a heap of at most {limit}, the address space, got more",
                )

    def steps(self, path: Path, steps: tuple[Step, ...]) -> None:
        for index, step in enumerate(steps):
            self.step((*path, str(index), type(step).__name__.lower()), step)

    def step(self, path: Path, step: Step) -> None:
        match step:
            case Work():
                self.work(path, step)
            case Spawn():
                self.name(
                    (*path, "goroutine"), "goroutine", step.goroutine, self.program.goroutines
                )
            case Publish():
                self.name((*path, "store"), "store", step.store, self.program.stores)
            case Borrow():
                self.name((*path, "pool"), "pool", step.pool, self.program.pools)
            case Append():
                self.room(path, step.pointers, step.size, "element")
            case Insert():
                self.room(path, step.pointers, step.value, "value")
            case Repeat():
                self.steps((*path, "steps"), step.steps)

    def work(self, path: Path, work: Work) -> None:
        if work.of is not None:
            self.name((*path, "of"), "mix", work.of, self.program.mixes)
        elif work.allocate.mean() > 0:
            self.fail(
                path, "expected the key 'of', the mix of what it allocates, got only 'allocate'"
            )
        if work.into is not None:
            self.name((*path, "into"), "store", work.into, self.program.stores)
            self.of_store((*path, "of"), work.of, work.into)

    def of_store(self, path: Path, mix: str | None, store: str) -> None:
        """A store holds objects of its own mix."""
        found = self.program.stores.get(store)
        if found is not None and mix is not None and mix != found.of:
            self.fail(path, f"expected {found.of}, the mix of the store {store!r}, got {mix}")

    def room(self, path: Path, pointers: int | str, size: Bytes, what: str) -> None:
        words = size // WORD
        if isinstance(pointers, int) and pointers > words:
            self.fail(
                (*path, "pointers"),
                f"expected at most the {words} words of the {what}, got {pointers}",
            )

    def load(self) -> None:
        if not self.program.load:
            self.fail(("load",), "expected at least one load, got none")
        for name, load in self.program.load.items():
            path = ("load", name)
            self.name((*path, "goroutine"), "goroutine", load.goroutine, self.program.goroutines)

    def spawns_end(self) -> None:
        """Nothing a step can do ends a recursion, so goroutines that spawn each other never end."""
        for kind in self.program.goroutines:
            self.follow(kind, ())

    def follow(self, kind: str, above: Path) -> None:
        steps = walk(("goroutines", kind, "steps"), self.program.goroutines[kind].steps)
        for path, step in steps:
            if not isinstance(step, Spawn):
                continue
            if step.goroutine in (*above, kind):
                chain = " -> ".join((*above, kind, step.goroutine))
                self.fail((*path, "goroutine"), f"expected spawning that ends, got {chain}")
            self.follow(step.goroutine, (*above, kind))

    def name(self, path: Path, kind: str, name: str, valid: Collection[str]) -> None:
        if name not in valid:
            known = nearest(name, valid) if valid else f" (the workload has no {kind})"
            self.fail(path, f"expected the name of a {kind}, got {name!r}{known}")

    def fail(self, path: Path, message: str) -> NoReturn:
        raise At(locate(self.root, path), path).error(message)


def walk(path: Path, steps: tuple[Step, ...]) -> Iterator[tuple[Path, Step]]:
    """Every step below a place, with its own; those of repetitions behind them."""
    for index, step in enumerate(steps):
        here = (*path, str(index), type(step).__name__.lower())
        yield here, step
        if isinstance(step, Repeat):
            yield from walk((*here, "steps"), step.steps)

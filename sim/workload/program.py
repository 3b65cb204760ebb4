"""What a program does: the typed form of a workload file.

A program is a set of goroutine kinds, each a list of steps; mixes say what they allocate, stores
and pools hold what outlives them, and load says who starts them when. The same description is
simulated here and executed by a real Go program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Gt, Le

from sim.errors import UserError
from sim.units import MAX_INT64, Bytes, Fraction, Nanoseconds, PerSecond, Unit, format_bytes
from sim.workload.arrivals import Arrivals
from sim.workload.distributions import Constant, Distribution

SizeDistribution: TypeAlias = Annotated[Distribution, Unit("bytes")]
TimeDistribution: TypeAlias = Annotated[Distribution, Unit("ns")]

WORD = 8
MOST_ELEMENTS = 1 << 24
"""Of a slice or a map that grows, and bytes of an element: a slice of them fits into 2^48 bytes."""
MAX_USED_STACK = 500 * 1000**2
"""Beyond it a doubled stack exceeds Go's limit of a billion bytes (runtime/proc.go: main)."""


@dataclass(frozen=True)
class ObjectKind:
    """One kind of object in a mix; the pointers are the first words of the object."""

    size: SizeDistribution
    """Requested bytes; the slot that they get is that of their size class."""
    share: Annotated[float, Ge(0)] = 1.0
    """Relative frequency among the objects of the mix."""
    pointers: Annotated[int, Ge(0)] | Literal["all"] = 0
    """Words at the front that are scanned for pointers; 0 makes it noscan."""
    filled: Annotated[Fraction, Ge(0), Le(1)] = 1.0
    """Part of these words that leads to an object: others are nil, or numbers between pointers."""


@dataclass(frozen=True)
class Store:
    """Long-lived data: a cache, an index, a session table."""

    size: Annotated[Bytes, Gt(0)]
    """Capacity in requested bytes."""
    of: str
    """Mix of its objects."""
    replacement: Literal["random", "oldest", "none"] = "random"
    """Which entries a full store drops for new ones; `none` keeps everything: a leak."""
    structure: Literal["table", "list", "tree"] = "table"
    """How its entries are reached: a slice or map of pointers leads to all of them; in a linked
    list one leads to the next, so that marking finds them one after the other; in a binary tree one
    leads to two. Lists and trees drop entries in order. A slice of values is one object without
    entries: a mix of large objects."""
    filled: bool = True
    """Filled by the main goroutine before the load starts."""


@dataclass(frozen=True)
class Pool:
    """A sync.Pool of equal objects: emptied over two collection cycles."""

    size: Annotated[Bytes, Gt(0)]
    """Requested bytes of each object."""
    pointers: Annotated[int, Ge(0)] | Literal["all"] = 0
    """Words at the front that are scanned for pointers; 0 makes it noscan."""


@dataclass(frozen=True)
class Work:
    """Computing, with allocation spread evenly over it."""

    cpu: TimeDistribution
    """Time on a P without allocation and collection."""
    allocate: SizeDistribution = Constant(0)
    """Requested bytes."""
    of: str | None = None
    """Mix of the allocated objects."""
    lives: Literal["step", "goroutine", "forever"] | TimeDistribution = "goroutine"
    """How long the objects stay reachable; a duration is the mean of an exponential law."""
    into: str | None = None
    """Store that keeps them instead."""
    pointer_writes: PerSecond = 0.0
    """Pointer stores into the heap per second of computing: the write barrier's load."""
    finalizer: Nanoseconds | None = None
    """CPU time of the finalizer that every object has, of those that live for a step or with the
    goroutine; they do not lead to each other. `none`: they have none."""

    def __post_init__(self) -> None:
        if self.finalizer is None:
            return
        if self.into is not None or self.lives not in ("step", "goroutine"):
            raise UserError("finalizer: expected objects that live for a step or a goroutine")
        if self.of is None:
            raise UserError("finalizer: expected the key 'of', the mix of what has finalizers")


@dataclass(frozen=True)
class Append:
    """Append elements one by one to a new slice, which the goroutine keeps until it ends.

    An array that is full is copied to a larger one, and garbage from then on (runtime/slice.go).
    """

    elements: Annotated[int, Ge(1), Le(MOST_ELEMENTS)]
    """How many."""
    size: Annotated[Bytes, Gt(0), Le(MOST_ELEMENTS)] = WORD
    """Bytes of an element."""
    pointers: Annotated[int, Ge(0)] | Literal["all"] = 0
    """Words at the front of each element that lead to objects; 0 makes the arrays noscan."""
    cpu: TimeDistribution = Constant(0)
    """Time on a P, copying included, without allocation and collection."""


@dataclass(frozen=True)
class Insert:
    """Insert entries one by one into a new map, which the goroutine keeps until it ends.

    Groups that are full are replaced by more of them (Swiss tables of Go 1.24 and later:
    internal/runtime/maps); keys and values of more than 128 bytes would lie apart.
    """

    entries: Annotated[int, Ge(1), Le(MOST_ELEMENTS)]
    """How many."""
    key: Annotated[Bytes, Gt(0), Le(128)] = WORD
    """Bytes of a key, rounded up to words."""
    value: Annotated[Bytes, Ge(0), Le(128)] = WORD
    """Bytes of a value, rounded up to words."""
    pointers: Annotated[int, Ge(0)] | Literal["all"] = 0
    """Words at the front of each value that lead to objects; 0 makes the groups noscan."""
    cpu: TimeDistribution = Constant(0)
    """Time on a P, copying included, without allocation and collection."""


@dataclass(frozen=True)
class Spin:
    """On a P until so much time has passed, as a loop around time.Since: waiting counts as well."""

    time: TimeDistribution
    """How long, by the clock."""


@dataclass(frozen=True)
class Publish:
    """Hand what the goroutine keeps of a store's mix to it, as one entry; full, it drops others.

    Where the store replaces at random, every entry is as likely to go.
    """

    store: str
    """Name of the store that receives it."""


@dataclass(frozen=True)
class Wait:
    """Blocked off the P: a timer, the network, another service."""

    time: TimeDistribution
    """How long until it is ended; the wait for a P comes on top."""
    via: Literal["network", "timer"] = "network"
    """What ends it: Ps that mark for want of other work look at the network, not at timers."""


@dataclass(frozen=True)
class Syscall:
    """Blocked in a system call, or in C: the goroutine keeps its P until somebody takes that away.

    A stop of the world does so at once, the monitor thread when it finds the goroutine there twice
    and the P is wanted (runtime/proc.go: entersyscall, retake, exitsyscall). Then others run on it.
    """

    time: TimeDistribution
    """How long the call takes; the wait for a P, where it was lost, comes on top."""


@dataclass(frozen=True)
class Spawn:
    """Start goroutines of another kind, and by default wait for all of them."""

    goroutine: str
    """Kind of the new goroutines."""
    count: Annotated[int, Ge(1)] = 1
    """How many are started."""
    wait: bool = True
    """Go on only when all of them have ended."""


@dataclass(frozen=True)
class Borrow:
    """Take an object from a pool, or allocate one; it goes back when the goroutine ends."""

    pool: str
    """Name of the pool."""


@dataclass(frozen=True)
class Collect:
    """Call runtime.GC and wait for it."""


@dataclass(frozen=True)
class SetGCPercent:
    """Call debug.SetGCPercent: another GOGC from here on. Who switches it off waits for marking."""

    percent: Annotated[int, Ge(0), Le((1 << 31) - 1)] | Literal["off"]
    """The new value."""

    @property
    def value(self) -> int:
        """As Go takes it: -1 for off."""
        return -1 if self.percent == "off" else self.percent


@dataclass(frozen=True)
class SetMemoryLimit:
    """Call debug.SetMemoryLimit: another GOMEMLIMIT from here on."""

    limit: Bytes | Literal["off"]
    """The new value."""

    @property
    def value(self) -> Bytes:
        """As Go takes it: the largest number for off."""
        return MAX_INT64 if self.limit == "off" else self.limit


@dataclass(frozen=True)
class Repeat:
    """Do the steps several times."""

    times: Annotated[int, Ge(0)]
    """How often."""
    steps: tuple[Step, ...]
    """What is repeated, in order."""


Step: TypeAlias = (
    Work
    | Append
    | Insert
    | Spin
    | Publish
    | Wait
    | Syscall
    | Spawn
    | Borrow
    | Collect
    | SetGCPercent
    | SetMemoryLimit
    | Repeat
)


@dataclass(frozen=True)
class GoroutineKind:
    """A kind of goroutine: what it does from start to end."""

    steps: tuple[Step, ...]
    """What it does, in order; then it ends."""
    stack: Bytes = 1024
    """Stack that it uses while it runs."""
    idle_stack: Bytes | None = None
    """Stack that it uses while it is blocked; `none`: the same."""

    def __post_init__(self) -> None:
        for key, used in (("stack", self.stack), ("idle_stack", self.idle_stack or 0)):
            if used > MAX_USED_STACK:
                limit = format_bytes(MAX_USED_STACK)
                raise UserError(f"{key}: expected at most {limit}, got {format_bytes(used)}")


@dataclass(frozen=True)
class OpenLoop:
    """Requests that arrive whether or not the program keeps up."""

    goroutine: str
    """Kind of goroutine that every request starts."""
    arrivals: Arrivals
    """When requests come."""
    via: Literal["network", "timer"] = "network"
    """How they come: from outside, or from a load generator inside the program, which a P may look
    after late; a request then arrives when it is started."""


@dataclass(frozen=True)
class ClosedLoop:
    """N workers that each send the next request after a think time."""

    goroutine: str
    """Kind of goroutine that every request starts."""
    workers: Annotated[int, Ge(1)]
    """How many clients send one request after the other."""
    think: TimeDistribution = Constant(0)
    """Time between the answer and the next request of a client."""


@dataclass(frozen=True)
class Batch:
    """A fixed amount of work: the run ends when it is done."""

    goroutine: str
    """Kind of goroutine that does a piece of it."""
    count: Annotated[int, Ge(1)] = 1
    """How many pieces there are."""
    parallel: Annotated[int, Ge(1)] = 1
    """How many of them run at the same time."""
    parallel_per_p: Annotated[int, Ge(0)] = 0
    """As many for every P instead, as in programs that size their workers by GOMAXPROCS."""

    def lanes(self, procs: int) -> int:
        """How many run at the same time on so many Ps."""
        return min(self.parallel_per_p * procs or self.parallel, self.count)


Load: TypeAlias = OpenLoop | ClosedLoop | Batch


@dataclass(frozen=True)
class Program:
    """A whole program under load."""

    goroutines: dict[str, GoroutineKind]
    """Kinds of goroutines by name."""
    load: dict[str, Load]
    """Who starts goroutines, by name: open loop, closed loop or batch."""
    main: tuple[Step, ...] = ()
    """What the main goroutine does when it has filled the stores, before the load begins."""
    description: str = ""
    """What the program is, in a line."""
    mixes: dict[str, tuple[ObjectKind, ...]] = field(default_factory=dict)
    """Which objects are allocated together, by name of the mix."""
    stores: dict[str, Store] = field(default_factory=dict)
    """Long-lived data by name."""
    pools: dict[str, Pool] = field(default_factory=dict)
    """Pools by name."""
    globals: Bytes = 168 * 1024
    """Data and bss segments, all scanned: 165 to 170 KB in small Go programs."""
    file: Bytes | None = None
    """Resident part of the executable: RssFile in /proc/PID/status. Without it, that of the small
    programs with which the machine was calibrated."""

    @property
    def serves(self) -> bool:
        """Whether it goes on for ever, so that there is a steady state; batches end."""
        return any(not isinstance(load, Batch) for load in self.load.values())

    def all_steps(self) -> Iterator[Step]:
        """Every step that somebody may do, those of repetitions included."""
        yield from _flat(self.main)
        for kind in self.goroutines.values():
            yield from _flat(kind.steps)


def _flat(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        yield step
        if isinstance(step, Repeat):
            yield from _flat(step.steps)

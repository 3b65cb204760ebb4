"""The mixes of a program as kinds of slots."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np

from sim.go.growth import WORD, Arrays, map_arrays, slice_arrays
from sim.go.kinds import KindTable, Mix
from sim.go.sizeclass import SizeClassTable
from sim.workload.distributions import Constant
from sim.workload.program import Append, Insert, ObjectKind, Program, Work

NO_MIX: Final = -1
"""The mix of who allocates nothing."""
QUANTILES: Final = 1024
"""Points at which a distribution of sizes is compiled into kinds."""


class Stage(NamedTuple):
    """Arrays that a slice or a map has for a while."""

    mix: int
    arrays: Arrays
    share: float
    """Of its elements, so many come while it has them."""

    @property
    def nbytes(self) -> float:
        """Bytes that are requested."""
        return float(self.arrays.number * self.arrays.size)


class MixBook:
    """Mixes by name; one of a single kind for every pool; those with finalizers apart."""

    def __init__(self, program: Program, sizes: SizeClassTable) -> None:
        self.kinds = KindTable()
        self.mixes: list[Mix] = []
        self.ids: dict[str, int] = {}
        self.finalizers: dict[int, int] = {}
        """CPU time (ns) of the finalizers that all objects of a mix have, by mix."""
        for name, objects in program.mixes.items():
            self._add(name, objects, sizes)
        for name, pool in program.pools.items():
            self._add(pool_mix(name), (ObjectKind(Constant(pool.size), 1.0, pool.pointers),), sizes)

        self._grown: dict[str, list[Stage]] = {}
        for step in program.all_steps():
            if isinstance(step, Append | Insert):
                self._add_arrays(step, sizes)
            if isinstance(step, Work) and step.finalizer is not None:
                name = finalizer_mix(step)
                if name not in self.ids:
                    self._add(name, program.mixes[str(step.of)], sizes)
                    self.finalizers[self.ids[name]] = step.finalizer

    def _add_arrays(self, step: Append | Insert, sizes: SizeClassTable) -> None:
        """A mix for the arrays of each size that a slice or a map has one after the other."""
        if str(step) in self._grown:
            return
        stages = self._grown[str(step)] = []
        begin, (total, words, used, found) = 0, _arrays(step, sizes)
        for index, arrays in enumerate(found):
            name, end = f"arrays {index} of {step}", min(arrays.capacity, total)
            filled = used / words * end / arrays.capacity if words else 1.0
            pointers: int | Literal["all"] = "all" if used else 0
            kind = ObjectKind(Constant(arrays.size), 1.0, pointers, filled)
            self._add(name, (kind,), sizes)
            stages.append(Stage(self.ids[name], arrays, (end - begin) / total))
            begin = end

    def grown(self, step: Append | Insert) -> list[Stage]:
        """The arrays of a slice or a map that grows."""
        return self._grown[str(step)]

    def _add(self, name: str, objects: tuple[ObjectKind, ...], table: SizeClassTable) -> None:
        u = (np.arange(QUANTILES) + 0.5) / QUANTILES
        sizes = np.concatenate([kind.size.quantile(u) for kind in objects])
        words = [np.inf if kind.pointers == "all" else float(kind.pointers) for kind in objects]
        filled = [kind.filled for kind in objects]
        shares = [kind.share / QUANTILES for kind in objects]
        self.ids[name] = len(self.mixes)
        self.mixes.append(
            self.kinds.add_mix(
                sizes,
                np.repeat(words, QUANTILES),
                np.repeat(filled, QUANTILES),
                np.repeat(shares, QUANTILES),
                table,
            )
        )


def _arrays(step: Append | Insert, sizes: SizeClassTable) -> tuple[int, int, int, list[Arrays]]:
    """(elements, words of one, pointers of these, arrays)."""
    if isinstance(step, Append):
        words = max(step.size // WORD, 1)
        used = words if step.pointers == "all" else step.pointers
        found = slice_arrays(step.elements, step.size, sizes, noscan=not used)
        return step.elements, words, used, found
    value = -(-step.value // WORD)
    words = -(-step.key // WORD) + value
    used = value if step.pointers == "all" else step.pointers
    return step.entries, words + 1, used, map_arrays(step.entries, words * WORD)


def pool_mix(name: str) -> str:
    """The name of the mix of a pool's objects."""
    return f"pool {name}"


def finalizer_mix(step: Work) -> str:
    """The name of the mix of a step whose objects have finalizers."""
    return f"{step.of} with finalizers of {step.finalizer} ns"

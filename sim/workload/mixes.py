"""The mixes of a program as kinds of slots."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.go.kinds import KindTable, Mix
from sim.go.sizeclass import SizeClassTable
from sim.workload.distributions import Constant
from sim.workload.program import ObjectKind, Program, Work

QUANTILES: Final = 1024
"""Points at which a distribution of sizes is compiled into kinds."""


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

        for step in program.all_steps():
            if isinstance(step, Work) and step.finalizer is not None:
                name = finalizer_mix(step)
                if name not in self.ids:
                    self._add(name, program.mixes[str(step.of)], sizes)
                    self.finalizers[self.ids[name]] = step.finalizer

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


def pool_mix(name: str) -> str:
    """The name of the mix of a pool's objects."""
    return f"pool {name}"


def finalizer_mix(step: Work) -> str:
    """The name of the mix of a step whose objects have finalizers."""
    return f"{step.of} with finalizers of {step.finalizer} ns"

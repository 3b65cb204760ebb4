"""Shipped workloads by what simulates them."""

from __future__ import annotations

from typing import Final, NamedTuple

from sim.config import load
from sim.errors import UserError
from sim.examples import examples

FLUID: Final = "model.detail=fluid"


class Shipped(NamedTuple):
    """Names of workloads."""

    fluid: list[str]
    """Those that the fluid mode simulates."""
    others: list[str]
    """Those with steps that it refuses."""

    @property
    def note(self) -> str:
        """What is left out where all run as rates; empty if that is nothing."""
        names = ", ".join(self.others)
        return f"Left out: {names}, which the fluid mode does not simulate." if names else ""


def shipped() -> Shipped:
    """All shipped workloads."""
    found = Shipped([], [])
    for name, file in examples("workloads").items():
        try:
            load({"workload": str(file)}, [FLUID])
        except UserError:
            found.others.append(name)
        else:
            found.fluid.append(name)
    return found

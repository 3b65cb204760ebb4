"""Policies in a config: the name and the parameters, frozen; a fresh policy for every run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sim.errors import UserError
from sim.registry import REGISTRIES, Registry
from sim.workload.arrivals import Arrivals, arrivals
from sim.workload.distributions import Distribution, distributions

VALUES: Final[dict[Any, Registry]] = {Distribution: distributions, Arrivals: arrivals}
"""Stateless policies: their instances are part of the program."""


@dataclass(frozen=True)
class Slot:
    """Metadata of a key that names a policy with state, such as a pacer."""

    kind: str

    def registry(self) -> Registry:
        """The policies that may stand here."""
        if self.kind not in REGISTRIES:
            raise UserError(f"no {self.kind} is registered")
        return REGISTRIES[self.kind]


@dataclass(frozen=True)
class Policy:
    """A choice of policy: configs are shared between runs, policies are not, as they have state."""

    kind: str
    name: str
    parameters: tuple[tuple[str, Any], ...] = ()

    def make(self) -> Any:
        """A fresh instance for one run."""
        return Slot(self.kind).registry().get(self.name)(**dict(self.parameters))

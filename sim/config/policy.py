"""Policies in a config: the name and the parameters, frozen; a fresh policy for every run."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

import sim.go.barrier
import sim.go.marker
import sim.go.pacer
from sim.config.annotations import keys
from sim.config.docs import describe
from sim.errors import UserError
from sim.registry import REGISTRIES, Registry
from sim.workload.arrivals import Arrivals, arrivals
from sim.workload.distributions import Distribution, distributions

# Every module of these rooms is one policy, which registers itself when it is imported.
for _room in (sim.go.pacer, sim.go.marker, sim.go.barrier):
    for _module in iter_modules(_room.__path__, f"{_room.__name__}."):
        import_module(_module.name)

VALUES: Final[dict[Any, Registry]] = {Distribution: distributions, Arrivals: arrivals}
"""Stateless policies: their instances are part of the program."""


@dataclass(frozen=True)
class Slot:
    """Metadata of a key that names a policy with state, such as a pacer."""

    kind: str

    def registry(self) -> Registry:
        """The policies that may stand here."""
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


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue of policies."""

    kind: str
    name: str
    parameters: str
    about: str
    """What it does; of a broken plug-in, why it cannot be loaded."""


def catalogue() -> list[Entry]:
    """Everything that can be named in YAML, by kind and name."""
    registries = [registry for _, registry in sorted(REGISTRIES.items())]
    return [_entry(registry, name) for registry in registries for name in registry.names()]


def _entry(registry: Registry, name: str) -> Entry:
    try:
        cls = registry.get(name)
    except UserError as error:
        return Entry(registry.kind, name, "", f"broken: {error}")
    return Entry(registry.kind, name, ", ".join(keys(cls)), describe(cls))

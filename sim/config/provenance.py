"""What decides the tables of a run besides its config: code, data and libraries, by their contents.

A version number is typed by hand and says nothing about a changed file. The contents do: a stored
run would come out again exactly if its config and its provenance are what they would be today.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import sim
from sim.config.policy import Policy, Slot
from sim.config.run import RunConfig
from sim.registry import PLUGIN_FILE

SIMULATOR: Final = "gomemsim"
LIBRARIES: Final = ("numpy", "simpy")
"""What draws random numbers and orders events."""
COMPILED: Final = (".pyc", *{Path(suffix).suffix for suffix in EXTENSION_SUFFIXES})
"""Made of files that count already."""
DIGITS: Final = 12
"""Of a hash, hexadecimal: 48 bits, enough to tell versions apart."""


def provenance(config: RunConfig) -> str:
    """Name and hash of the contents of all that a run depends on, a line each.

    The simulator comes first (see `simulator`), then plug-ins and a machine profile of one's own.
    """
    own = [str(path) for path in config.plugins]
    if config.machine.endswith(".yaml"):
        own.append(config.machine)
    hashes = {SIMULATOR: simulator()}
    hashes |= {name: _module(name) for cls in _policies(config) if (name := _package(cls))}
    hashes |= {path: _hash([Path(path).read_bytes()]) for path in own}
    return "\n".join(f"{name} {digest}" for name, digest in hashes.items())


@cache
def simulator() -> str:
    """Hash of every file of the package `sim`, of Python's version and those of the libraries."""
    versions = (platform.python_version(), *(version(name) for name in LIBRARIES))
    return _hash([_module(sim.__name__).encode(), *(text.encode() for text in versions)])


@cache
def _module(name: str) -> str:
    """Hash of a module's file, or of all files of a package."""
    path = Path(sys.modules[name].__file__ or "")
    return _hash([path.read_bytes()] if path.name != "__init__.py" else _inside(path.parent))


def _inside(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in COMPILED:
            yield path.relative_to(folder).as_posix().encode()
            yield path.read_bytes()


def _hash(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:DIGITS]


def _policies(value: Any) -> Iterator[type[Any]]:
    """The classes of all policies, distributions and the like in a config."""
    if isinstance(value, Policy):
        yield Slot(value.kind).registry().get(value.name)
    elif is_dataclass(value):
        yield type(value)
        for field in fields(value):
            yield from _policies(getattr(value, field.name))
    elif isinstance(value, tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _policies(item)


def _package(cls: type[Any]) -> str:
    """The installed package of a plug-in; empty for our own, and for files that a config names."""
    name = cls.__module__.partition(".")[0]
    return "" if name == sim.__name__ or name.startswith(PLUGIN_FILE) else name

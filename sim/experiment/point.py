"""One run of a sweep, and the name under which it is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeAlias
from urllib.parse import quote

Settings: TypeAlias = Mapping[str, str]
"""Keys and values of one combination, as typed."""

_LONGEST: Final = 120
"""Characters of a value in the name of a folder; file systems take names of 255."""
HASH_DIGITS: Final = 10
RUN: Final = "run"
"""Key of the innermost folder: the hash of all that the run depends on."""


@dataclass(frozen=True)
class Point:
    """A run under one combination of settings with one seed."""

    settings: Settings
    seed: int
    config: Mapping[str, Any]
    """The whole run, as `sim.config.resolved` tells it."""
    provenance: str
    """What else decides how it comes out (see `sim.config.provenance`)."""
    fixed: Settings = field(default_factory=dict)
    """What its sweep sets for all of its runs."""

    @property
    def label(self) -> str:
        """What distinguishes the run from its neighbours, for people: `GOGC=50 seed=1`."""
        return " ".join(f"{key}={value}" for key, value in self._chosen.items())

    @cached_property
    def name(self) -> str:
        """The run's folder inside of its sweep: another name is another run.

        Hive style, as in `GOGC=50/seed=1/run=1a6121e953`: readers of parquet make columns of it.
        Values are percent-encoded, so that every file system takes them. What is too long for a
        folder is cut, and stays apart by its hash.
        """
        text = json.dumps(self.config, sort_keys=True, default=str)
        chosen = {**self._chosen, RUN: _hash(text + chr(0) + self.provenance)}
        return "/".join(f"{folder_name(key)}={folder_name(value)}" for key, value in chosen.items())

    @property
    def keys(self) -> tuple[str, ...]:
        """What the sweep varies beside the seed, in the order of its folders."""
        return tuple(self.settings)

    @property
    def _chosen(self) -> Settings:
        return {**self.settings, "seed": str(self.seed)}


def folder_name(text: str) -> str:
    """A text as a part of the name of a folder: percent-encoded, not too long."""
    safe = quote(text, safe=" ")
    if len(safe) <= _LONGEST:
        return safe
    # An escape sequence that is cut in two would be one that no reader understands.
    return f"{safe[:_LONGEST].rpartition('%')[0] or safe[:_LONGEST]}+{_hash(text)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]

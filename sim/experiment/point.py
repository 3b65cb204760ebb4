"""One run of a sweep, and the name under which it is stored."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

Settings: TypeAlias = Mapping[str, str]
"""Keys and values of one combination, as typed."""

_UNSAFE: Final = re.compile(r"[^\w.=,+-]+")
_LONGEST: Final = 200
"""Characters of a label; file systems take names of 255."""
HASH_DIGITS: Final = 10


@dataclass(frozen=True)
class Point:
    """A run under one combination of settings with one seed."""

    settings: Settings
    seed: int
    config: Mapping[str, Any]
    """The whole run, as `sim.config.resolved` tells it."""
    provenance: str
    """What else decides how it comes out (see `sim.config.provenance`)."""

    @property
    def label(self) -> str:
        """What distinguishes the run from its neighbours, for people and fit for a file name."""
        chosen = {**self.settings, "seed": str(self.seed)}
        text = ",".join(f"{key}={value}" for key, value in chosen.items())
        safe = _UNSAFE.sub("_", text)
        if len(safe) <= _LONGEST:
            return safe
        return f"{safe[: _LONGEST - HASH_DIGITS - 1]}+{_hash(text)}"

    @cached_property
    def name(self) -> str:
        """Label and a hash of all that the run depends on: another name is another run."""
        text = json.dumps(self.config, sort_keys=True, default=str)
        return f"{self.label}-{_hash(text + chr(0) + self.provenance)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]

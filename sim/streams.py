"""Named random streams: one per purpose, all from one seed.

Changing GOGC must not change the arrivals, so every purpose draws from its own generator, whose
state depends on the seed and its name alone, never on the order of first use.
"""

from __future__ import annotations

import zlib

import numpy as np


class Streams:
    """`streams["arrivals"]` is the generator for that purpose."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._generators: dict[str, np.random.Generator] = {}

    def __getitem__(self, purpose: str) -> np.random.Generator:
        generator = self._generators.get(purpose)
        if generator is None:
            key = (self.seed, zlib.crc32(purpose.encode()))
            generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
            self._generators[purpose] = generator
        return generator

"""Python's own cyclic collector, which has little to find here (see the module `gc`).

What commands import lasts until they end, and what has ended in a simulation is freed by reference
counts: it leaves no cycles behind before the whole run ends.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

SELDOM: Final = (200_000, 20, 20)
"""Thresholds: Python's of 700 objects cost a fifth of the time of short commands."""
_YOUNG: Final = (200_000, 1_000_000, 1_000_000)
"""Thresholds of a run: nothing that it makes comes into the oldest generation."""
_BEGUN: Final = count()
"""Runs that this process has begun."""


def collect_seldom() -> None:
    """From now on; and not once more when the process ends, which takes as long again."""
    gc.set_threshold(*SELDOM)
    atexit.register(gc.freeze)


@contextmanager
def one_of_many_runs() -> Iterator[None]:
    """Meanwhile the collector goes seldom, and never through what is older than the run.

    What the last run left, whose parts refer to each other, goes before the next one begins: a
    program of many runs does not grow. As all of that is young still, it is found without a look at
    what else the program holds, however much that is.
    """
    usual = gc.get_threshold()
    gc.set_threshold(*_YOUNG)
    if next(_BEGUN):
        gc.collect(1)
    try:
        yield
    finally:
        gc.set_threshold(*usual)

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

SELDOM: Final = (50_000, 20, 20)
"""Thresholds: Python's of 700 objects cost a fifth of the time of short commands."""
_BEGUN: Final = count()
"""Runs that this process has begun. `gc.get_freeze_count` knows as well that there were some, but
walks through all that is frozen: 10 to 20 ms a run."""


def collect_seldom() -> None:
    """From now on; and not once more when the process ends, which takes as long again."""
    gc.set_threshold(*SELDOM)
    atexit.register(gc.freeze)


@contextmanager
def one_of_many_runs() -> Iterator[None]:
    """Meanwhile the collector goes seldom, and only through what is newer than the first run.

    What the last run left, whose parts refer to each other, goes before the next one begins: a
    program of many runs does not grow.
    """
    usual = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    if next(_BEGUN):
        gc.collect()
    else:
        gc.freeze()
    try:
        yield
    finally:
        gc.set_threshold(*usual)

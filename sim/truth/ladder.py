"""The ladder: how the error falls as one mechanism after the other is added.

The lowest rung is the textbook's collector: the world stands still while all is marked, and all is
swept at once. The highest is the whole model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from sim.truth.accuracy import accuracy, errors

RUNGS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("stop-the-world mark-sweep", ()),
    (
        "concurrent marking on a quarter of the CPU and on idle Ps",
        ("concurrent", "dedicated_workers", "fractional_workers", "idle_workers"),
    ),
    ("allocation is black while marking", ("black_allocation",)),
    ("assists and their limiter", ("assists", "limiter")),
    ("roots and tables of pointers are marked first", ("mark_course",)),
    ("lazy sweeping", ("lazy_sweep",)),
    ("stopping the world takes time", ("stop_the_world",)),
    ("write barrier and slower caches", ("write_barrier", "mutator_slowdown")),
    ("lock contention and scavenger: the whole model", ("lock_contention", "scavenger")),
)
"""What a rung adds to the one below it: its name, and the switches of the model."""


def climb(
    configs: Sequence[Path],
    folder: Path,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Median absolute error of each figure, a rung a row. Raises as `accuracy` does."""
    switches = [name for _, names in RUNGS for name in names]
    rows = {}
    for number, (title, names) in enumerate(RUNGS):
        for name in names:
            switches.remove(name)
        off = [f"model.{name}=false" for name in switches]
        table = accuracy(configs, folder, off, seeds=(1,))
        rows[title] = errors(table)["median_error"]
        if progress is not None:
            progress((number + 1) / len(RUNGS))
    return pd.DataFrame.from_dict(rows, orient="index")

"""A config as a source of the page: it is simulated once, and its log is explored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from sim.config import load
from sim.errors import UserError
from sim.examples import find
from sim.formats.runtime_metrics import Dump, format_line
from sim.results.result import Result
from sim.simulation import simulate

_CONFIGS: Final = frozenset({".yaml", ".yml"})
_OBJECTS: Final = "/memory/classes/heap/objects:bytes"


def is_config(source: Path) -> bool:
    """Whether this is a config or the name of an example, and not a log."""
    named = len(source.parts) == 1 and not source.exists() and find(source.name) is not None
    return named or source.suffix in _CONFIGS


class Simulated(NamedTuple):
    """What a running process would have told: its log, its metrics, and what `ps` shows."""

    log: Path
    metrics: Path
    """Go's runtime/metrics when the heap was largest."""
    rss: str
    """Largest resident memory."""


def simulate_log(
    config: Path, folder: Path, progress: Callable[[float], None] | None = None
) -> Simulated:
    """Simulate a config, and write what a running process would have told.

    Raises UserError for a config that cannot be simulated or never collects.
    """
    run = simulate(load(config), None, progress)
    if run.cycles.empty:
        raise UserError(f"{config}: no GC cycle in the run, so that there is no log to explore")
    log, metrics = folder / f"{config.stem}.gctrace", folder / f"{config.stem}.metrics"
    log.write_text(run.gctrace(), encoding="utf-8")
    metrics.write_text(_dump(run) + "\n", encoding="utf-8")
    return Simulated(log, metrics, f"{int(run.samples['sim:rss:bytes'].max())}B")


def _dump(run: Result) -> str:
    """Go's own metrics at the instant of most objects."""
    row = int(run.samples[_OBJECTS].to_numpy().argmax())
    largest = {
        str(name): column[row].item()
        for name, column in run.samples.items()
        if column.dtype.kind in "iuf"
    }
    values = {name: value for name, value in largest.items() if name.startswith("/")}
    return format_line(Dump(int(largest["at_ns"]), values))
